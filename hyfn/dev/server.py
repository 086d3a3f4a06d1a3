"""The door over HTTP: POST /FUNCTION, only on loopback, only with the token."""

from __future__ import annotations

import contextlib
import hmac
import json
import re
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote

from hyfn.dev.door import Door, Failed, arguments, refused
from hyfn.dev.occurring import EMIT
from hyfn.errors import CallError, ConfigError, Forbidden, Malformed, TooLarge, Unauthenticated

MAX_JSON = 16 * 1024 * 1024
"""Bytes of one JSON document."""
MAX_PASSED_OVER, PASSING_OVER = 64 * 1024, 0.5
"""Bytes of a refused request's body that are read, and seconds that this may take."""
POLL = 0.1
"""Seconds that closing may take."""
HOSTS = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)
"""What a person, or a tunnel, may have called us. A web page whose own name was made to lead here is none of these."""


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1 from the moment it is made; answers from `open` on: who connects before that, waits."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, token: str) -> None:
        """Raises ConfigError where `port` is not free."""
        try:
            super().__init__(("127.0.0.1", port), Handler)
        except OSError as error:
            raise ConfigError(f"cannot listen on port {port}: {error.strerror}", hint="give another --port") from error
        self.token = token
        self.door: Door
        self._is_open = False

    @property
    def port(self) -> int:
        return self.server_address[1]

    def open(self, door: Door) -> None:
        self.door = door
        self._is_open = True
        Thread(target=self.serve_forever, args=(POLL,), name="hyfn-door", daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: its sender went away."""

    def close(self) -> None:
        """Listen no more."""
        if self._is_open:
            self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "hyfn"
    sys_version = ""
    timeout = 60.0
    """Seconds that a sender may be silent."""

    def do_POST(self) -> None:
        name = unquote(self.path.partition("?")[0]).strip("/")
        try:
            length = self._admitted()
        except CallError as error:
            self.close_connection = True
            self._fail(refused(error))
            self._pass_over()
            return
        try:
            given = arguments(self.rfile.read(length))
            value = self.server.door.emit(given) if self.path == EMIT else self.server.door.call(name, given)
        except CallError as error:
            self._fail(refused(error))
        except Failed as failed:
            self._fail(failed)
        else:
            self._answer(200, {"value": value})

    def do_GET(self) -> None:
        self.send_error(405, "POST /FUNCTION with a JSON object of arguments")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What the standard library refuses by itself is JSON too."""
        self.close_connection = True
        said = message or self.responses.get(code, ("", ""))[0]
        self._answer(code, {"error": {"type": "http", "message": said, "hint": None, "notes": []}})

    def _admitted(self) -> int:
        """The body's length. Raises a CallError for whoever may not come in."""
        if not HOSTS.fullmatch(self.headers.get("Host", "")):
            raise Forbidden("the Host header must be 127.0.0.1 or localhost")
        token = self.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(token, f"Bearer {self.server.token}".encode()):
            raise Unauthenticated("the token is missing or wrong", hint="Authorization: Bearer TOKEN, as hyfn dev says")
        length = self.headers.get("Content-Length", "" if "Transfer-Encoding" in self.headers else "0")
        if not re.fullmatch(r"\d{1,18}", length, re.ASCII):
            raise Malformed("a Content-Length is required")
        if int(length) > MAX_JSON:
            raise TooLarge(f"the arguments are {length} bytes, and {MAX_JSON} is the most")
        return int(length)

    def _pass_over(self) -> None:
        """Read what a refused sender still sends: to close on it would take the answer from it."""
        self.connection.settimeout(PASSING_OVER)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.rfile.read(MAX_PASSED_OVER)

    def _fail(self, failed: Failed) -> None:
        self._answer(failed.status, {"error": failed.document})

    def _answer(self, status: int, document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the functions' own logs are what a developer reads."""
