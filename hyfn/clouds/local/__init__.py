"""The developer's own machine: functions that live there, and a context in which all functions run in this process."""

from __future__ import annotations

from hyfn.current import is_local
from hyfn.declare import Placement, Platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from contextvars import Token
    from typing import Any, ParamSpec, TypeVar, overload

    from hyfn.declare import AsyncFunction, Function

    O = ParamSpec("O")  # noqa: E741
    P = ParamSpec("P")
    R = TypeVar("R")
else:
    O = None  # noqa: E741


class LocalPlacement(Placement):
    """A placement, and `with hyfn.local():` where it meets no function.

    Inside, in this thread or task and what it starts, bodies run in this process, arguments and results through the
    wire's value conversion.
    """

    def __init__(self, platform: Platform[Any], options: dict[str, Any]) -> None:
        super().__init__(platform, options)
        self._entered: list[Token[bool]] = []

    def __enter__(self) -> None:
        self._entered.append(is_local.set(True))

    def __exit__(self, *_: object) -> None:
        is_local.reset(self._entered.pop())


class LocalPlatform(Platform[O]):
    """A decorator, bare or called; called it is a context manager too."""

    if TYPE_CHECKING:

        @overload
        def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncFunction[P, R]: ...  # type: ignore[overload-overlap]

        @overload
        def __call__(self, function: Callable[P, R], /) -> Function[P, R]: ...  # type: ignore[overload-overlap]

        @overload
        def __call__(self, *args: O.args, **options: O.kwargs) -> LocalPlacement: ...

    def __call__(self, *args: Any, **options: Any) -> Any:
        if args:
            return super().__call__(*args)
        accepts: Callable[..., None] = self.accepts
        accepts(**options)
        return LocalPlacement(self, options)


def _platform(accepts: Callable[O, None]) -> LocalPlatform[O]:
    return LocalPlatform(accepts, accepts.__name__)


@_platform
def local(
    *,
    timeout: float = 60,
    python: str = "",
    idempotent: bool = False,
    group: str = "",
    env: Mapping[str, str] = {},
    calls: Sequence[str] = (),
) -> None:
    """Run this function on the developer's machine, in a process of its own.

    `timeout` is in seconds; `python` a version such as "3.13", else the one that runs hyfn. `idempotent` says that
    running it twice does no harm. Functions of one `group` share a process. `env` are plain environment variables,
    never secrets. `calls` names what it calls where reading cannot tell.

    `with hyfn.local():` instead runs the bodies of all functions in this process, as tests want it.
    """
