"""The process of a container: load the artifact, listen on $PORT, end when told."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GRACE = 10.0
"""Seconds for the calls under way when the container is told to end."""


def main(address: str) -> None:
    """Serve the artifact that this process runs until SIGTERM. `HYFN_HOST` overrides `address`."""
    from _signal import SIGTERM, signal  # type: ignore[import-not-found]  # `signal` costs 4 ms

    # While the user's module is loading: the kernel delivers no unhandled signal to a PID 1.
    signal(SIGTERM, lambda *_: os._exit(0))
    _write_lines()

    from hyfn.host.run import runner
    from hyfn.host.serve import serve

    answer = runner().answer
    port = int(os.environ.get("PORT") or 8080)
    if not serve(answer, os.environ.get("HYFN_HOST") or address, port, grace=GRACE):
        # A call that outlasts its grace would hold the interpreter's own end up.
        os._exit(0)


def _write_lines() -> None:
    """What a function prints is for the container's log, now and not when a buffer is full."""
    import sys

    for stream in (sys.stdout, sys.stderr):
        file: Any = stream
        file.reconfigure(line_buffering=True)
