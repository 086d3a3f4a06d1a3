"""A cluster's API server with Knative in it, strict, on loopback: what it stores, and what its controllers make of it.

Written from https://kubernetes.io/docs/reference/using-api/api-concepts/ (verbs, resourceVersion, labels, deletion),
.../server-side-apply/ and https://kubernetes.io/docs/reference/access-authn-authz/ (bearer tokens, RBAC's refusals).
Nothing runs here: pods are said to be ready after as many looks as `lag` says.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes import kubernetes_controllers as controllers
from tests.fakes.kubernetes_apply import Conflicts, Owned, applied, updated
from tests.fakes.kubernetes_rules import CORE, wrong

TOKEN = "let-me-in"
DOMAIN = "example.com"
PLURALS: Mapping[tuple[str, str], str] = {
    ("v1", "secrets"): "Secret",
    ("v1", "services"): "Service",
    ("apps/v1", "deployments"): "Deployment",
    ("batch/v1", "cronjobs"): "CronJob",
    ("autoscaling/v2", "horizontalpodautoscalers"): "HorizontalPodAutoscaler",
    ("serving.knative.dev/v1", "services"): "Service",
    ("serving.knative.dev/v1", "revisions"): "Revision",
    ("eventing.knative.dev/v1", "triggers"): "Trigger",
    ("sources.knative.dev/v1", "pingsources"): "PingSource",
    ("sources.knative.dev/v1beta1", "kafkasources"): "KafkaSource",
    ("sources.knative.dev/v1alpha1", "rabbitmqsources"): "RabbitmqSource",
}
PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+/[^/]+))/namespaces/(?P<namespace>[^/]+)/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?"
)
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
HOWS = ("500", "throttle", "timeout-after", "stale")


@dataclass(frozen=True, order=True)
class Id:
    """Which object."""

    version: str
    plural: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.version} {self.plural}/{self.name}"


@dataclass
class Stored:
    """`waits` are the looks until its controller has done what is to be done; `made` is what it remembers."""

    body: dict[str, Any]
    owned: Owned
    waits: int = 0
    made: dict[str, Any] = field(default_factory=dict)


class Refusal(Exception):
    """As the API server words it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


