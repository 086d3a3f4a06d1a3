"""The journey of a call in a caller: what a Function's verbs do."""

from __future__ import annotations

from functools import cache
from os import environ
from time import monotonic

from hyfn import clouds, contract, wiring
from hyfn.current import current, is_local
from hyfn.errors import (
    NOT_EXECUTED,
    CallError,
    DeadlineExceeded,
    Forbidden,
    Malformed,
    NotShipped,
    OutcomeUnknown,
    Overloaded,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from hyfn.host import load
from hyfn.identity import identity
from hyfn.wire import codec, failure, message
from hyfn.wire.frame import MAX_HOPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from typing import Any

    from hyfn.call.transport import Transport
    from hyfn.cloud import Caller
    from hyfn.declare import Function
    from hyfn.wire.carrier import Request
    from hyfn.wiring import Route, Wiring

    AnyFunction = Function[..., Any]

DEFAULT_TIMEOUT = 300.0
"""Seconds that a call may take where nothing says otherwise: the longest life of a frame."""


class Session:
    """What this process is: the functions that it holds, the ones that it may call, and how it sends."""

    def __init__(self, wiring: Wiring | None, own: frozenset[str], stage: str) -> None:
        self.wiring = wiring
        self.own = own
        self.stage = stage
        self._lines: dict[AnyFunction, Line] = {}
        self._transport: Transport | None = None

    def line(self, function: AnyFunction) -> Line:
        """Where and how calls of `function` go. Raises NotShipped or Forbidden."""
        line = self._lines.get(function)
        if line is None:
            line = self._lines[function] = Line(self, function)
        return line

    @property
    def transport(self) -> Transport:
        if self._transport is None:
            from hyfn.call.transport import default

            self._transport = default()
        return self._transport


@cache
def session() -> Session:
    """This process's own, read from its environment once."""
    document = load.manifest()
    own = frozenset(document["functions"]) if document else frozenset()
    given = wiring.read(environ) or (_shipped() if document is None else None)
    return Session(given, own, environ.get("HYFN_STAGE") or (given.stage if given else "dev"))


def _shipped() -> Wiring | None:
    """That of a stage that was shipped from this machine."""
    from importlib import import_module

    stage = environ.get("HYFN_STAGE")
    path = "" if stage == "local" else import_module("hyfn.laptop").wiring(environ)
    return wiring.read({"HYFN_WIRING": path})


def call(function: AnyFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """f(...): here in its own runtime or in a local context, else where it is shipped."""
    if _is_local():
        return _here(function, args, kwargs)
    if identity(function) in session().own:
        return body(function)(*args, **kwargs)
    return remote(function, args, kwargs)


def remote(function: AnyFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """f.remote(...): a value, or for an async function a coroutine."""
    if function.is_async:
        return _exchange_async(function, args, kwargs)
    return _exchange(function, args, kwargs)


async def aio(function: AnyFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """f.aio(...): the same call as f(...), awaited; a body that is not async runs in a thread."""
    if _is_local() or identity(function) in session().own:
        if function.is_async:
            return await call(function, args, kwargs)
        from asyncio import to_thread

        return await to_thread(call, function, args, kwargs)
    return await _exchange_async(function, args, kwargs)


def spawn(function: AnyFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """f.spawn(...): a Call."""
    from hyfn.call.pool import start

    return start(_blocking, function, args, kwargs)


def starmap(
    function: AnyFunction,
    items: Iterable[Iterable[Any]],
    ordered: bool,
    return_exceptions: bool,
    concurrency: int,
) -> Any:
    """f.starmap(...): a Mapped."""
    from hyfn.call.pool import Mapping

    def one(item: Iterable[Any]) -> Any:
        return _blocking(function, tuple(item), {})

    def one_async(item: Iterable[Any]) -> Coroutine[Any, Any, Any]:
        return aio(function, tuple(item), {})

    return Mapping(one, one_async, items, ordered, return_exceptions, concurrency)


def body(function: AnyFunction) -> Any:
    """f.local: the function as it was written."""
    if function.is_stub:
        raise NotShipped(
            f"{identity(function)} lives elsewhere ({', '.join(p.platform.name for p in function.placements)}):"
            " its body is not in this artifact"
        )
    return function.__wrapped__


def _is_local() -> bool:
    return is_local.get() or session().stage == "local"


def _blocking(function: AnyFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call's value on a thread without an event loop."""
    result = call(function, args, kwargs)
    if not function.is_async:
        return result
    from asyncio import run

    return run(result)


def _here(function: AnyFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The body in this process, arguments and result through the codec, so that types are as honest as far away."""
    run = body(function)
    args, kwargs = _through_the_wire(run, args, kwargs)
    if function.is_async:
        return _here_async(run, args, kwargs)
    return _result_through_the_wire(run, run(*args, **kwargs))


async def _here_async(run: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return _result_through_the_wire(run, await run(*args, **kwargs))


def _through_the_wire(run: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    arguments = codec.arguments(run)
    return arguments.unpack(arguments.pack(args, kwargs))


def _result_through_the_wire(run: Any, value: Any) -> Any:
    result = codec.result(run)
    return result.unpack(result.pack(value))


class Line:
    """The prepared calls of one function: its codecs, its contract, its routes in order of preference."""

    def __init__(self, session: Session, function: AnyFunction) -> None:
        self.name = identity(function)
        known = session.wiring
        if known is None:
            raise NotShipped(
                f"{self.name} is not shipped: no endpoint is known on stage {session.stage}",
                hint="ship it with `hyfn ship`, run the script with `hyfn run`, or test it inside `with hyfn.local():`",
            )
        callee = known.calls.get(self.name)
        if callee is None:
            raise Forbidden(
                f"{known.name} may not call {self.name}: the build did not see this call",
                hint=f'declare it on the caller: calls=["{self.name.partition(":")[2]}"]',
                executed=NOT_EXECUTED,
            )
        if not callee.routes:
            raise NotShipped(f"{self.name} is not shipped on stage {session.stage}")
        self.issuer = known.issuer
        self.routes = [(route, _caller(route)) for route in callee.routes]
        self.raises = callee.raises | frozenset(function.raises)
        self.arguments = codec.arguments(function.__wrapped__)
        self.result = codec.result(function.__wrapped__)
        self.contract = contract.digest(function.__wrapped__)
        self.timeout: float = function.settings.get("timeout", DEFAULT_TIMEOUT)


def _caller(route: Route) -> Caller:
    """Raises Forbidden for an endpoint that a call would reach in the clear."""
    scheme, _, rest = route.endpoint.url.partition("://")
    if scheme != "https" and not rest.startswith(_LOOPBACK):
        said = f"{route.endpoint.function}: its endpoint {route.endpoint.url} has no TLS and is not on this machine"
        raise Forbidden(said, executed=NOT_EXECUTED)
    caller: Caller = clouds.get(route.endpoint.cloud, "call").caller
    return caller


_LOOPBACK = ("127.0.0.1:", "127.0.0.1/", "localhost:", "localhost/", "[::1]:", "[::1]/")


class Attempts:
    """One call: what is sent on each attempt, and what a reply means. No I/O, so that both ways of waiting share it."""

    def __init__(self, line: Line, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        around = current.get()
        self._line = line
        self._body = line.arguments.pack(args, kwargs)
        self._id = message.new_id()
        self._root = around.root if around else self._id
        self._hop = around.hop + 1 if around else 0
        self._traceparent = around.traceparent if around else ""
        self._deadline = monotonic() + line.timeout
        if around:
            self._deadline = min(self._deadline, around.deadline)
        if self._hop > MAX_HOPS:
            raise Forbidden(f"{line.name}: this chain of calls is longer than {MAX_HOPS} hops: a loop?")

    @property
    def remaining(self) -> float:
        """Seconds left. Raises DeadlineExceeded where there are none."""
        left = self._deadline - monotonic()
        if left <= 0:
            raise DeadlineExceeded(
                f"{self._line.name}: the deadline has passed; nothing was sent",
                executed=NOT_EXECUTED,
            )
        return left

    def request(self, route: Route, caller: Caller) -> Request:
        self._sent = message.call(
            route.key_id,
            route.key,
            issuer=self._line.issuer,
            audience=route.audience,
            contract=self._line.contract,
            remaining=self.remaining,
            body=self._body,
            id=self._id,
            root=self._root,
            hop=self._hop,
            traceparent=self._traceparent,
        )
        return caller.request(route.endpoint, self._sent.frame)

    def value(self, frame: bytes) -> Any:
        """The value in a reply, or raise what was raised there. A reply that is none leaves the outcome unknown."""
        try:
            reply = message.Reply(frame, self._sent)
            if reply.failure is None:
                return self._line.result.unpack(reply.body)
        except (Malformed, Unauthenticated) as error:
            raise OutcomeUnknown(f"{self._line.name}: the reply cannot be read: {error.message}") from error
        raise failure.restore(reply.failure, reply.executed, self._line.raises)


def _exchange(function: AnyFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    here = session()
    line = here.line(function)
    attempts = Attempts(line, args, kwargs)
    for route, caller in line.routes[:-1]:
        try:
            response = here.transport.send(attempts.request(route, caller), attempts.remaining)
            return attempts.value(caller.reply(response))
        except _TAKEN_OVER as error:
            if not _may_take_over(error):
                raise
    route, caller = line.routes[-1]
    response = here.transport.send(attempts.request(route, caller), attempts.remaining)
    return attempts.value(caller.reply(response))


async def _exchange_async(function: AnyFunction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    here = session()
    line = here.line(function)
    attempts = Attempts(line, args, kwargs)
    for route, caller in line.routes[:-1]:
        try:
            response = await here.transport.asend(attempts.request(route, caller), attempts.remaining)
            return attempts.value(caller.reply(response))
        except _TAKEN_OVER as error:
            if not _may_take_over(error):
                raise
    route, caller = line.routes[-1]
    response = await here.transport.asend(attempts.request(route, caller), attempts.remaining)
    return attempts.value(caller.reply(response))


_TAKEN_OVER = (Unavailable, Overloaded, RateLimited)


def _may_take_over(error: CallError) -> bool:
    """Whether the next placement may be tried: only where this one provably did not run the function."""
    return error.executed == NOT_EXECUTED
