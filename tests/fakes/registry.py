"""A registry that is written from the distribution specification, and can be told to misbehave."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

PATH = re.compile(r"/v2/(?P<name>[a-z0-9/]+?)/(?P<kind>manifests|blobs/uploads|blobs)/(?P<what>[^/]*)")
TOKEN = "Bearer let-me-in"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Registry:
    """`manifests` by "name:reference" with their media types, `blobs` by digest, `uploads` by number.

    `redirect` is the origin that blobs are at instead; `realm` the origin that gives tokens, without which all is
    allowed; `lies` what a blob or manifest is answered with instead; `breaks` how many of the next chunks are taken
    half, whereupon the line is cut; `first` the status of the first answers; `tls` makes it speak https.
    """

    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    redirect: str = ""
    realm: str = ""
    lies: dict[str, bytes] = field(default_factory=dict)
    breaks: int = 0
    first: list[int] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    def add(self, content: bytes | dict[str, Any]) -> dict[str, Any]:
        """A blob, and its descriptor without a type."""
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        self.blobs[digest] = raw
        return {"digest": digest, "size": len(raw)}

    def put(self, name: str, media_type: str, manifest: dict[str, Any]) -> dict[str, Any]:
        """A manifest by its tag and its digest, and its descriptor."""
        raw = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        repository = name.rpartition(":")[0]
        for each in (name, f"{repository}:{digest}"):
            self.manifests[each] = (media_type, raw)
        return {"mediaType": media_type, "digest": digest, "size": len(raw)}


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    numbers = itertools.count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._answer()

        do_HEAD = do_POST = do_PATCH = do_PUT = do_GET  # noqa: N815

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            registry.asked.append(Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
            if self.path.startswith("/token"):
                self._token(body)
            elif registry.first:
                self._send(registry.first.pop(0), b'{"errors": [{"code": "BUSY", "message": "not\\u001b now"}]}')
            elif registry.realm and self.headers.get("Authorization") != TOKEN:
                challenge = f'Bearer realm="{registry.realm}/token",service="fake",scope="repository:x:pull"'
                self._send(401, headers={"WWW-Authenticate": challenge})
            else:
                self._dispatch(body)

        def _token(self, body: bytes) -> None:
            sent = parse_qs(urlsplit(self.path).query) | parse_qs(body.decode())
            is_known = "Authorization" in self.headers or "refresh_token" in sent
            self._send(200 if is_known else 401, json.dumps({"token": TOKEN.split()[1]}).encode())

        def _dispatch(self, body: bytes) -> None:
            found = PATH.match(self.path)
            assert found is not None, self.path
            name, kind, what = found["name"], found["kind"], found["what"].partition("?")[0]
            if kind == "manifests":
                self._manifest(f"{name}:{what}", body)
            elif kind == "blobs":
                self._blob(what)
            else:
                self._upload(name, what, body)

        def _manifest(self, name: str, body: bytes) -> None:
            if self.command == "PUT":
                registry.manifests[name] = (self.headers["Content-Type"], body)
                self._send(201)
            elif name in registry.manifests:
                media_type, raw = registry.manifests[name]
                digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
                headers = {"Content-Type": media_type, "Docker-Content-Digest": digest}
                self._send(200, registry.lies.get(digest, raw), headers)
            else:
                self._send(404)

        def _blob(self, digest: str) -> None:
            if registry.redirect:
                self._send(307, headers={"Location": f"{registry.redirect}{self.path}"})
            elif digest in registry.blobs:
                self._send(200, registry.lies.get(digest, registry.blobs[digest]))
            else:
                self._send(404)

        def _upload(self, name: str, number: str, body: bytes) -> None:
            if self.command == "POST":
                number = str(next(numbers))  # those under way at once must not share one
                registry.uploads[number] = b""
                self._state(202, name, number)
            elif self.command == "PATCH":
                self._chunk(name, number, body)
            elif self.command == "GET":
                self._state(204, name, number)
            else:
                content = registry.uploads.pop(number) + body
                digest = parse_qs(urlsplit(self.path).query)["digest"][0]
                is_right = digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
                registry.blobs[digest] = content
                self._send(201 if is_right else 400)

        def _chunk(self, name: str, number: str, body: bytes) -> None:
            start = int(self.headers["Content-Range"].partition("-")[0])
            if start != len(registry.uploads[number]):
                self._state(416, name, number)
            elif registry.breaks:
                registry.breaks -= 1
                registry.uploads[number] += body[: len(body) // 2]
                self.close_connection = True
            else:
                registry.uploads[number] += body
                self._state(202, name, number)

        def _state(self, status: int, name: str, number: str) -> None:
            end = max(0, len(registry.uploads[number]) - 1)
            headers = {"Location": f"/v2/{name}/blobs/uploads/{number}?state={end}", "Range": f"0-{end}"}
            self._send(status, headers=headers)

        def _send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler
