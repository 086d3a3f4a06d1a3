"""Run one call: frame in, sealed reply out. Nothing of a frame is used before its MAC is checked."""

from __future__ import annotations

from _thread import allocate_lock
from os import environ
from time import monotonic, time

from hyfn import contract, wiring
from hyfn.current import Current, current
from hyfn.errors import (
    EXECUTED,
    NOT_EXECUTED,
    UNKNOWN,
    CallError,
    ContractMismatch,
    DeadlineExceeded,
    Forbidden,
    Internal,
    Malformed,
    NoSuchFunction,
    Replay,
    Unauthenticated,
    Unavailable,
    UnsupportedEncoding,
)
from hyfn.host import load
from hyfn.wire import codec, message
from hyfn.wire.carrier import Answer
from hyfn.wire.frame import CALL, MAX_BODY, Frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from typing import Any, Protocol

    from hyfn.declare import Function
    from hyfn.host.events import Triggers
    from hyfn.wiring import CallerKey, Wiring

    class Task(Protocol):
        """A call of `function` that no frame brought. `header` is what hyfn's own protocol would have said; `deadline`
        is on time.monotonic()."""

        function: Hosted
        args: list[Any]
        kwargs: dict[str, Any]
        deadline: float
        header: Mapping[str, Any]


TIMEOUT = 60.0
"""Seconds that a plain HTTP request may take where its function does not say."""
REMEMBERED = 32_768
"""Ids of each of two generations that an instance remembers to refuse repeated frames."""


class Hosted:
    """One function of this artifact, ready to be called."""

    __slots__ = ("arguments", "body", "contract", "is_async", "name", "result")

    def __init__(self, name: str, function: Function[..., Any]) -> None:
        self.name = name
        self.body = function.__wrapped__
        self.is_async = function.is_async
        self.arguments = codec.arguments(self.body)
        self.result = codec.result(self.body)
        self.contract = contract.digest(self.body)


class Work:
    """An authenticated call, and what its reply needs."""

    __slots__ = ("args", "deadline", "frame", "function", "header", "key", "kwargs")

    def __init__(self, frame: Frame, header: dict[str, Any], key: bytes) -> None:
        self.frame = frame
        self.header = header
        self.key = key
        self.deadline = monotonic() + header["dl"] / 1000
        self.function: Hosted | None = None
        self.args: list[Any] = []
        self.kwargs: dict[str, Any] = {}


