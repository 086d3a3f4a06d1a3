"""The process of a container: load the artifact, listen where the platform says, end when told."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hyfn.host.door import Doors
    from hyfn.host.run import Runner
    from hyfn.host.serve import Limits

GRACE = 10.0
"""Seconds for the calls under way when the container is told to end."""


def main(
    address: str,
    port: str = "PORT",
    otherwise: int = 8080,
    *,
    doors: Callable[[Runner], Doors] | None = None,
    limits: Limits | None = None,
) -> None:
    """Serve the artifact that this process runs until SIGTERM. `HYFN_HOST` overrides `address`.

    It listens where the variable `port` says, or on `otherwise`; `doors` makes the platform's own, by their path. With
    HYFN_DOOR=events it takes the platform's events and nothing else: no call comes in where events do.
    """
    from _signal import SIGTERM, signal  # type: ignore[import-not-found]  # `signal` costs 4 ms

    # While the user's module is loading: the kernel delivers no unhandled signal to a PID 1.
    signal(SIGTERM, lambda *_: os._exit(0))
    _write_lines()

    from hyfn.host.run import runner
    from hyfn.host.serve import serve

    run = runner()
    events = event_door(run)
    own = {"/": events} if events else doors(run) if doors else None
    public = None if events else public_door(run)
    host, number = os.environ.get("HYFN_HOST") or address, int(os.environ.get(port) or otherwise)
    if not serve(run.answer, host, number, limits=limits, doors=own, public=public, grace=GRACE):
        # A call that outlasts its grace would hold the interpreter's own end up.
        os._exit(0)


def event_door(run: Runner) -> Any:
    """What takes the platform's events, a hyfn.host.event_door.Events, where this process is for them; else None.

    Raises Unavailable where no function of the artifact waits for events.
    """
    if os.environ.get("HYFN_DOOR") != "events":
        return None
    from hyfn.errors import Unavailable
    from hyfn.host import load

    on = load.on(load.manifest() or {})
    if on is None:
        raise Unavailable("no function here waits for events (HYFN_DOOR=events)")
    return on.Door(run, on)


def public_door(run: Runner) -> Any:
    """What takes plain HTTP requests, a hyfn.host.pages.Pages, where a function is under @on.http; else None."""
    from hyfn.host import load

    web = load.web({"triggers": run.triggers})
    return None if web is None else web.door(run)


def _write_lines() -> None:
    """What a function prints is for the container's log, now and not when a buffer is full."""
    import sys

    for stream in (sys.stdout, sys.stderr):
        file: Any = stream
        file.reconfigure(line_buffering=True)
