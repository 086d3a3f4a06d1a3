"""One execution environment: an awslambdaric process, and the Runtime API (2018-06-01) that it polls.

The thread that brings an invocation speaks to the process itself: nothing is handed from thread to thread.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from hyfn.toolchain.http1 import Connection, Message, listen, response
from hyfn.toolchain.processes import Process
from hyfn.wire.http1 import BadMessage

ROOT = "/2018-06-01/runtime/"
MAX_RESPONSE = 6_291_556
"""Bytes of a synchronous invocation's response."""
INIT_SECONDS = 60.0
"""AWS gives 10; a busy machine that compiles its imports may need more."""
SETTLE_SECONDS = 10.0
"""How long a process may take from its response to asking for the next invocation."""
LOOK = 0.02
"""Seconds between two looks at whether the process still lives, while it has no connection."""

ACCEPTED = response("202 Accepted", {"Content-Type": "application/json"}, b'{"status":"OK"}\n')
REFUSED = response(
    "413 Payload Too Large", {"Content-Type": "application/json"}, b'{"errorType":"RequestEntityTooLarge"}'
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What Lambda knows of a function. `timeout` in seconds."""

    name: str
    arn: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation gave: the function's JSON, or an error's."""

    request_id: str
    payload: bytes
    is_error: bool = False


class InitFailed(Exception):
    """The runtime could not load the function. `payload` is the error's JSON, the text its type and message."""

    def __init__(self, payload: bytes) -> None:
        document = json.loads(payload)
        super().__init__(f"{document.get('errorType')}: {document.get('errorMessage')}")
        self.payload = payload


class _Exited(Exception):
    """The process ended."""


class Environment:
    """Handles one invocation at a time, as Lambda's do. `invoke` and `settle` belong to one thread, `stop` to any."""

    def __init__(self, configuration: Configuration, start: Callable[[str], Process]) -> None:
        """`start` starts awslambdaric for the Runtime API at a "host:port". Raises InitFailed; then nothing is left."""
        self._configuration = configuration
        self._connection: Connection | None = None
        self._listener, port = listen()
        try:
            self._process = start(f"127.0.0.1:{port}")
        except BaseException:
            self._listener.close()
            raise
        try:
            self._initialise()
        except BaseException:
            self.stop()
            raise

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def invoke(self, event: bytes) -> Outcome:
        """Run it. A process that crashed, or was killed for taking too long, has an Outcome too, and is not alive."""
        request_id = str(uuid.uuid4())
        seconds = self._configuration.timeout
        try:
            self._talk().send(self._invocation(request_id, event))
            answer = self._receive(time.monotonic() + seconds)
        except TimeoutError:
            self._process.stop(grace=0)
            return _error(request_id, "Sandbox.Timedout", f"Error: Task timed out after {seconds:.2f} seconds")
        except (_Exited, OSError):
            return _error(request_id, "Runtime.ExitError", f"Error: Runtime exited {self._how_it_ended()}")
        return self._outcome(request_id, answer)

    def settle(self) -> None:
        """Wait until it asks for the next invocation. It may have ended instead."""
        try:
            self._receive(time.monotonic() + SETTLE_SECONDS)
        except (_Exited, OSError):
            self._process.stop(grace=0)

    def stop(self) -> None:
        """End the process and close every socket. Safe to repeat."""
        self._process.stop(grace=0.5)
        if self._connection is not None:
            self._connection.close()
        self._listener.close()

    def _initialise(self) -> None:
        try:
            first = self._receive(time.monotonic() + INIT_SECONDS)
        except TimeoutError:
            raise InitFailed(_document("Sandbox.Timedout", f"Init timed out after {INIT_SECONDS:g} seconds")) from None
        except (_Exited, OSError):
            how = self._how_it_ended()
            raise InitFailed(_document("Runtime.ExitError", f"Runtime exited {how}\n{self._process.tail()}")) from None
        if first.target == f"{ROOT}init/error":
            self._talk().send(ACCEPTED)
            raise InitFailed(first.body)

    def _outcome(self, request_id: str, answer: Message) -> Outcome:
        if len(answer.body) > MAX_RESPONSE:
            self._reply(REFUSED)
            said = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."
            return Outcome(request_id, _document("Function.ResponseSizeTooLarge", said), is_error=True)
        self._reply(ACCEPTED)
        return Outcome(request_id, answer.body, is_error=answer.target.endswith("/error"))

    def _reply(self, data: bytes) -> None:
        try:
            self._talk().send(data)
        except (_Exited, OSError):
            self._process.stop(grace=0)

    def _invocation(self, request_id: str, event: bytes) -> bytes:
        deadline = int((time.time() + self._configuration.timeout) * 1000)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": self._configuration.arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{deadline // 1000:08x}-{request_id.replace('-', '')[:24]};Sampled=0",
        }
        return response("200 OK", headers, event)

    def _receive(self, deadline: float) -> Message:
        """The process's next request. Raises _Exited or TimeoutError."""
        while True:
            connection = self._connection or self._accept(deadline)
            try:
                message = connection.receive(max(deadline - time.monotonic(), 0.001))
            except BadMessage as error:
                raise _Exited from error
            if message is not None:
                return message
            connection.close()
            self._connection = None

    def _accept(self, deadline: float) -> Connection:
        self._listener.settimeout(LOOK)
        while True:
            try:
                accepted, _ = self._listener.accept()
            except TimeoutError:
                if not self.is_alive():
                    raise _Exited from None
                if time.monotonic() >= deadline:
                    raise
            else:
                self._connection = Connection(accepted)
                return self._connection

    def _talk(self) -> Connection:
        if self._connection is None:
            raise _Exited
        return self._connection

    def _how_it_ended(self) -> str:
        deadline = time.monotonic() + 1
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        self._process.stop(grace=0)
        status = self._process.poll() or 0
        return f"with error: exit status {status}" if status >= 0 else f"with error: signal: {-status}"


def _error(request_id: str, kind: str, message: str) -> Outcome:
    return Outcome(request_id, _document(kind, f"RequestId: {request_id} {message}"), is_error=True)


def _document(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