@dataclass
class Cluster:
    """`requests` are the method and the object of each, `forbidden` the verbs and plurals that RBAC refuses; a kind in
    `without` is not installed. With `broken` images no revision becomes ready and no pod starts."""

    lag: int = 2
    requests: list[tuple[str, str]] = field(default_factory=list)
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    without: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    objects: dict[Id, Stored] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._lock = threading.RLock()
        self._serial = itertools.count(1000)
        self._failures: dict[int, str] = {}
        self._mutations = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def kubeconfig(self, path: Path, token: str = TOKEN) -> Path:
        """Written as YAML, for the namespace "shop"."""
        path.write_text(
            f"apiVersion: v1\nkind: Config\ncurrent-context: here\n"
            f"clusters:\n- name: c\n  cluster:\n    server: {self.url}\n"
            f"contexts:\n- name: here\n  context:\n    cluster: c\n    user: u\n    namespace: shop\n"
            f"users:\n- name: u\n  user:\n    token: {token}\n"
        )
        return path

    def fail_next(self, number: int, how: str) -> None:
        """The `number`-th request from now that would change something fails: one of HOWS."""
        assert how in HOWS
        with self._lock:
            self._failures[self._mutations + number] = how

    @property
    def mutations(self) -> list[tuple[str, str]]:
        return [each for each in self.requests if each[0] != "GET"]

    def left(self) -> set[str]:
        """Everything that is there."""
        with self._lock:
            return {str(each) for each in self.objects}

    def find(self, version: str, plural: str, name: str, namespace: str = "shop") -> dict[str, Any]:
        return self.objects[Id(version, plural, namespace, name)].body

    def change(self, version: str, plural: str, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Somebody else does, by `kubectl edit`."""
        with self._lock:
            id_ = Id(version, plural, "shop", name)
            body = copy.deepcopy(self.objects[id_].body)
            change(body)
            self._store(id_, body, "kubectl-edit", self.objects[id_])

    def create(self, version: str, plural: str, body: Mapping[str, Any]) -> None:
        """Somebody else does."""
        with self._lock:
            id_ = Id(version, plural, "shop", body["metadata"]["name"])
            kind = PLURALS[version, plural]
            self._store(id_, {"apiVersion": version, "kind": kind, **copy.deepcopy(dict(body))}, "kubectl", None)

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes
    ) -> tuple[dict[str, Any], str]:
        """The object, and how the line then fails."""
        if headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refusal(401, "Unauthorized", "Unauthorized")
        with self._lock:
            url = urlsplit(target)
            id_ = self._id(url.path)
            self.requests.append((method, str(id_)))
            how = self._failure() if method != "GET" else ""
            if how == "500":
                raise Refusal(500, "InternalError", "etcdserver: request timed out")
            if how == "throttle":
                raise Refusal(429, "TooManyRequests", "the server has received too many requests")
            if how == "stale":
                raise Refusal(409, "Conflict", f"Operation cannot be fulfilled on {id_}: the object has been modified")
            params = {name: values[-1] for name, values in parse_qs(url.query).items()}
            self._authorise(method, id_)
            document = self._read(content, headers) if content else {}
            return self._do(method, id_, params, document, headers.get("content-type", "")), how

    def _failure(self) -> str:
        self._mutations += 1
        return self._failures.pop(self._mutations, "")

    def _id(self, path: str) -> Id:
        match = PATH.fullmatch(unquote(path))
        version = (match["core"] or match["group"]) if match else ""
        plural = match["plural"] if match else ""
        if match is None or (version, plural) not in PLURALS or plural in self.without:
            raise Refusal(404, "NotFound", "the server could not find the requested resource")
        return Id(version, plural, match["namespace"], match["name"] or "")

    def _authorise(self, method: str, id_: Id) -> None:
        verb = {"GET": "get" if id_.name else "list"}.get(method, method.lower())
        if (verb, id_.plural) in self.forbidden:
            said = f'{id_.plural} "{id_.name}" is forbidden: User "ci" cannot {verb} resource "{id_.plural}"'
            raise Refusal(403, "Forbidden", said)

    def _read(self, content: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        try:
            document = json.loads(content)
        except ValueError:
            raise Refusal(400, "BadRequest", "the object provided is unrecognized") from None
        if not isinstance(document, dict):
            raise Refusal(400, "BadRequest", "the object provided is unrecognized")
        return document

    def _do(
        self, method: str, id_: Id, params: Mapping[str, str], document: dict[str, Any], content: str
    ) -> dict[str, Any]:
        if method == "GET":
            return self._get(id_) if id_.name else self._list(id_, params)
        if method == "DELETE":
            return self._delete(id_, document)
        if method == "PATCH" and content == APPLY:
            return self._apply(id_, params, document)
        if method == "PATCH" and content == MERGE:
            return self._merge(id_, params, document)
        raise Refusal(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {content}")

    def _get(self, id_: Id) -> dict[str, Any]:
        self._look(id_)
        if id_ not in self.objects:
            raise Refusal(404, "NotFound", f'{id_.plural} "{id_.name}" not found')
        return self._shown(self.objects[id_])

    def _list(self, id_: Id, params: Mapping[str, str]) -> dict[str, Any]:
        wanted = [each.partition("=") for each in params.get("labelSelector", "").split(",") if each]
        mine = [
            each
            for each in sorted(self.objects)
            if (each.version, each.plural, each.namespace) == (id_.version, id_.plural, id_.namespace)
        ]
        for each in mine:
            self._look(each)
        found = [self.objects[each] for each in mine if each in self.objects]
        labelled = [
            each
            for each in found
            if all((each.body["metadata"].get("labels") or {}).get(name) == value for name, _, value in wanted)
        ]
        items = [
            {name: part for name, part in self._shown(each).items() if name not in ("apiVersion", "kind")}
            for each in labelled
        ]
        return {
            "apiVersion": id_.version,
            "kind": f"{PLURALS[id_.version, id_.plural]}List",
            "metadata": {},
            "items": items,
        }

    def _shown(self, stored: Stored) -> dict[str, Any]:
        shown = copy.deepcopy(stored.body)
        shown["metadata"]["managedFields"] = [{"manager": each, "operation": "Apply"} for each in stored.owned.managers]
        return shown

    def _apply(self, id_: Id, params: Mapping[str, str], document: dict[str, Any]) -> dict[str, Any]:
        if not params.get("fieldManager"):
            raise Refusal(400, "BadRequest", "fieldManager is required for apply patch")
        metadata = document.get("metadata") or {}
        kind = PLURALS[id_.version, id_.plural]
        if (document.get("apiVersion"), document.get("kind"), metadata.get("name")) != (id_.version, kind, id_.name):
            raise Refusal(400, "BadRequest", "the object in the data is not the one of the URL")
        if metadata.get("managedFields") is not None or "status" in document:
            raise Refusal(400, "BadRequest", "metadata.managedFields must be nil")
        stored = self.objects.get(id_)
        self._conditions(id_, metadata, stored)
        owned = copy.deepcopy(stored.owned) if stored else Owned()
        live = stored.body if stored else {"apiVersion": id_.version, "kind": kind, "metadata": {"name": id_.name}}
        try:
            body = applied(
                live,
                owned,
                document,
                params["fieldManager"],
                params.get("force") == "true",
                kind in CORE and "knative" not in id_.version,
            )
        except Conflicts as conflicts:
            said = f"Apply failed with {len(conflicts.said)} conflicts: {'; '.join(conflicts.said)}"
            raise Refusal(409, "Conflict", said) from None
        return self._store(id_, body, "", stored, owned)

    def _conditions(self, id_: Id, metadata: Mapping[str, Any], stored: Stored | None) -> None:
        there = stored.body["metadata"] if stored else {}
        for name in ("uid", "resourceVersion"):
            if metadata.get(name) is not None and metadata[name] != there.get(name):
                said = f'Operation cannot be fulfilled on {id_.plural} "{id_.name}": the object has been modified'
                raise Refusal(409, "Conflict", said)

    def _merge(self, id_: Id, params: Mapping[str, str], document: dict[str, Any]) -> dict[str, Any]:
        stored = self.objects.get(id_)
        if stored is None:
            raise Refusal(404, "NotFound", f'{id_.plural} "{id_.name}" not found')
        self._conditions(id_, document.get("metadata") or {}, stored)
        body = copy.deepcopy(stored.body)
        _merged(body, document)
        return self._store(id_, body, params.get("fieldManager", "unknown"), stored)

    def _store(
        self, id_: Id, body: dict[str, Any], manager: str, stored: Stored | None, owned: Owned | None = None
    ) -> dict[str, Any]:
        """Default, validate and keep it. `manager` wrote it without applying."""
        before = stored.body if stored else None
        controllers.defaulted(body)
        if problems := wrong(body, before):
            unknown = any("unknown field" in each or "Additional properties" in each for each in problems)
            said = f'{body["kind"]} "{id_.name}" is invalid: {"; ".join(problems)}'
            raise Refusal(400 if unknown else 422, "BadRequest" if unknown else "Invalid", said)
        owned = owned or (copy.deepcopy(stored.owned) if stored else Owned())
        if manager:
            updated(before or {}, body, owned, manager, body["kind"] in CORE and "knative" not in id_.version)
        metadata = body["metadata"]
        metadata.setdefault("namespace", id_.namespace)
        if before is None:
            number = next(self._serial)
            metadata.update(uid=f"uid-{number}", generation=1, creationTimestamp="2026-11-23T00:00:00Z")
        elif before == body:
            stored.owned = owned  # type: ignore[union-attr]
            return self._shown(stored)  # type: ignore[arg-type]
        elif before.get("spec") != body.get("spec"):
            metadata["generation"] = before["metadata"]["generation"] + 1
        metadata["resourceVersion"] = str(next(self._serial))
        is_same = before is not None and before["metadata"]["generation"] == metadata["generation"]
        waits = stored.waits if stored and is_same else self.lag
        self.objects[id_] = Stored(body, owned, waits, stored.made if stored else {})
        return self._shown(self.objects[id_])

    def _delete(self, id_: Id, options: Mapping[str, Any]) -> dict[str, Any]:
        stored = self.objects.get(id_)
        if stored is None:
            raise Refusal(404, "NotFound", f'{id_.plural} "{id_.name}" not found')
        self._conditions(id_, options.get("preconditions") or {}, stored)
        policy = options.get("propagationPolicy", "Background")
        metadata = stored.body["metadata"]
        if policy == "Foreground":
            metadata.setdefault("finalizers", []).append("foregroundDeletion")
        if metadata.get("finalizers"):
            metadata.update(deletionTimestamp="2026-11-23T00:00:01Z", resourceVersion=str(next(self._serial)))
            stored.waits = self.lag
            return self._shown(stored)
        del self.objects[id_]
        return {"apiVersion": "v1", "kind": "Status", "status": "Success"}

    def _look(self, id_: Id) -> None:
        """Each look at an object is time that passes for its controller."""
        stored = self.objects.get(id_)
        if stored is None:
            return
        stored.waits -= 1
        if stored.waits > 0:
            return
        if stored.body["metadata"].get("deletionTimestamp"):
            self._collect(id_, stored)
        else:
            controllers.reconcile(self, id_, stored)

    def _collect(self, id_: Id, stored: Stored) -> None:
        finalizers = stored.body["metadata"].get("finalizers", [])
        stored.body["metadata"]["finalizers"] = [each for each in finalizers if each != "foregroundDeletion"]
        if not stored.body["metadata"]["finalizers"]:
            del self.objects[id_]
            for each in list(self._owned_by(stored.body["metadata"]["uid"])):
                del self.objects[each]

    def _owned_by(self, uid: str) -> Iterator[Id]:
        for each, stored in self.objects.items():
            if any(owner["uid"] == uid for owner in stored.body["metadata"].get("ownerReferences", [])):
                yield each

    def report(self, stored: Stored, status: dict[str, Any]) -> None:
        """A controller does, of its own accord."""
        if stored.body.get("status") != status:
            stored.body["status"] = status
            stored.body["metadata"]["resourceVersion"] = str(next(self._serial))

    def make(self, id_: Id, body: dict[str, Any]) -> None:
        """A controller does."""
        number = next(self._serial)
        body["metadata"].update(uid=f"uid-{number}", generation=1, resourceVersion=str(number), namespace=id_.namespace)
        self.objects[id_] = Stored(body, Owned(), self.lag)


def _merged(value: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """RFC 7396."""
    for name, each in changes.items():
        if each is None:
            value.pop(name, None)
        elif isinstance(each, Mapping):
            inner = value.setdefault(name, {})
            _merged(inner, each)
        else:
            value[name] = each


def secrets_in(cluster: Cluster) -> str:
    """Everything that is readable without the right to read Secrets."""
    shown = []
    for stored in cluster.objects.values():
        body = {name: each for name, each in stored.body.items() if name not in ("data", "stringData")}
        shown.append(json.dumps(body))
    return "\n".join(shown)


def wiring_of(cluster: Cluster, name: str) -> Any:
    """What the Secret holds."""
    return json.loads(base64.b64decode(cluster.find("v1", "secrets", name)["data"]["wiring.json"]))


def _handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536

        def do_GET(self) -> None:
            self._handle()

        do_PATCH = do_DELETE = do_POST = do_PUT = do_GET  # noqa: N815

        def _handle(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            how, status, retry = "", 200, {}
            try:
                document, how = cluster.answer(self.command, self.path, headers, content)
            except Refusal as refusal:
                status = refusal.status
                retry = {"Retry-After": "0"} if status == 429 else {}
                document = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": refusal.message}
                document |= {"reason": refusal.reason, "code": status}
            if how == "timeout-after":
                self.close_connection = True
                return
            data = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **retry}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
