"""What answers at one path of a host. `/` takes calls; a platform may send them, and other things, to paths of its own.

A door has three methods, each called in many threads at once:

    refused(head)        what can be said before the body is read: a status and the error, or None
    answer(head, body)   the response's status, content type and body, and further lines of its head, each with its
                         line break; runs only where the host has room for a call
    say(answer)          the response to a refusal, by this door or by the host itself (no room, too large a body)
"""

from __future__ import annotations

from hyfn.errors import CallError, Malformed
from hyfn.host import http

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol, TypeAlias

    from hyfn.wire.carrier import Answer
    from hyfn.wire.http1 import RequestHead

    Said: TypeAlias = tuple[int, str, bytes] | tuple[int, str, bytes, str]
    Refusal: TypeAlias = tuple[int, type[CallError]]

    class Carrier(Protocol):
        """How a frame stands in a request and in a response: the module hyfn.host.http, or a platform's own."""

        def receive(self, method: str, content_type: str, body: bytes) -> bytes:
            """The frame. Raises a CallError; by the method and the content type alone where they say enough."""
            ...

        def answer(self, answer: Answer) -> Said: ...

    class Door(Protocol):
        def refused(self, head: RequestHead) -> Refusal | None: ...

        def answer(self, head: RequestHead, body: bytes) -> Said: ...

        def say(self, answer: Answer) -> Said: ...

    Doors: TypeAlias = Mapping[str, Door]


class Frames:
    """Calls, as frames in the bodies of requests."""

    __slots__ = ("_carrier", "_run", "say")

    def __init__(self, run: Callable[[bytes], Answer], carrier: Carrier = http) -> None:
        self._run = run
        self._carrier = carrier
        self.say = carrier.answer

    def refused(self, head: RequestHead) -> Refusal | None:
        if head.method != "POST":
            return 405, Malformed
        try:
            self._carrier.receive(head.method, head.fields.get("content-type", ""), b"")
        except CallError as error:
            return error.http_status, type(error)
        return None

    def answer(self, head: RequestHead, body: bytes) -> Said:  # noqa: ARG002
        return self.say(self._run(body))


class Nothing:
    """Where a platform only wants to hear 200, by any method: a hook of an instance's life that no function needs."""

    __slots__ = ()

    def refused(self, head: RequestHead) -> Refusal | None:  # noqa: ARG002
        return None

    def answer(self, head: RequestHead, body: bytes) -> Said:  # noqa: ARG002
        return 200, "text/plain", b""

    def say(self, answer: Answer) -> Said:
        return http.answer(answer)
