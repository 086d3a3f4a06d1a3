"""A package index on loopback: the simple repository API (PEP 503), with or without basic authentication."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hyfn.model import Wheel


@dataclass
class Answer:
    """What the server says in place of the file: `cut` closes the line after so many bytes, when
    `stall` is set."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    body: bytes | None = None
    stall: threading.Event | None = None


@dataclass
class Index:
    """Serves `files` below /simple and /files. `asked` are (path, Authorization, Range) of the requests for files.

    `script` are the next answers for files, `hidden` the files on no page, `files_at` the host that pages name for
    them, and with `redirects` each file is found at "moved-" and its name too.
    """

    url: str = ""
    login: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    script: list[Answer] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    files_at: str = ""
    redirects: bool = False

    @property
    def simple(self) -> str:
        return f"{self.url}/simple"

    def with_login(self, login: str = "") -> str:
        """The URL of the index with the credentials in it."""
        return self.simple.replace("://", f"://{login or self.login}@")

    def add(self, file: str, content: bytes, *, has_url: bool = True) -> Wheel:
        """Publish it. As a Wheel of a lock it has no URL unless `has_url`."""
        self.files[file] = content
        name, version = file.removesuffix(".tar.gz").split("-")[:2]
        url = f"{self.url}/files/{file}" if has_url else ""
        return Wheel(name, version, file, hashlib.sha256(content).hexdigest(), len(content), url)


@contextmanager
def served(login: str = "") -> Iterator[Index]:
    """An index with these credentials ("user:password"), or open to everybody."""
    index = Index(login=login)
    server = _Server(("127.0.0.1", 0), _handler(index))
    index.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wheel(name: str = "mine", version: str = "1.0", text: str = "x = 1\n", tag: str = "py3-none-any") -> bytes:
    """The bytes of a wheel with one module."""
    info = f"{name}-{version}.dist-info"
    members = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{path},,\n" for path in [*members, f"{info}/RECORD"])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in {**members, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return made.getvalue()


def sdist(name: str, version: str, files: Mapping[str, str]) -> bytes:
    """The bytes of a source distribution with `files`."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        for path, text in {"PKG-INFO": head, **files}.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return made.getvalue()


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up in these tests."""


def _handler(index: Index) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            expected = "Basic " + base64.b64encode(index.login.encode()).decode()
            path = self.path.partition("?")[0]
            if path.startswith("/files/") and self.command == "GET":
                index.asked.append((path, self.headers.get("Authorization", ""), self.headers.get("Range", "")))
            if index.login and self.headers.get("Authorization") != expected:
                self._send(401, b"", {"WWW-Authenticate": "Basic"})
            elif path.startswith("/files/"):
                self._file(path.removeprefix("/files/"))
            else:
                self._page(path)

        def _page(self, path: str) -> None:
            name = path.strip("/").removeprefix("simple/")
            links = [
                f'<a href="{index.files_at or index.url}/files/{file}#sha256={hashlib.sha256(content).hexdigest()}">'
                f"{file}</a>"
                for file, content in index.files.items()
                if file.split("-")[0] == name and file not in index.hidden
            ]
            page = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
            self._send(200 if links else 404, page, {"Content-Type": "text/html"})

        def _file(self, file: str) -> None:
            if index.redirects and file.startswith("moved-"):
                self._send(302, b"", {"Location": f"/files/{file.removeprefix('moved-')}"})
                return
            answer = index.script.pop(0) if index.script else Answer()
            content = index.files.get(file) if answer.body is None else answer.body
            if content is None or answer.status != 200:
                self._send(404 if content is None else answer.status, b"", answer.headers)
                return
            start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
            ranged = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
            self._send(206 if start else 200, content[start:], {**ranged, **answer.headers}, answer)

        def _send(self, status: int, body: bytes, headers: Mapping[str, str], answer: Answer | None = None) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            shown = body if answer is None or answer.cut is None else body[: answer.cut]
            if self.command == "GET":
                self.wfile.write(shown)
            self.wfile.flush()
            if answer is not None and answer.stall is not None:
                answer.stall.wait(30)
            self.close_connection = shown != body or self.close_connection

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return Handler
