"""Decorators, and the Function that they make of a function. Imports next to nothing: every cold start pays for it.

A call goes to the journey in hyfn/remote.py, which is loaded by name when the first call is made.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator, Mapping
    from typing import Any, Generic, Literal, ParamSpec, Protocol, TypeVar, overload

    P = ParamSpec("P")
    O = ParamSpec("O")
    R = TypeVar("R")
    R_co = TypeVar("R_co", covariant=True)
    A = TypeVar("A")
else:

    class _Subscriptable:
        """Stands for typing's Generic and Protocol: importing typing costs 4 ms, and nothing here needs it to run."""

        def __class_getitem__(cls, item: object) -> type:
            return cls

    Generic = Protocol = _Subscriptable
    P = O = R = R_co = A = None

    def overload(function: object) -> object:
        return function


class Call(Protocol[R_co]):
    """A call under way, from `spawn`."""

    @property
    def id(self) -> str:
        """The call's own id, a UUID in hexadecimal."""

    def result(self, timeout: float | None = None) -> R_co:
        """Wait for the value, `timeout` seconds at most, or raise what the function raised."""

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait, and return what the function raised, or None."""

    def done(self) -> bool: ...

    def cancel(self) -> bool:
        """Stop a call that has not been sent yet. True if it will never be sent."""

    def __await__(self) -> Generator[Any, Any, R_co]: ...


class Mapped(Protocol[R_co]):
    """The results of a `map`, for `for` and for `async for`."""

    def __iter__(self) -> Iterator[R_co]: ...

    def __aiter__(self) -> AsyncIterator[R_co]: ...


class Function(Generic[P, R]):
    """A function that lives on a platform. Calling it calls it there.

    A call resolves, in this order: inside the function's own runtime its body runs; in a local context its
    body runs in this process, arguments and result through the wire's value conversion; where an endpoint is known
    it is called there; otherwise NotShipped is raised. Never silently local.
    """

    is_async = False

    def __init__(
        self,
        body: Callable[..., Any],
        placements: tuple[Placement, ...] = (),
        settings: Mapping[str, Any] | None = None,
        raises: tuple[str, ...] = (),
        is_stub: bool = False,
    ) -> None:
        self.__wrapped__ = body
        self.__name__ = body.__name__
        self.__qualname__ = body.__qualname__
        self.__module__ = body.__module__
        self.__doc__ = body.__doc__
        self.placements = placements
        self.settings: Mapping[str, Any] = settings or {}
        """What `options` set on this copy: timeout, in seconds."""
        self.raises = raises
        self.is_stub = is_stub

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = _journey().call(self, args, kwargs)
        return result

    def remote(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call it where it is shipped, even inside its own runtime."""
        result: R = _journey().remote(self, args, kwargs)
        return result

    def local(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the body here, as a plain call. A stub has no body: NotShipped."""
        result: R = _journey().body(self)(*args, **kwargs)
        return result

    def aio(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, None, R]:
        """The same call, to be awaited."""
        coroutine: Coroutine[object, None, R] = _journey().aio(self, args, kwargs)
        return coroutine

    def spawn(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """Start the call and go on."""
        call: Call[R] = _journey().spawn(self, args, kwargs)
        return call

    @overload
    def map(
        self,
        items: Iterable[Any],
        /,
        *more: Iterable[Any],
        ordered: bool = True,
        return_exceptions: Literal[False] = False,
        concurrency: int = 64,
    ) -> Mapped[R]: ...

    @overload
    def map(
        self,
        items: Iterable[Any],
        /,
        *more: Iterable[Any],
        ordered: bool = True,
        return_exceptions: bool,
        concurrency: int = 64,
    ) -> Mapped[R | BaseException]: ...

    def map(
        self,
        items: Iterable[Any],
        /,
        *more: Iterable[Any],
        ordered: bool = True,
        return_exceptions: bool = False,
        concurrency: int = 64,
    ) -> Mapped[Any]:
        """One call for each item (zipped with `more`), at most `concurrency` at a time."""
        return self.starmap(
            zip(items, *more, strict=False),
            ordered=ordered,
            return_exceptions=return_exceptions,
            concurrency=concurrency,
        )

    @overload
    def starmap(
        self,
        items: Iterable[Iterable[Any]],
        /,
        *,
        ordered: bool = True,
        return_exceptions: Literal[False] = False,
        concurrency: int = 64,
    ) -> Mapped[R]: ...

    @overload
    def starmap(
        self,
        items: Iterable[Iterable[Any]],
        /,
        *,
        ordered: bool = True,
        return_exceptions: bool,
        concurrency: int = 64,
    ) -> Mapped[R | BaseException]: ...

    def starmap(
        self,
        items: Iterable[Iterable[Any]],
        /,
        *,
        ordered: bool = True,
        return_exceptions: bool = False,
        concurrency: int = 64,
    ) -> Mapped[Any]:
        """As `map`, each item being the arguments of one call."""
        mapped: Mapped[Any] = _journey().starmap(self, items, ordered, return_exceptions, concurrency)
        return mapped

    def options(self, *, timeout: float | None = None) -> Function[P, R]:
        """A copy whose calls end after `timeout` seconds with DeadlineExceeded."""
        settings = self.settings if timeout is None else {**self.settings, "timeout": timeout}
        return type(self)(self.__wrapped__, self.placements, settings, self.raises, self.is_stub)

    def __repr__(self) -> str:
        where = ", ".join(placement.platform.name for placement in self.placements)
        return f"<hyfn function {self.__module__}:{self.__qualname__} on {where}>"


class AsyncFunction(Function[P, R]):
    """A Function whose body is `async def`: calling it gives an awaitable."""

    is_async = True

    if TYPE_CHECKING:
        # Coroutine[Any, ...] would make asyncio.gather's result Any to mypy: its overloads are ambiguous under Any.

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, None, R]: ...  # type: ignore[override]

        def remote(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, None, R]: ...  # type: ignore[override]

        def local(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, None, R]: ...  # type: ignore[override]

        def options(self, *, timeout: float | None = None) -> AsyncFunction[P, R]: ...


class Mark(Protocol):
    """What stands above a function and makes a Function of it."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncFunction[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Function[P, R]: ...


class Placement:
    """One platform and the options given to it: what `@aws(memory=1024)` is before it meets its function."""

    def __init__(self, platform: Platform[Any], options: Mapping[str, Any]) -> None:
        self.platform = platform
        self.options = options

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncFunction[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Function[P, R]: ...

    def __call__(self, function: Callable[..., Any], /) -> Function[..., Any]:
        if isinstance(function, Function):
            return type(function)(
                function.__wrapped__, (self, *function.placements), function.settings, function.raises
            )
        return _kind(function)(function, (self,))


class Platform(Generic[O]):
    """A target-cloud decorator, bare or called. `accepts` is the function whose parameters are its options.

    `hyfn.clouds.platforms` says which `cloud` it is of, in which `package`, and the `distribution` that brings that.
    """

    def __init__(self, accepts: Callable[O, None], name: str) -> None:
        self.accepts = accepts
        self.name = name
        self.package = accepts.__module__
        self.cloud = self.package.rpartition(".")[2]
        self.distribution = self.package.partition(".")[0]
        self.__doc__ = accepts.__doc__

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncFunction[P, R]: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, function: Callable[P, R], /) -> Function[P, R]: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(self, *args: O.args, **options: O.kwargs) -> Placement: ...

    def __call__(self, *args: Any, **options: Any) -> Any:
        if args:
            return Placement(self, {})(*args)
        accepts: Callable[..., None] = self.accepts
        accepts(**options)
        return Placement(self, options)


def platform(accepts: Callable[O, None]) -> Platform[O]:
    """The decorator of a cloud: its name, documentation and typed options are those of `accepts`."""
    return Platform(accepts, accepts.__name__)


def stub(*placements: str, raises: tuple[str, ...] = ()) -> Mark:
    """Marks a generated stub: the signature of a function that lives elsewhere. `raises` are "module:qualname"."""

    def mark(function: Callable[..., Any], /) -> Any:
        return _kind(function)(
            function, tuple(Placement(_elsewhere(name), {}) for name in placements), None, raises, True
        )

    return mark


def _kind(function: Callable[..., Any]) -> type[Function[..., Any]]:
    if not hasattr(function, "__code__"):
        raise TypeError(f"a platform decorates a function, not {function!r}; its options are given by name")
    return AsyncFunction if function.__code__.co_flags & _CO_COROUTINE else Function


_CO_COROUTINE = 0x80
"""inspect.CO_COROUTINE; importing inspect costs 6 ms."""


def _elsewhere(name: str) -> Platform[Any]:
    def accepts() -> None: ...

    return Platform(accepts, name)


def _journey() -> Any:
    from importlib import import_module

    return import_module("hyfn.remote")
