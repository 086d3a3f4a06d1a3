"""What the fakes of plain JSON interfaces have in common: a server on loopback, and failures that are asked for."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

HOWS = ("500", "throttle", "timeout-after", "stale")


@dataclass(frozen=True)
class Asked:
    """`path` as it was sent, without the query. `document` is the body's JSON, None where it is none."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    document: Any


class Refusal(Exception):
    """As the platform words it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class JsonServer(ABC):
    """`requests` are the method and the path of each. `boundary` hears of each that would change something, before it
    has an effect and after it."""

    boundary: Callable[[str], None] = staticmethod(lambda _: None)

    def __enter__(self) -> Self:
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.RLock()
        self._failures: dict[int, str] = {}
        self._changes = 0
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

    @property
    def mutations(self) -> list[tuple[str, str]]:
        return [each for each in self.requests if each[0] != "GET"]

    def fail_next(self, number: int, how: str) -> None:
        """The `number`-th request from now that would change something fails: one of HOWS."""
        assert how in HOWS
        with self.lock:
            self._failures[self._changes + number] = how

    @abstractmethod
    def authorise(self, asked: Asked) -> None:
        """Raise Refusal for who may not."""

    @abstractmethod
    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Status and document. Raises Refusal."""

    @abstractmethod
    def failure(self, how: str) -> Refusal:
        """The platform's own form of "500", "throttle" and "stale"."""

    @abstractmethod
    def error(self, refusal: Refusal) -> Any:
        """The document of a refusal."""

    def served(self, asked: Asked) -> tuple[int, Any, bool]:
        """Status, document, and whether the line drops."""
        with self.lock:
            self.requests.append((asked.method, asked.path))
            how = ""
            if asked.method != "GET":
                self._changes += 1
                how = self._failures.pop(self._changes, "")
                self.boundary(f"before {asked.method} {asked.path}")
            try:
                self.authorise(asked)
                if how not in ("", "timeout-after"):
                    raise self.failure(how)
                status, document = self.answer(asked)
            except Refusal as refusal:
                status, document = refusal.status, self.error(refusal)
            if asked.method != "GET":
                self.boundary(f"after {asked.method} {asked.path}")
            return status, document, how == "timeout-after"


def _handler(fake: JsonServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            try:
                document = json.loads(content) if content else None
            except ValueError:
                document = None
            headers = {name.lower(): value for name, value in self.headers.items()}
            params = dict(parse_qsl(url.query, keep_blank_values=True))
            status, said, is_dropped = fake.served(Asked(self.command, url.path, params, headers, content, document))
            if is_dropped:
                self.close_connection = True
                return
            body = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

    return Handler
