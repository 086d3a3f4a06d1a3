"""What runs in Function Compute's custom runtime: hyfn's own host, with a door for what InvokeFunction brings.

Its triggers bring events by InvokeFunction too; who may invoke the function may do as they do. An HTTP trigger passes
on requests to any path: what came by it is told by a header that no client can send.
"""

from __future__ import annotations

from os import environ

from hyfn.host import load
from hyfn.host.door import Frames, Nothing
from hyfn.host.serve import Limits
from hyfn.wire.frame import MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from hyfn.host.door import Doors, Refusal, Said
    from hyfn.host.run import Runner
    from hyfn.wire.carrier import Answer
    from hyfn.wire.http1 import RequestHead

PORT = 9000
PORT_VARIABLE = "FC_CUSTOM_LISTEN_PORT"
"""https://www.alibabacloud.com/help/en/functioncompute/fc/environment-variables"""
CONTROL_PATH = "x-fc-control-path"
"""By which path of Function Compute's a request came: /invoke, or /http-invoke of an HTTP trigger
(https://www.alibabacloud.com/help/doc-detail/191342.htm)."""
REMAINING = 60.0
"""Seconds that a function has for an event where its instance is not told of its timeout."""
IDLE_SECONDS = 1800.0
"""How long a connection may rest. Function Compute keeps its own open and asks for 15 minutes at least
(https://www.alibabacloud.com/help/en/functioncompute/fc/principles-1)."""


class Invoke:
    """The body of an invocation is a frame, or nothing that runs.

    Of a response Function Compute passes on the body alone, without its status and headers
    (https://www.alibabacloud.com/help/en/functioncompute/fc/web-functions, API calls): a refusal is told from a frame
    by its first bytes.
    """

    def receive(self, method: str, content_type: str, body: bytes) -> bytes:  # noqa: ARG002
        return body

    def answer(self, answer: Answer) -> tuple[int, str, bytes]:
        """Status, content type and body: a frame, or a refusal's bare code."""
        assert not answer.frame or answer.frame.startswith(MAGIC)
        return 200, "application/octet-stream", answer.frame or answer.code.encode()


invoke = Invoke()


class Invocations:
    """Calls, and what triggers bring to functions that wait for it."""

    __slots__ = ("_frames", "_on", "_runner")

    def __init__(self, runner: Runner, on: ModuleType) -> None:
        self._frames = Frames(runner.answer, invoke)
        self._runner = runner
        self._on = on

    def refused(self, head: RequestHead) -> Refusal | None:
        return self._frames.refused(head)

    def answer(self, head: RequestHead, body: bytes) -> Said:
        if head.fields.get(CONTROL_PATH) != "/invoke" or body.startswith(MAGIC):
            return self._frames.answer(head, body)
        said: Said = self._on.take(self._runner, body, float(environ.get("FC_TIMEOUT") or REMAINING))
        return said

    def say(self, answer: Answer) -> Said:
        return self._frames.say(answer)


def doors(runner: Runner) -> Doors:
    """What Function Compute asks for at paths of its own; an HTTP trigger passes on every other path as it came."""
    hook = Nothing()
    on = load.on(load.manifest() or {})
    invoked = Frames(runner.answer, invoke) if on is None else Invocations(runner, on)
    return {"/invoke": invoked, "/initialize": hook, "/pre-stop": hook}


def main() -> None:
    """Serve the artifact. Listens on every address where the platform says that this is its instance."""
    from hyfn.host import container

    address = "0.0.0.0" if "FC_FUNCTION_NAME" in environ else "127.0.0.1"  # noqa: S104
    container.main(address, PORT_VARIABLE, PORT, doors=doors, limits=Limits(idle_time=IDLE_SECONDS))


if __name__ == "__main__":
    main()
