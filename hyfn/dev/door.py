"""A person's calls: arguments by name as JSON has them, a value or an error as JSON has it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hyfn import clouds
from hyfn.call import transport
from hyfn.dev import occurring
from hyfn.dev.occurring import Occurred
from hyfn.errors import CallError, HyfnError, Malformed, NoSuchFunction
from hyfn.wire import failure, message, plain
from hyfn.wire.codec import to_wire
from hyfn.wire.packing import pack, unpack
from hyfn.wiring import Route, Wiring

Emit = Callable[[Occurred], list[dict[str, Any]]]

TIMEOUT = 300.0
"""Seconds that a call may take."""
DRAIN = 5.0
"""Seconds that calls under way are given when others are held."""


class Failed(Exception):
    """A call brought no value. `document` says why as JSON has it: type, message, hint, and as notes the remote
    traceback. `status` is HTTP's."""

    def __init__(self, document: Mapping[str, Any], status: int = 500) -> None:
        super().__init__(document["message"])
        self.document = document
        self.status = status


class Door:
    """Calls functions that run. Safe in many threads."""

    def __init__(self, wiring: Mapping[str, Any], names: Mapping[str, str], emit: Emit | None = None) -> None:
        """`names` maps what a person may write to identities; `emit` delivers events."""
        self._emit: Emit = emit or _nowhere
        self._transport = transport.default()
        self._wired = Wiring(wiring), dict(names)
        self._turn = threading.Condition()
        self._is_held = False
        self._under_way = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, no call is under way: those that come wait for the end, and see what is new then."""
        with self._turn:
            self._is_held = True
            self._turn.wait_for(lambda: not self._under_way, DRAIN)
        try:
            yield
        finally:
            with self._turn:
                self._is_held = False
                self._turn.notify_all()

    def rewire(self, wiring: Mapping[str, Any], names: Mapping[str, str]) -> None:
        """From now on calls go where `wiring` says."""
        self._wired = Wiring(wiring), dict(names)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """The value as JSON has it. Raises Failed."""
        with self._under_way_here():
            try:
                return _value(*self._exchange(name, arguments))
            except CallError as error:
                raise refused(error) from error
            except Failed:
                raise
            except Exception as error:
                raise Failed(_document(error)) from error

    @contextmanager
    def _under_way_here(self) -> Iterator[None]:
        with self._turn:
            self._turn.wait_for(lambda: not self._is_held, TIMEOUT)
            self._under_way += 1
        try:
            yield
        finally:
            with self._turn:
                self._under_way -= 1
                self._turn.notify_all()

    def emit(self, document: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Deliver what `hyfn.dev.occurring.written` wrote. Raises Failed."""
        try:
            what = occurring.read(document)
        except ValueError as error:
            raise Failed(_document(Malformed(str(error))), Malformed.http_status) from None
        with self._under_way_here():
            try:
                return self._emit(what)
            except CallError as error:
                raise refused(error) from error
            except HyfnError as error:
                raise Failed(_document(error)) from error

    def _exchange(self, name: str, arguments: Mapping[str, Any]) -> tuple[bytes, message.Sent]:
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
        return caller.reply(response), sent


def _nowhere(what: Occurred) -> list[dict[str, Any]]:
    raise NoSuchFunction(f"nothing here takes a {what.kind}")


def _route(wiring: Wiring, names: Mapping[str, str], name: str) -> Route:
    callee = wiring.calls.get(names.get(name, ""))
    if callee is None or not callee.routes:
        known = ", ".join(sorted(short for short in names if ":" not in short))
        raise NoSuchFunction(f"no function {name!r} is running", hint=f"running are: {known}")
    return callee.routes[0]


def _value(frame: bytes, sent: message.Sent) -> Any:
    reply = message.Reply(frame, sent)
    if reply.failure is not None:
        error = failure.restore(reply.failure, reply.executed, ())
        if isinstance(error, CallError) and reply.failure["code"] != "USER_ERROR":
            raise error
        raise Failed(_document(error))
    body = unpack(reply.body)
    if not isinstance(body, list) or len(body) != 1:
        raise Malformed("the reply holds no value")
    return plain.as_json(body[0])


def arguments(text: bytes | str) -> dict[str, Any]:
    """A JSON object of arguments by name. Raises Malformed."""
    try:
        given = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the arguments are not JSON: {error}") from error
    if not isinstance(given, dict):
        raise Malformed("the arguments must be a JSON object: names and values")
    return given


def refused(error: CallError) -> Failed:
    """A call that did not reach its function, or whose outcome is not known."""
    return Failed(_document(error), error.http_status)


def _document(error: BaseException) -> dict[str, Any]:
    return {
        "type": failure.type_name(error),
        "message": error.message if isinstance(error, HyfnError) else str(error),
        "hint": error.hint if isinstance(error, HyfnError) else None,
        "notes": list(getattr(error, "__notes__", ())),
    }
