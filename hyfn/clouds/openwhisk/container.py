"""One container of an action: an actionloop launcher's process, and the part of the proxy that speaks to it.

What the proxy says, and what becomes of it, is from openwhisk/{executor,runHandler,initHandler}.go in
apache/openwhisk-runtime-go, and from ActivationResult.scala and ErrorResponse.scala in apache/openwhisk.
"""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from hyfn.clouds.openwhisk.pipes import Pipes
from hyfn.toolchain.processes import Process

INIT_SECONDS = 60.0
"""OpenWhisk gives the action's own time limit; a busy machine that compiles its imports may need more."""
ENDING_SECONDS = 1.0
"""How long a process whose pipe is closed may take to end."""
SHOWN = 1024
"""Characters of a result that is too large which its error quotes."""

SUCCESS, APPLICATION_ERROR, DEVELOPER_ERROR = "success", "application error", "action developer error"


@dataclass(frozen=True, slots=True)
class Action:
    """What OpenWhisk knows of an action. `package` "" is the default one, `timeout` in seconds, `max_result` in bytes
    (None where the platform publishes none)."""

    namespace: str
    package: str
    name: str
    timeout: float
    api_host: str
    max_result: int | None

    @property
    def local(self) -> str:
        """Its name within its namespace."""
        return f"{self.package}/{self.name}" if self.package else self.name

    @property
    def qualified(self) -> str:
        """Its fully qualified name."""
        return f"/{self.namespace}/{self.local}"


@dataclass(frozen=True, slots=True)
class Activation:
    """What running an action once gave. `status` is OpenWhisk's word, `result` the JSON object; times in ms."""

    id: str
    status: str
    result: bytes
    start: int = 0
    end: int = 0


def new_id() -> str:
    return uuid.uuid4().hex


class InitFailed(Exception):
    """The action could not be initialised. The text is OpenWhisk's, then the end of the log."""

    def __init__(self, said: str, log: str) -> None:
        super().__init__(f"{said}\n{log}" if log else said)
        self.said = said


class Container:
    """Runs one activation at a time. `run` belongs to one thread at a time, `stop` to any."""

    def __init__(self, action: Action, start: Callable[[Pipes], Process]) -> None:
        """`start` starts a launcher on the pipes. Raises InitFailed; then nothing is left."""
        self._action = action
        self._in_use = Lock()
        with tempfile.TemporaryDirectory(prefix="hyfn-action-") as folder:
            self._pipes = Pipes(Path(folder))
            try:
                self._process = start(self._pipes)
            except BaseException:
                self._pipes.close()
                raise
            try:
                self._initialise()
            except BaseException:
                self.stop()
                raise

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def run(self, activation_id: str, value: bytes) -> Activation:
        """Run it with the parameters `value`, a JSON object. One that failed as no action should ends the process."""
        began = _now()
        with self._in_use:
            status, result = self._run(activation_id, value)
        if status == DEVELOPER_ERROR:
            self._process.stop(grace=0)
        return Activation(activation_id, status, result, began, _now())

    def stop(self) -> None:
        """End the process, which ends what runs in it, and close the pipes. Safe to repeat."""
        self._process.stop(grace=0.2)
        with self._in_use:
            self._pipes.close()

    def _initialise(self) -> None:
        seconds = max(INIT_SECONDS, self._action.timeout)
        deadline = time.monotonic() + seconds
        try:
            ack = self._pipes.receive(deadline, self.is_alive)
            self._pipes.settle()
        except TimeoutError:
            said = f"The action exceeded its time limits of {_ms(seconds)} milliseconds during initialization."
            raise InitFailed(said, self._process.tail()) from None
        except OSError:
            self._process.wait(ENDING_SECONDS)
            raise InitFailed("Command exited abruptly during initialization.", self._process.tail()) from None
        if _document(ack) != {"ok": True}:
            raise InitFailed("The action did not initialize properly.", self._process.tail())

    def _run(self, activation_id: str, value: bytes) -> tuple[str, bytes]:
        seconds = self._action.timeout
        deadline = time.monotonic() + seconds
        try:
            self._pipes.send(self._line(activation_id, value), deadline)
            line = self._pipes.receive(deadline, self.is_alive)
        except TimeoutError:
            return developer_error(f"The action exceeded its time limits of {_ms(seconds)} milliseconds.")
        except OSError:
            return developer_error("command exited")
        return _judged(line, self._action.max_result)

    def _line(self, activation_id: str, value: bytes) -> bytes:
        context = {
            "namespace": self._action.namespace,
            "action_name": self._action.qualified,
            "activation_id": activation_id,
            "transaction_id": activation_id,
            "deadline": str(_now() + _ms(self._action.timeout)),
        }
        # A line feed in JSON can only be space between its tokens.
        return b'{"value":' + value.replace(b"\n", b"") + b"," + json.dumps(context).encode()[1:] + b"\n"


def _judged(line: bytes, most: int | None) -> tuple[str, bytes]:
    if most is not None and len(line) > most:
        said = f"The action produced a response that exceeded the allowed length: {len(line)} > {most} bytes."
        shown = line[:SHOWN].decode("utf-8", "ignore")
        return developer_error(f"{said} The truncated response was: {shown}")
    result = _document(line)
    if not isinstance(result, dict | list):
        return developer_error("The action did not return a dictionary or array.")
    return APPLICATION_ERROR if isinstance(result, dict) and "error" in result else SUCCESS, line.rstrip(b"\n")


def developer_error(said: str) -> tuple[str, bytes]:
    """Status and result of an activation that failed as no action should."""
    return DEVELOPER_ERROR, json.dumps({"error": said}).encode()


def parsed(text: bytes) -> Any:
    """What JSON text stands for. ValueError where it is none: JSON has no NaN, and no parser's depth is endless."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _document(line: bytes) -> Any:
    try:
        return parsed(line)
    except ValueError:
        return None


def _now() -> int:
    return int(time.time() * 1000)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
