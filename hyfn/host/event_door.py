"""The door of a host that takes only its platform's events, over HTTP. See hyfn.host.door and hyfn.host.events."""

from __future__ import annotations

from hyfn.errors import CallError, Malformed
from hyfn.host import cloudevents, events, http
from hyfn.wire.carrier import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from hyfn.host.door import Refusal, Said
    from hyfn.host.events import Delivery, Outcome
    from hyfn.host.run import Runner
    from hyfn.wire.http1 import RequestHead

    class Translation(Protocol):
        """A cloud's module `on`, where its events come over HTTP."""

        def delivery(self, headers: Mapping[str, str], body: bytes) -> Delivery: ...

        def answer(self, outcome: Outcome) -> Said: ...


class Events:
    """Never raises: what is no event of the platform's is refused, and nothing runs."""

    __slots__ = ("_on", "_runner")

    def __init__(self, runner: Runner, on: Translation) -> None:
        self._runner = runner
        self._on = on

    def refused(self, head: RequestHead) -> Refusal | None:
        return None if head.method == "POST" else (405, Malformed)

    def answer(self, head: RequestHead, body: bytes) -> Said:
        return self.said(head.fields, body)

    def said(self, headers: Mapping[str, str], body: bytes) -> Said:
        """The response to a POST; header names are lower case."""
        try:
            delivery = self._on.delivery(headers, body)
        except CallError as error:
            return self.say(Answer(error.http_status, b"", error.code))
        return self._on.answer(events.deliver(self._runner, delivery))

    async def aanswer(self, headers: Mapping[str, str], body: bytes) -> Said:
        """The same on the running event loop."""
        try:
            delivery = self._on.delivery(headers, body)
        except CallError as error:
            return self.say(Answer(error.http_status, b"", error.code))
        return self._on.answer(await events.adeliver(self._runner, delivery))

    def say(self, answer: Answer) -> Said:
        return http.answer(answer)


def said(outcome: Outcome) -> Said:
    """As CloudEvents' senders understand it: an event that a function returned is the reply; what failed is a 500,
    which is tried again; what does not fit its function, and never will, is a 400, which is not."""
    if outcome.error is not None:
        return _failure(outcome.error)
    for value in outcome.values.values():
        if (reply := cloudevents.reply(value)) is not None:
            return 200, cloudevents.STRUCTURED, reply
    return 200, "text/plain", b""


def _failure(error: Exception) -> Said:
    if isinstance(error, Malformed):
        return 400, "text/plain", error.code.encode()
    return 500, "text/plain", (error.code if isinstance(error, CallError) else "USER_ERROR").encode()
