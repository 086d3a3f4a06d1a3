"""Azure's control plane in small: ARM for what hyfn ships, its long changes, and an app's deployment site, over HTTP.

Written from https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations,
.../resource-name-rules and the templates' reference of each type. Not held against Microsoft's OpenAPI.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
TOKEN = "a-token-for-arm"
NAMES = {
    "storageAccounts": r"[a-z0-9]{3,24}",
    "containers": r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*",
    "userAssignedIdentities": r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
    "roleAssignments": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "serverfarms": r"[A-Za-z0-9-]{1,60}",
    "sites": r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]",
}
LOCATED = frozenset(("storageAccounts", "userAssignedIdentities", "serverfarms", "sites"))
HOW = {"500": (500, "InternalServerError"), "throttle": (429, "TooManyRequests")}


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fake: Fake = self.server.fake
        try:
            with fake.lock:
                answer = fake.answer(self.command, self.path, self.headers, body)
        except Refused as error:
            answer = error.status, {}, {"error": {"code": error.code, "message": error.message}}
        except ConnectionAbortedError:
            self.close_connection = True
            return
        status, headers, said = answer
        content = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content)), "Retry-After": "0"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_PUT = do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """A test's output is its own."""


class Fake:
    """A subscription. `requests` are (method, path); `things` by path, `settings` and `zips` by the app's path."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.things: dict[str, Json] = {}
        self.settings: dict[str, dict[str, str]] = {}
        self.zips: dict[str, bytes] = {}
        self.polls: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []
        self.failing = (0, "")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.fake = self  # type: ignore[attr-defined]
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def mutations(self) -> list[tuple[str, str]]:
        return [each for each in self.requests if each[0] != "GET" and not each[1].endswith("/list")]

    def left(self) -> list[str]:
        return sorted(self.things)

    def fail_next(self, n: int, how: str) -> None:
        """The n-th change from now fails so: "500", "throttle", or "timeout-after": done, and not told."""
        self.failing = (n, how)

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], Json | None]:
        parts = urlsplit(target)
        path, query = parts.path, {name: each[0] for name, each in parse_qs(parts.query).items()}
        self.requests.append((method, path))
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "InvalidAuthenticationToken", "The access token is invalid.")
        how = self._failure(method, path)
        if how in HOW:
            raise Refused(*HOW[how])
        answer = (
            self._scm(method, path, query, body) if path.startswith("/scm/") else self._arm(method, path, query, body)
        )
        if how:
            raise ConnectionAbortedError
        return answer

    def _failure(self, method: str, path: str) -> str:
        number, how = self.failing
        if method == "GET" or path.endswith("/list") or not number:
            return ""
        self.failing = (number - 1, how)
        return how if number == 1 else ""

    def _arm(self, method: str, path: str, query: Any, body: bytes) -> tuple[int, dict[str, str], Json | None]:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", query.get("api-version", "")):
            raise Refused(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        if path.startswith("/operations/"):
            return self._operation(path)
        if "/config/appsettings" in path:
            return self._app_settings(method, path, body)
        if path.endswith(("/resources", "/containers", "/roleAssignments")):
            return 200, {}, {"value": self._list(path)}
        if method == "GET":
            return 200, {}, self._there(path)
        if method == "DELETE":
            return self._delete(path)
        return self._write(method, path, json.loads(body))

    def _there(self, path: str) -> Json:
        if path not in self.things:
            raise Refused(404, "ResourceNotFound", f"The Resource '{path}' was not found.")
        return self.things[path]

    def _list(self, path: str) -> list[Json]:
        if path.endswith("/resources"):
            return [each for each in self.things.values() if each["type"].split("/")[-1] in LOCATED]
        return [each for key, each in self.things.items() if key.startswith(f"{path}/")]

    def _operation(self, path: str) -> tuple[int, dict[str, str], Json]:
        self.polls[path] -= 1
        return 200, {}, {"status": "Succeeded" if self.polls[path] < 0 else "InProgress"}

    def _delete(self, path: str) -> tuple[int, dict[str, str], None]:
        if path not in self.things:
            return 204, {}, None
        if any(each["properties"].get("serverFarmId") == path for each in self.things.values()):
            raise Refused(409, "Conflict", "Server farm cannot be deleted because it has web app(s) assigned to it.")
        for each in [each for each in self.things if each == path or each.startswith(f"{path}/")]:
            del self.things[each]
        self.settings.pop(path, None)
        self.zips.pop(path, None)
        return 200, {}, None

    def _write(self, method: str, path: str, body: Json) -> tuple[int, dict[str, str], Json]:
        kind, name = path.split("/")[-2:]
        if kind not in NAMES or not re.fullmatch(NAMES[kind], name):
            raise Refused(400, "InvalidResourceName", name)
        old = self.things.get(path)
        if method == "PATCH" and old is None:
            raise Refused(404, "ResourceNotFound", path)
        if method == "PUT" and kind in LOCATED and not body.get("location"):
            raise Refused(400, "LocationRequired", "The location property is required for this definition.")
        if any(set("<>%&\\?/") & set(tag) for tag in body.get("tags") or {}):
            raise Refused(400, "InvalidTagNameCharacters", str(body["tags"]))
        new = {**(old or {}), **body} if method == "PATCH" else dict(body)
        new["properties"] = {**((old or {}).get("properties") or {}), **(body.get("properties") or {})}
        settings = (new["properties"].pop("siteConfig", None) or {}).get("appSettings", [])
        self._check(kind, name, new, path)
        if settings:
            self.settings[path] = {each["name"]: each["value"] for each in settings}
        place = path.rpartition("/providers/")[2].split("/")
        self.things[path] = {**new, "id": path, "name": name, "type": f"{place[0]}/{kind}"}
        operation = f"/operations/{uuid.uuid4()}"
        self.polls[operation] = 1
        where = {"Azure-AsyncOperation": f"{self.origin}{operation}?api-version=2024-01-01"}
        return 200 if old else 201, where, self.things[path]

    def _check(self, kind: str, name: str, new: Json, path: str) -> None:
        """What each type wants, and what the platform adds."""
        said = new["properties"]
        if kind == "userAssignedIdentities":
            said |= {each: str(uuid.uuid5(uuid.NAMESPACE_URL, each + path)) for each in ("principalId", "clientId")}
        if kind == "serverfarms" and (new["sku"]["name"] != "FC1" or not said.get("reserved")):
            raise Refused(400, "BadRequest", "Flex Consumption is FC1 on Linux.")
        if kind == "containers" and path.rpartition("/blobServices/")[0] not in self.things:
            raise Refused(404, "ResourceNotFound", "The storage account was not found.")
        if kind == "roleAssignments":
            known = {each["properties"].get("principalId") for key, each in self.things.items() if key != path}
            if said["principalId"] not in known:
                raise Refused(400, "PrincipalNotFound", said["principalId"])
        if kind == "sites":
            config = said.get("functionAppConfig") or {}
            if config.get("scaleAndConcurrency", {}).get("instanceMemoryMB") not in (512, 2048, 4096):
                raise Refused(400, "BadRequest", "instanceMemoryMB")
            if config["runtime"]["name"] != "python" or config["runtime"]["version"] not in ("3.11", "3.12", "3.13"):
                raise Refused(400, "BadRequest", "runtime")
            if said["serverFarmId"] not in self.things or not set(new["identity"]["userAssignedIdentities"]) <= set(
                self.things
            ):
                raise Refused(404, "ResourceNotFound", "its plan, or its identity")
            host = {"name": f"{name}.scm.azurewebsites.net", "hostType": "Repository"}
            said |= {"defaultHostName": f"{name}.azurewebsites.net", "hostNameSslStates": [host]}

    def _app_settings(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Json]:
        app = path.partition("/config/")[0]
        self._there(app)
        if method == "PUT":
            self.settings[app] = json.loads(body)["properties"]
        elif method != "POST" or not path.endswith("/list"):
            raise Refused(405, "MethodNotAllowed")
        return 200, {}, {"properties": self.settings.get(app, {})}

    def _scm(self, method: str, path: str, query: Any, body: bytes) -> tuple[int, dict[str, str], Json | None]:
        name = path.split("/")[2].partition(".")[0]
        [app] = [each for each in self.things if each.endswith(f"/sites/{name}")]
        if method == "POST" and path.endswith("/api/publish"):
            if query.get("type") != "zip" or not zipfile.is_zipfile(BytesIO(body)):
                raise Refused(400, "BadRequest", "The package is no zip.")
            self.zips[app] = body
            self.polls[app] = 1
            return 202, {}, None
        if app not in self.zips:
            raise Refused(404, "NotFound")
        self.polls[app] -= 1
        return 200, {}, {"status": 4 if self.polls[app] < 0 else 1}