class Runner:
    """Answers the calls of one artifact. Safe in many threads."""

    def __init__(
        self,
        functions: Mapping[str, Hosted],
        wiring: Wiring | None,
        is_threaded: bool = True,
        triggers: Triggers | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """`wiring` None: it is read from the environment when the first call comes. `triggers` are those of each
        function, as hyfn.json has them; `timeout` is the functions' own."""
        self.functions = functions
        self.timeout = timeout
        self.triggers: Triggers = triggers or {}
        self._wiring = wiring
        self._is_threaded = is_threaded
        self._seen: set[bytes] = set()
        self._seen_before: set[bytes] = set()
        self._lock = allocate_lock()
        self._loop: Any = None
        self._pool: ThreadPoolExecutor | None = None

    def answer(self, data: bytes) -> Answer:
        """Run the call in this frame. Never raises; async bodies run on one event loop that lasts."""
        try:
            work = self._authenticate(data)
        except CallError as error:
            return Answer(error.http_status, b"", error.code)
        try:
            function = self._admit(work)
            value = self.run_async(self._await(function, work)) if function.is_async else self._call(function, work)
            return self._value(function, work, value)
        except Exception as error:  # noqa: BLE001  (whatever the function raises travels)
            return self._error(work, error)

    async def aanswer(self, data: bytes) -> Answer:
        """The same on the running event loop; bodies that are not async run in a thread."""
        try:
            work = self._authenticate(data)
        except CallError as error:
            return Answer(error.http_status, b"", error.code)
        try:
            function = self._admit(work)
            value = await (self._await(function, work) if function.is_async else self._in_thread(function, work))
            return self._value(function, work, value)
        except Exception as error:  # noqa: BLE001
            return self._error(work, error)

    def attempt(self, step: Task) -> tuple[Any, Exception | None]:
        """Run a call that no frame brought: its value, and what it raised. See hyfn.host.events and hyfn.host.web."""
        function = step.function
        try:
            is_async = function.is_async
            return (self.run_async(self._await(function, step)) if is_async else self._call(function, step)), None
        except Exception as error:  # noqa: BLE001  (whatever the function raises)
            return None, error

    async def aattempt(self, step: Task) -> tuple[Any, Exception | None]:
        """The same on the running event loop; bodies that are not async run in a thread."""
        function = step.function
        try:
            return await (self._await(function, step) if function.is_async else self._in_thread(function, step)), None
        except Exception as error:  # noqa: BLE001
            return None, error

    def _authenticate(self, data: bytes) -> Work:
        """Checks at constant work: an unknown key costs a MAC too, and says no more than a wrong one."""
        frame = Frame(data, MAX_BODY)
        caller = self._known().callers.get(frame.key_id)
        header = frame.open(caller.key if caller else _NOBODY, message.CALL_FIELDS)
        if caller is None:
            raise Unauthenticated
        work = Work(frame, header, caller.key)
        message.check_call(header)
        self._check_parties(header, caller)
        work.function = self.functions.get(caller.audience)
        return work

    def _check_parties(self, header: dict[str, Any], caller: CallerKey) -> None:
        known = self._known()
        audience = f"{known.app}/{known.stage}/{caller.audience}@{known.placement}"
        if header["iss"] != caller.issuer or header["aud"] != audience:
            raise Forbidden

    def _admit(self, work: Work) -> Hosted:
        """Everything that may refuse an authenticated call before the function runs."""
        header, frame = work.header, work.frame
        function = work.function
        if frame.kind != CALL:
            raise Malformed("not a call")
        if frame.flags:
            raise UnsupportedEncoding("compressed, referenced and pickled bodies are not accepted here")
        if not message.is_current(header, time()):
            raise Unauthenticated("the call has expired, or the clocks differ")
        if function is None:
            raise NoSuchFunction("this artifact does not hold the function")
        self._remember(header["id"] + bytes([header["att"]]))
        if header["dl"] <= 0:
            raise DeadlineExceeded("the deadline had passed on arrival", executed=NOT_EXECUTED)
        is_json = self._known().callers[frame.key_id].is_json
        if header["con"] != function.contract and not (is_json and header["con"] == b""):
            raise ContractMismatch(
                f"{header['iss']} was built against contract {header['con'].hex()} of {function.name},"
                f" which is {function.contract.hex()} here"
            )
        work.args, work.kwargs = function.arguments.unpack(frame.body, is_json)
        return function

    def _remember(self, call: bytes) -> None:
        with self._lock:
            if call in self._seen or call in self._seen_before:
                raise Replay("this call was received before")
            self._seen.add(call)
            if len(self._seen) >= REMEMBERED:
                self._seen_before, self._seen = self._seen, set()

    def _call(self, function: Hosted, work: Work | Task) -> Any:
        token = current.set(self._current(function, work))
        try:
            return function.body(*work.args, **work.kwargs)
        finally:
            current.reset(token)

    async def _await(self, function: Hosted, work: Work | Task) -> Any:
        from asyncio import timeout_at

        token = current.set(self._current(function, work))
        loop_deadline = _loop_time() + work.deadline - monotonic()
        try:
            async with timeout_at(loop_deadline) as limit:
                return await function.body(*work.args, **work.kwargs)
        except TimeoutError:
            if limit.expired():
                raise DeadlineExceeded(f"{function.name} did not end in time", executed=UNKNOWN) from None
            raise
        finally:
            current.reset(token)

    async def _in_thread(self, function: Hosted, work: Work | Task) -> Any:
        return await self.in_thread(self._call, function, work)

    async def in_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        """What `call` returns, in one of this runner's threads."""
        from asyncio import get_running_loop
        from concurrent.futures import ThreadPoolExecutor

        if self._pool is None:
            self._pool = ThreadPoolExecutor(64, "hyfn")
        return await get_running_loop().run_in_executor(self._pool, call, *args)

    def run_async(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What the coroutine returns. All run on one event loop that lasts, which runs meanwhile only where calls come
        in many threads. Not for a thread whose own loop is running."""
        import asyncio

        if not self._is_threaded:
            self._loop = self._loop or asyncio.new_event_loop()
            return self._loop.run_until_complete(coroutine)
        with self._lock:
            self._loop = self._loop or _background_loop()
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _current(self, function: Hosted, work: Work | Task) -> Current:
        header: Mapping[str, Any] = work.header
        return Current(function.name, work.deadline, header["hop"], header["root"], header["tp"])

    def _value(self, function: Hosted, work: Work, value: Any) -> Answer:
        try:
            body = function.result.pack(value)
        except (TypeError, ValueError) as error:
            raise Internal(f"the result cannot travel: {error}", executed=EXECUTED) from error
        return Answer(200, message.value(work.frame, work.header["id"], work.key, body))

    def _error(self, work: Work, raised: Exception) -> Answer:
        from hyfn.wire import failure

        if isinstance(raised, CallError) and not _came_from_user(raised):
            body, executed, status = failure.refuse(raised), raised.executed, raised.http_status
        else:
            body, executed, status = self._described(work.function, raised), EXECUTED, 200
        sealed = message.error(work.frame, work.header["id"], work.key, body, executed)
        return Answer(status, sealed, body["code"])

    def _described(self, function: Hosted | None, raised: Exception) -> dict[str, Any]:
        from hyfn.wire import failure

        hop = ["", 0, function.name if function else "", self._known().placement]
        return failure.describe(raised, hop, function.body.__code__ if function else None)

    def _known(self) -> Wiring:
        if self._wiring is None:
            self._wiring = wiring.read(environ)
            if self._wiring is None:
                raise Unavailable("this function was not given its wiring (HYFN_WIRING)")
        return self._wiring


_NOBODY = bytes(32)


def runner(is_threaded: bool = True) -> Runner:
    """The Runner of the artifact that this process runs. Imports the user's module: call it once, at cold start.

    `is_threaded` False: calls come one at a time on one thread, which then runs async bodies itself.
    """
    document = load.manifest()
    if document is None:
        raise Unavailable("there is no hyfn.json beside the hyfn package: this is no artifact")
    triggers = document.get("triggers") or {}
    found = {name: load.function(name) for name in document["functions"]}
    functions = {name: Hosted(name, each) for name, each in found.items() if not _mounts(triggers.get(name, ()))}
    return Runner(functions, None, is_threaded, triggers, document.get("timeout", TIMEOUT))


def _mounts(triggers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the function makes an application, which nobody calls."""
    return any(trigger.get("mount") for trigger in triggers)


def _came_from_user(error: CallError) -> bool:
    """Whether a CallError went through the function's body: one that a nested call raised is the function's own."""
    traceback = error.__traceback__
    while traceback is not None:
        name = traceback.tb_frame.f_globals.get("__name__", "")
        if not name.startswith("hyfn."):
            return True
        traceback = traceback.tb_next
    return False


def _loop_time() -> float:
    from asyncio import get_running_loop

    return get_running_loop().time()


def _background_loop() -> Any:
    import asyncio
    from threading import Thread

    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="hyfn-loop", daemon=True).start()
    return loop
