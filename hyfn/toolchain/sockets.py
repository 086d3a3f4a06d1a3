"""The sockets of an HTTP client, to be cut by another thread than those that wait for them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping


class Sockets:
    """Those that httpx opens for requests with the extension {"trace": `trace`}.

    `is_cut` is set as soon as they are cut, for who waits for other things meanwhile.
    """

    def __init__(self) -> None:
        self.is_cut = threading.Event()
        self._opened: list[socket.socket] = []

    def cut(self) -> None:
        """Whoever reads or writes fails at once, now and from now on. Safe to repeat."""
        self.is_cut.set()
        for one in [*self._opened]:
            _shut(one)

    def trace(self, event: str, info: Mapping[str, object]) -> None:
        """To be called by httpcore, whose trace is the one place that shows a connection before its first answer."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            stream = info["return_value"]
            opened = getattr(stream, "get_extra_info", lambda _: None)("socket")
            if isinstance(opened, socket.socket):
                self._opened.append(opened)
                if self.is_cut.is_set():
                    _shut(opened)


def _shut(opened: socket.socket) -> None:
    # Not SSLSocket's own, which says goodbye and takes the reader's state away under it.
    with contextlib.suppress(OSError, ValueError):
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
