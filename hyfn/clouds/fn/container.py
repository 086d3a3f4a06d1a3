"""One container of a function: fdk as a process, and the unix socket on which it takes one call at a time.

By Fn's container contract (https://github.com/fnproject/docs, fn/develop/fn-format.md).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from hyfn.clouds.fn import uds
from hyfn.errors import MachineError
from hyfn.toolchain import scratch
from hyfn.toolchain.processes import Process, wait_until
from hyfn.wire import http1
from hyfn.wire.carrier import Response
from hyfn.wire.frame import CONTENT_TYPE

START_SECONDS = 60.0
"""Fn gives 5; a busy machine that compiles its imports may need more."""
SOCKET = "lsnr.sock"
LONGEST = 107 - len("phony")
"""Bytes of a unix socket's path; fdk listens beside it, at a name that begins with "phony"."""
PREFIX, SHORT = "hyfn-fn-", Path("/tmp")  # noqa: S108
NO_CALL = {"content-type": CONTENT_TYPE, "fn-call-id": "start"}
"""A request that the host refuses once it is loaded."""


class NotLoaded(Exception):
    """The process ended, or cannot load the function. The text is the runtime's own words, `tail` its log's end."""

    def __init__(self, said: str, tail: str) -> None:
        super().__init__(said)
        self.tail = tail


class Broken(Exception):
    """The container gave no answer: it ended, or what it said was none. It cannot go on."""


class FnContainer:
    """`call` belongs to one thread at a time, `stop` to any."""

    def __init__(self, start: Callable[[Mapping[str, str]], Process]) -> None:
        """`start` starts fdk with these variables more. Raises NotLoaded or MachineError; then nothing is left.

        fdk loads the function at the first call. One that carries nothing makes it do so now: here what a function's
        imports take is not counted to its first call's timeout, which a busy machine would exceed.
        """
        with ExitStack() as stack:
            self._path = stack.enter_context(_folder()) / SOCKET
            self._process = start({"FN_FORMAT": "http-stream", "FN_LISTENER": f"unix:{self._path}"})
            stack.callback(self._process.stop, 0)
            self._wait()
            self._left = stack.pop_all()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        """fdk's answer to a call with these headers, in lower case.

        Raises TimeoutError after `seconds`, or Broken; then the container has ended.
        """
        try:
            return self._exchange(headers, body, seconds)
        except TimeoutError:
            self.stop()
            raise
        except (OSError, http1.BadMessage, http1.Cut) as error:
            self.stop()
            raise Broken(str(error)) from error

    def stop(self) -> None:
        """End the process, as Fn removes a container: at once. Safe to repeat."""
        self._left.close()

    def _exchange(self, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
        known = {"host": "localhost", "fn-deadline": until.isoformat(timespec="seconds").replace("+00:00", "Z")}
        return uds.post(self._path, "/call", {**headers, **known}, body, seconds)

    def _wait(self) -> None:
        try:
            wait_until(self._path.exists, self._process, START_SECONDS)
            answered = self._exchange(NO_CALL, b"", START_SECONDS)
        except (OSError, http1.BadMessage, http1.Cut, MachineError) as error:
            status = self._process.wait(1)
            if status is None:
                raise
            raise NotLoaded(f"fdk ended with status {status}", self._process.tail()) from error
        if answered.status != 200:
            raise NotLoaded(answered.body.decode(errors="replace"), self._process.tail())


def _folder() -> contextlib.AbstractContextManager[Path]:
    """A new folder, behind whose path a socket's name still fits."""
    usual = Path(tempfile.gettempdir())
    is_short = len(os.fsencode(usual / f"{PREFIX}{'0' * 12}" / SOCKET)) <= LONGEST
    return scratch.folder(PREFIX, usual if is_short else SHORT)
