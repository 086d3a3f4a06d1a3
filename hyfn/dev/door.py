"""A person's calls: arguments by name as JSON has them, a value or an error as JSON has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hyfn import clouds
from hyfn.call import transport
from hyfn.errors import CallError, Malformed, NoSuchFunction, RemoteError
from hyfn.wire import failure, message, plain
from hyfn.wire.codec import to_wire
from hyfn.wire.packing import pack, unpack
from hyfn.wiring import Route, Wiring

TIMEOUT = 300.0
"""Seconds that a call may take."""


class Door:
    """Calls functions that run. Safe in many threads."""

    def __init__(self, wiring: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self._transport = transport.default()
        self.rewire(wiring, names)

    def rewire(self, wiring: Mapping[str, Any], names: Mapping[str, str]) -> None:
        """From now on calls go where `wiring` says. `names` maps what a person may write to identities."""
        self._wired = Wiring(wiring), dict(names)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """The value as JSON has it. Raises CallError, or what the function raised."""
        wiring, names = self._wired
        route = _route(wiring, names, name)
        call_id = message.new_id()
        sent = message.call(
            route.key_id,
            route.key,
            issuer=wiring.issuer,
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
        return _value(message.Reply(caller.reply(response), sent))


def _route(wiring: Wiring, names: Mapping[str, str], name: str) -> Route:
    callee = wiring.calls.get(names.get(name, ""))
    if callee is None or not callee.routes:
        known = ", ".join(sorted(short for short in names if ":" not in short))
        raise NoSuchFunction(f"no function {name!r} is running", hint=f"running are: {known}")
    return callee.routes[0]


def _value(reply: message.Reply) -> Any:
    if reply.failure is not None:
        raise _raised(failure.restore(reply.failure, reply.executed, ()))
    body = unpack(reply.body)
    if not isinstance(body, list) or len(body) != 1:
        raise Malformed("the reply holds no value")
    return plain.as_json(body[0])


def _raised(error: BaseException) -> Exception:
    """A function's SystemExit is an answer like any other: it must not end whoever asked."""
    if isinstance(error, Exception):
        return error
    remote = RemoteError(str(error), remote_type=failure.type_name(error))
    remote.__notes__ = list(getattr(error, "__notes__", ()))
    return remote


def arguments(text: bytes | str) -> dict[str, Any]:
    """A JSON object of arguments by name. Raises Malformed."""
    try:
        given = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the arguments are not JSON: {error}") from error
    if not isinstance(given, dict):
        raise Malformed("the arguments must be a JSON object: names and values")
    return given


def described(error: Exception) -> dict[str, Any]:
    """An error as JSON has it. `notes` are the remote traceback's lines."""
    return {
        "type": failure.type_name(error),
        "message": error.message if isinstance(error, CallError) else str(error),
        "hint": error.hint if isinstance(error, CallError) else None,
        "notes": list(getattr(error, "__notes__", ())),
    }
