"""The JSON door of `hyfn dev`: arguments by name in, a value out. For people, and only on loopback."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hyfn import clouds
from hyfn.call import transport
from hyfn.errors import CallError, Malformed, NoSuchFunction
from hyfn.wire import failure, message, plain
from hyfn.wire.codec import to_wire
from hyfn.wire.packing import pack, unpack
from hyfn.wiring import Wiring

MAX_JSON = 16 * 1024 * 1024
"""Bytes of one JSON document."""
TIMEOUT = 300.0


class Door:
    """Calls functions with values as JSON has them."""

    def __init__(self, wiring: Mapping[str, Any], names: Mapping[str, str]) -> None:
        """`names` maps what a person may write (short names, identities) to identities."""
        self._wiring = Wiring(wiring)
        self._names = names
        self._transport = transport.default()

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """The value as JSON has it. Raises CallError, or what the function raised."""
        route = self._route(name)
        call_id = message.new_id()
        sent = message.call(
            route.key_id,
            route.key,
            issuer=self._wiring.issuer,
            audience=route.audience,
            contract=b"",
            remaining=TIMEOUT,
            body=pack([[], to_wire(dict(arguments))]),
            id=call_id,
            root=call_id,
            hop=0,
        )
        caller = clouds.get(route.endpoint.cloud, "call").caller
        response = self._transport.send(caller.request(route.endpoint, sent.frame), TIMEOUT)
        reply = message.Reply(caller.reply(response), sent)
        if reply.failure is not None:
            raise failure.restore(reply.failure, reply.executed, ())
        body = unpack(reply.body)
        if not isinstance(body, list) or len(body) != 1:
            raise Malformed("the reply holds no value")
        return plain.as_json(body[0])

    def _route(self, name: str) -> Any:
        identity = self._names.get(name)
        callee = self._wiring.calls.get(identity or "")
        if callee is None or not callee.routes:
            known = ", ".join(sorted(short for short in self._names if ":" not in short))
            raise NoSuchFunction(f"no function {name!r} is running", hint=f"running are: {known}")
        return callee.routes[0]


class Server(ThreadingHTTPServer):
    """POST /FUNCTION on 127.0.0.1, with `Authorization: Bearer TOKEN`."""

    daemon_threads = True

    def __init__(self, port: int, token: str, door: Door) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.token = token
        self.door = door

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        try:
            status, document = 200, {"value": self.server.door.call(self.path.strip("/"), self._arguments())}
        except CallError as error:
            status, document = error.http_status if error.code != "USER_ERROR" else 500, _error(error)
        except Exception as error:  # noqa: BLE001  (whatever the function raised is the answer)
            status, document = 500, _error(error)
        self._answer(status, document)

    def _arguments(self) -> dict[str, Any]:
        given = self.headers.get("Authorization", "")
        length = self.headers.get("Content-Length", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.server.token}".encode()):
            self.close_connection = True
            raise _Refused("the token is missing or wrong", 401)
        if not length.isdigit() or int(length) > MAX_JSON:
            self.close_connection = True
            raise _Refused(f"a Content-Length of at most {MAX_JSON} bytes is required", 413)
        return parse_arguments(self.rfile.read(int(length)))

    def _answer(self, status: int, document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the functions' own logs are what a developer reads."""


class _Refused(CallError):
    code = "REFUSED"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.http_status = status


def parse_arguments(text: bytes | str) -> dict[str, Any]:
    """A JSON object of arguments by name. Raises Malformed."""
    try:
        arguments = json.loads(text or "{}")
    except ValueError as error:
        raise Malformed(f"the arguments are not JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise Malformed("the arguments must be a JSON object: names and values")
    return arguments


def _error(error: Exception) -> dict[str, Any]:
    return {
        "error": {
            "type": failure.type_name(error),
            "message": error.message if isinstance(error, CallError) else str(error),
            "notes": list(getattr(error, "__notes__", ())),
        }
    }
