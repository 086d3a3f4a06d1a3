"""Google's control plane on loopback, for Google's own client and REST: strict in forms (gcp_api), tokens and states.

Policies have etags (https://cloud.google.com/iam/docs/policies#etag), functions are DEPLOYING for some looks, and code
is put to a URL with the type that it was made for (generateUploadUrl of the functions' v2 API).
"""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from base64 import b64decode
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import google.auth.exceptions
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from tests.fakes.gcp_api import APIS, Asked, Bad, read

Json = dict[str, Any]
PROJECT = "acme-prod"
EMAIL = f"shipper@{PROJECT}.iam.gserviceaccount.com"
KEY = rsa.generate_private_key(65537, 2048)
READS = ("Get", "List", "Generate")


class Google:
    """A context manager. `lag` is for how many looks an operation goes on."""

    def __init__(self, lag: int = 1) -> None:
        self.lag, self.things, self.policies = lag, {}, {}  # type: ignore[var-annotated]
        self.payloads: dict[str, bytes] = {}
        self.uploads: dict[str, bytes | None] = {}
        self.operations: dict[str, list[Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self._failures: dict[int, str] = {}
        self._serial = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def environment(self, folder: Path) -> dict[str, str]:
        """What lets Google's own clients come here."""
        private = KEY.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()).decode()
        about = {"type": "service_account", "project_id": PROJECT, "private_key_id": "1", "private_key": private}
        about |= {"client_email": EMAIL, "token_uri": f"{self.url}/token"}
        (folder / "key.json").write_text(json.dumps(about))
        own = {f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}": f"{self.url}/{api}" for api in APIS}
        own["CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDFUNCTIONS"] = self.url
        return {
            **own,
            "GOOGLE_APPLICATION_CREDENTIALS": str(folder / "key.json"),
            "GOOGLE_CLOUD_REGION": "europe-west1",
        }

    def left(self) -> set[str]:
        held = {
            f"{path} {one['role']} {who}"
            for path, each in self.policies.items()
            for one in each["bindings"]
            for who in one["members"]
        }
        return {path for path in self.things if "/operations/" not in path} | held

    def fail_next(self, number: int, how: str) -> None:
        """The number-th change from now: 500, throttle, or timeout-after."""
        self._failures[len(self.mutations) + number] = how

    def no_failures(self) -> None:
        self._failures.clear()

    @property
    def mutations(self) -> list[str]:
        return [name for _, name in self.requests if not name.startswith(READS)]

    def answer(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> tuple[int, Any]:
        """Status and body; status 0 gives none."""
        parts = urlsplit(url)
        if parts.path == "/token":
            return self._token(content)
        if parts.path.startswith("/upload/"):
            return self._upload(parts.path, method, headers, content)
        with self._lock:
            try:
                self._check(headers.get("authorization", ""))
                api, path = _api(parts.path)
                asked = read(api, method, path, dict(parse_qsl(parts.query)), content)
                self.requests.append((method, asked.name))
                how = self._failures.pop(len(self.mutations), "") if not asked.name.startswith(READS) else ""
                if how in ("500", "throttle"):
                    code = 500 if how == "500" else 429
                    raise Bad(code, "INTERNAL" if code == 500 else "RESOURCE_EXHAUSTED", "try again")
                made = getattr(self, f"_{asked.api}")(asked)
                return (0, None) if how == "timeout-after" else (200, made)
            except Bad as bad:
                return bad.status, {"error": {"code": bad.status, "status": bad.code, "message": bad.message}}

    def _token(self, content: bytes) -> tuple[int, Any]:
        said = dict(parse_qsl(content.decode()))
        self._verified(said["assertion"])
        return 200, {"access_token": "ya29.good", "expires_in": 3600, "token_type": "Bearer"}

    def _check(self, said: str) -> None:
        token = said.removeprefix("Bearer ")
        if token != "ya29.good":
            try:
                self._verified(token)
            except (ValueError, google.auth.exceptions.GoogleAuthError) as error:
                raise Bad(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.") from error

    def _verified(self, token: str) -> None:
        public = KEY.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
        decode: Any = jwt.decode
        if decode(token, certs=public.decode())["iss"] != EMAIL:
            raise ValueError("another issuer")

    def _upload(self, path: str, method: str, headers: Mapping[str, str], content: bytes) -> tuple[int, Any]:
        if (
            method != "PUT"
            or path not in self.uploads
            or headers.get("content-type") != "application/zip"
            or "authorization" in headers
        ):
            return 403, None
        self.uploads[path] = content
        return 200, None

    def _new(self, path: str, body: Json) -> Json:
        if path in self.things:
            raise Bad(409, "ALREADY_EXISTS", f"{path} already exists")
        return self._stored(path, body)

    def _stored(self, path: str, body: Json) -> Json:
        self._serial += 1
        self.things[path] = {**body, "name": path}
        if re.search(r"/(secrets|triggers)/[^/]+$", path):
            self.things[path]["etag"] = f'"{self._serial}"'
        return dict(self.things[path])

    def _there(self, path: str) -> Json:
        if path not in self.things:
            raise Bad(404, "NOT_FOUND", f"{path} was not found")
        return dict(self.things[path])

    def _listed(self, parent: str, under: str) -> Json:
        mine = re.compile(re.escape(f"{parent}/{under}/") + "[^/]+")
        return {under: [each for path, each in self.things.items() if mine.fullmatch(path)]}

    def _gone(self, path: str) -> Json:
        self._there(path)
        for each in [each for each in self.things if each == path or each.startswith(f"{path}/")]:
            del self.things[each]
        self.policies.pop(path, None)
        return {}

    def _policy(self, asked: Asked) -> Json:
        path = asked.fields["resource"]
        if not path.startswith("projects/") or path.count("/") > 1:
            self._there(path)
        now = self.policies.setdefault(path, {"bindings": [], "etag": "BwAA"})
        if asked.name == "SetIamPolicy":
            given = asked.fields["policy"]
            if given.get("etag") and given["etag"] != now["etag"]:
                raise Bad(409, "ABORTED", "There were concurrent policy changes: the etag does not match")
            for member in [who for each in given.get("bindings", []) for who in each["members"]]:
                email = member.partition(":")[2]
                if member != "allUsers" and f"projects/{PROJECT}/serviceAccounts/{email}" not in self.things:
                    raise Bad(400, "INVALID_ARGUMENT", f"Service account {email} does not exist.")
            self._serial += 1
            etag = f"Bw{self._serial:06}"
            self.policies[path] = {"bindings": given.get("bindings", []), "etag": etag}
        return json.loads(json.dumps(self.policies[path]))  # type: ignore[no-any-return]

    def _operation(self, path: str, done: Any) -> Json:
        self._serial += 1
        name = f"{path.split('/functions/')[0].split('/triggers/')[0]}/operations/{self._serial}"
        self.operations[name] = [self.lag, done]
        return {"name": name, "done": False}

    def _looked(self, name: str) -> Json:
        held = self.operations[name]
        held[0] -= 1
        if held[0] == 0:
            held[1]()
        return {"name": name, "done": held[0] <= 0}

    def _iam(self, asked: Asked) -> Json:
        name, fields = str(asked.fields.get("name", "")), asked.fields
        if asked.name == "CreateServiceAccount":
            if not re.fullmatch(r"[a-z]([-a-z0-9]{4,28}[a-z0-9])", fields.get("accountId", "")):
                raise Bad(400, "INVALID_ARGUMENT", "accountId")
            email = f"{fields['accountId']}@{PROJECT}.iam.gserviceaccount.com"
            return self._new(f"{name}/serviceAccounts/{email}", {**fields["serviceAccount"], "email": email})
        if asked.name == "ListServiceAccounts":
            return {"accounts": self._listed(name, "serviceAccounts")["serviceAccounts"]}
        return self._gone(name) if asked.name == "DeleteServiceAccount" else self._there(name)

    def _secretmanager(self, asked: Asked) -> Json:
        name, parent, fields = str(asked.fields.get("name", "")), str(asked.fields.get("parent", "")), asked.fields
        if asked.name.endswith("IamPolicy"):
            return self._policy(asked)
        if asked.name == "CreateSecret":
            return self._new(f"{parent}/secrets/{fields['secretId']}", fields["secret"])
        if asked.name == "UpdateSecret":
            now, given = self._there(fields["secret"]["name"]), fields["secret"]
            if given.get("etag") and given["etag"] != now["etag"]:
                raise Bad(400, "FAILED_PRECONDITION", "the etag does not match")
            return self._stored(
                now["name"], {**now, **{each: given.get(each) for each in fields["updateMask"].split(",")}}
            )
        if asked.name == "AddSecretVersion":
            self._there(parent)
            number = 1 + sum(each.startswith(f"{parent}/versions/") for each in self.things)
            self.payloads[f"{parent}/versions/{number}"] = b64decode(fields["payload"]["data"])
            return self._new(f"{parent}/versions/{number}", {"state": "ENABLED"})
        if asked.name == "DestroySecretVersion":
            return self._stored(name, {**self._there(name), "state": "DESTROYED"})
        if asked.name.startswith("List"):
            return self._listed(parent, "versions" if asked.name == "ListSecretVersions" else "secrets")
        return self._gone(name) if asked.name == "DeleteSecret" else self._there(name)

    def _run(self, asked: Asked) -> Json:
        return self._policy(asked)

    _cloudresourcemanager = _run

    def _cloudfunctions(self, asked: Asked) -> Json:
        fields, name = asked.fields, str(asked.fields.get("name", ""))
        if asked.name == "GenerateUploadUrl":
            self._serial += 1
            path = f"/upload/{self._serial}"
            self.uploads[path] = None
            return {"uploadUrl": f"{self.url}{path}", "storageSource": {"bucket": "gcf-uploads", "object": path}}
        if asked.name == "ListFunctions":
            return self._listed(fields["parent"], "functions")
        if asked.name in ("GetFunction", "GetOperation"):
            return self._looked(name) if asked.name == "GetOperation" else self._there(name)
        if asked.name == "CreateFunction":
            name = f"{fields['parent']}/functions/{fields['functionId']}"
            if name in self.things:
                raise Bad(409, "ALREADY_EXISTS", f"{name} already exists")
            return self._deploy(name, fields["function"], {})
        given = fields.get("function", {})
        now = self._there(given.get("name") or name)
        if now["state"] in ("DEPLOYING", "DELETING"):
            raise Bad(409, "ABORTED", "unable to queue the operation: another is in progress")
        if asked.name == "DeleteFunction":
            self.things[name]["state"] = "DELETING"
            return self._operation(
                name, lambda: (self._gone(name), self._gone(name.replace("/functions/", "/services/")))
            )
        masked = {each: given[each] for each in fields["updateMask"].split(",")}
        return self._deploy(now["name"], masked, now)

    def _deploy(self, name: str, given: Json, now: Json) -> Json:
        build, service = given["buildConfig"], given["serviceConfig"]
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", name.rpartition("/")[2]):
            raise Bad(400, "INVALID_ARGUMENT", "functionId")
        if build["runtime"] not in ("python311", "python312", "python313", "python314"):
            raise Bad(400, "INVALID_ARGUMENT", f"runtime {build['runtime']} is not supported")
        for label in given.get("labels", {}).values():
            if not re.fullmatch(r"[a-z0-9_-]{0,63}", label):
                raise Bad(400, "INVALID_ARGUMENT", f"label value {label}")
        code = self.uploads.get(build["source"]["storageSource"]["object"])
        if not code or not zipfile.is_zipfile(io.BytesIO(code)):
            raise Bad(400, "INVALID_ARGUMENT", "the source is no zip archive")
        if f"projects/{PROJECT}/serviceAccounts/{service['serviceAccountEmail']}" not in self.things:
            raise Bad(400, "INVALID_ARGUMENT", "the service account does not exist")
        for volume in service.get("secretVolumes", []):
            path = f"projects/{PROJECT}/secrets/{volume['secret']}"
            version = self._there(f"{path}/versions/{volume['versions'][0]['version']}")
            members = [who for each in self.policies.get(path, {}).get("bindings", []) for who in each["members"]]
            if version["state"] != "ENABLED" or f"serviceAccount:{service['serviceAccountEmail']}" not in members:
                raise Bad(403, "PERMISSION_DENIED", "the service account may not read the secret")
        whole = {**now, **given, "state": "DEPLOYING"}
        self._stored(name, whole)
        short = name.rpartition("/")[2]

        def done() -> None:
            uri = f"https://{short}-abc-ew.a.run.app"
            made = {**whole, "state": "ACTIVE", "serviceConfig": {**service, "uri": uri}}
            made["updateTime"] = f"2026-11-23T00:00:{self._serial % 60:02}.{self._serial:06}Z"
            self._stored(name, made)
            self._stored(name.replace("/functions/", "/services/"), {})

        return self._operation(name, done)

    def _thing(self, asked: Asked) -> Json:
        """A job, a trigger, a queue or a subscription."""
        fields, verb = asked.fields, re.match("[A-Z][a-z]+", asked.name)[0]  # type: ignore[index]
        kind = asked.name.removeprefix(verb).lower().removesuffix("s")
        name = str(fields.get("name") or fields.get("subscription") or "")
        if asked.name == "GetOperation":
            return self._looked(name)
        if verb == "List":
            return self._listed(fields.get("parent") or fields.get("project", ""), f"{kind}s")
        if verb in ("Get", "Delete"):
            made = self._there(name) if verb == "Get" else self._gone(name)
        elif verb == "Create":
            body = fields.get(kind, fields)
            made = self._new(body["name"], dict(body))
        else:
            given = fields[kind]
            now = self._there(given["name"])
            made = self._stored(now["name"], {**now, **{each: given[each] for each in fields["updateMask"].split(",")}})
        return (
            self._operation(name or made["name"], lambda: None) if kind == "trigger" and verb not in ("Get",) else made
        )

    _cloudscheduler = _cloudtasks = _pubsub = _eventarc = _thing


def _api(path: str) -> tuple[str, str]:
    first = path.split("/")[1]
    return (first, path[len(first) + 1 :]) if first in APIS else ("cloudfunctions", path)


def _handler(google: Google) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = google.answer(self.command, self.path, headers, content)
            if status == 0:
                self.close_connection = True
                return
            said = json.dumps(body).encode() if body is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    return Handler
