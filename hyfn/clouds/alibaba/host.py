"""What runs in Function Compute's custom runtime: hyfn's own host, with a door for what InvokeFunction brings."""

from __future__ import annotations

from os import environ

from hyfn.host.door import Frames, Nothing
from hyfn.host.serve import Limits
from hyfn.wire.frame import MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hyfn.host.door import Doors
    from hyfn.host.run import Runner
    from hyfn.wire.carrier import Answer

PORT = 9000
PORT_VARIABLE = "FC_CUSTOM_LISTEN_PORT"
"""https://www.alibabacloud.com/help/en/functioncompute/fc/environment-variables"""
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


def doors(runner: Runner) -> Doors:
    """What Function Compute asks for at paths of its own; an HTTP trigger passes on every other path as it came."""
    hook = Nothing()
    return {"/invoke": Frames(runner.answer, invoke), "/initialize": hook, "/pre-stop": hook}


def main() -> None:
    """Serve the artifact. Listens on every address where the platform says that this is its instance."""
    from hyfn.host import container

    address = "0.0.0.0" if "FC_FUNCTION_NAME" in environ else "127.0.0.1"  # noqa: S104
    container.main(address, PORT_VARIABLE, PORT, doors=doors, limits=Limits(idle_time=IDLE_SECONDS))


if __name__ == "__main__":
    main()
