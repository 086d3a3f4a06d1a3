"""Where a cluster is and who one is there: from kubeconfig, or inside a pod from its service account.

kubeconfig: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
In a pod: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hyfn.errors import ConfigError, MachineError

Json = Mapping[str, Any]
POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
HOME = "~/.kube/config"
PROGRAM_SECONDS = 60.0
"""For a program of the vendor's that gives a token."""


@dataclass(frozen=True, slots=True)
class Access:
    """`server` is a URL without a "/" at its end. `user` is kubeconfig's own, with paths that are absolute; `folder` is
    that of a pod's token. Neither is ever shown."""

    server: str
    namespace: str
    tls: ssl.SSLContext | bool = True
    user: Json = field(default_factory=dict, repr=False)
    folder: Path | None = None

    def headers(self) -> dict[str, str]:
        """Who one is: asked for anew each time, since tokens end. Raises ConfigError or MachineError."""
        if self.folder:
            return _bearer((self.folder / "token").read_text())
        if self.user.get("token"):
            return _bearer(str(self.user["token"]))
        if self.user.get("tokenFile"):
            return _bearer(_text(Path(self.user["tokenFile"])))
        if self.user.get("exec"):
            return _bearer(_asked(self.user["exec"]))
        if self.user.get("username"):
            pair = f"{self.user['username']}:{self.user.get('password', '')}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        return {}


def namespace(context: str, environ: Mapping[str, str] = os.environ) -> str:
    """The one that `context` is at home in; "" for the current context. Raises ConfigError where there is none."""
    return access(context, environ, is_opened=False).namespace


def access(context: str, environ: Mapping[str, str] = os.environ, is_opened: bool = True) -> Access:
    """By kubeconfig where there is one, else by the pod that this process runs in. Raises ConfigError, MachineError.

    Without `is_opened` only server and namespace are found out.
    """
    document = _merged(environ)
    if document:
        return _configured(document, context, is_opened)
    if POD.is_dir() and environ.get("KUBERNETES_SERVICE_HOST"):
        server = f"https://{environ['KUBERNETES_SERVICE_HOST']}:{environ.get('KUBERNETES_SERVICE_PORT', '443')}"
        tls = ssl.create_default_context(cafile=str(POD / "ca.crt"))
        return Access(server, (POD / "namespace").read_text().strip(), tls, {}, POD)
    said = f"no cluster is known: there is no {environ.get('KUBECONFIG') or HOME}"
    raise ConfigError(said, hint="KUBECONFIG=path of a kubeconfig, as for kubectl")


def _merged(environ: Mapping[str, str]) -> dict[str, Any]:
    """All files that KUBECONFIG names: of what has one name the first counts."""
    named = environ.get("KUBECONFIG") or HOME
    paths = [Path(each).expanduser() for each in named.split(os.pathsep) if each]
    found: dict[str, Any] = {}
    for path in (each for each in paths if each.is_file()):
        document = _read(path)
        for kind in ("clusters", "users", "contexts"):
            names = found.setdefault(kind, {})
            for each in document.get(kind) or []:
                names.setdefault(each["name"], _absolute(each[kind[:-1]] or {}, path.parent))
        if document.get("current-context"):
            found.setdefault("current-context", document["current-context"])
    return found


FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def _absolute(entry: Json, folder: Path) -> Json:
    return {name: str(folder / value) if name in FILES and value else value for name, value in entry.items()}


def _read(path: Path) -> Json:
    text = _text(path)
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = _yaml(text, path)
    if not isinstance(found, Mapping):
        raise ConfigError("it is no kubeconfig", where=str(path))
    return found


def _yaml(text: str, path: Path) -> Any:
    try:
        import yaml
    except ImportError as error:
        said = "reading a kubeconfig needs the package PyYAML"
        raise MachineError(said, hint="pip install 'hyfn[kubernetes]'") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        said = str(getattr(error, "problem", "") or "it is no YAML")
        raise ConfigError(said, where=str(path)) from error


def _configured(document: Json, context: str, is_opened: bool) -> Access:
    name = context or str(document.get("current-context") or "")
    contexts = document["contexts"]
    if name not in contexts:
        said = f"kubeconfig has no context {name!r}" if name else "kubeconfig says no current context"
        raise ConfigError(said, hint=f"it has {', '.join(sorted(contexts)) or 'none'}")
    found = contexts[name]
    cluster = document["clusters"].get(found.get("cluster"))
    if not cluster or not cluster.get("server"):
        raise ConfigError(f"kubeconfig's context {name} is of a cluster that it does not have")
    user = document["users"].get(found.get("user")) or {}
    if user.get("auth-provider"):
        said = f"the user of kubeconfig's context {name} has an auth-provider, which Kubernetes gave up in 1.26"
        raise ConfigError(said, hint="log in anew by your vendor's own command: it writes exec or a token")
    tls = _tls(cluster, user) if is_opened else True
    return Access(cluster["server"].rstrip("/"), found.get("namespace") or "default", tls, user)


def _tls(cluster: Json, user: Json) -> ssl.SSLContext | bool:
    if not cluster["server"].startswith("https:"):
        return False
    data = cluster.get("certificate-authority-data")
    try:
        context = ssl.create_default_context(
            cafile=cluster.get("certificate-authority"), cadata=base64.b64decode(data).decode() if data else None
        )
        if cluster.get("insecure-skip-tls-verify"):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        _certify(context, user)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or getattr(error, "reason", None) or "it cannot be read"
        raise ConfigError(f"a certificate of kubeconfig: {said}") from error
    return context


def _certify(context: ssl.SSLContext, user: Json) -> None:
    """The ssl module reads certificates from files alone."""
    if user.get("client-certificate"):
        context.load_cert_chain(user["client-certificate"], user.get("client-key"))
    elif user.get("client-certificate-data"):
        pair = b"\n".join(base64.b64decode(user[f"client-{each}-data"]) for each in ("certificate", "key"))
        with tempfile.NamedTemporaryFile() as file:
            file.write(pair)
            file.flush()
            context.load_cert_chain(file.name)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ConfigError(error.strerror or "cannot be read", where=str(path)) from error


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.strip()}"}


def _asked(exec_: Json) -> str:
    """The token that a vendor's program prints, as kubectl has it do.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """
    command = str(exec_.get("command") or "")
    info = {"apiVersion": exec_.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}}
    env = {each["name"]: each["value"] for each in exec_.get("env") or []}
    hint = "does kubectl work with this context?"
    try:
        done = subprocess.run(
            [command, *(exec_.get("args") or [])],
            env={**os.environ, **env, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
            check=False,
        )
        status = json.loads(done.stdout).get("status") or {} if done.returncode == 0 else {}
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"{command}, which kubeconfig names, gave no token", hint=hint) from error
    if not status.get("token"):
        raise MachineError(f"{command}, which kubeconfig names, gave no token", hint=hint)
    return str(status["token"])
