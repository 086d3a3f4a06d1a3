"""The door of a container for plain HTTP requests of anybody. See hyfn.host.door and hyfn.host.web."""

from __future__ import annotations

from hyfn.errors import CallError
from hyfn.host import urls, web
from hyfn.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hyfn.host.door import Refusal, Said
    from hyfn.host.web import Web
    from hyfn.request import Response
    from hyfn.wire.carrier import Answer
    from hyfn.wire.http1 import RequestHead


class Pages:
    """Never raises: what cannot be answered is told by a problem document."""

    __slots__ = ("_web",)

    def __init__(self, answers: Web) -> None:
        self._web = answers

    def refused(self, head: RequestHead) -> Refusal | None:  # noqa: ARG002
        return None

    def answer(self, head: RequestHead, body: bytes) -> Said:
        path, _, query = head.target.partition("?")
        try:
            request = Request(head.method, urls.unquoted(path), query, head.fields, body)
        except CallError as error:
            return said(web.refusal(error))
        return said(self._web.answer(request))

    def say(self, answer: Answer) -> Said:
        return said(web.problem(answer.status))


def said(response: Response) -> Said:
    """The response's parts: its fields as lines."""
    headers = dict(response.headers)
    kind = headers.pop("content-type", "")
    fields = [*headers.items(), *(("set-cookie", cookie) for cookie in response.cookies)]
    body = response.body if isinstance(response.body, bytes) else response.body.encode()
    return response.status, kind, body, "".join(f"{name}: {value}\r\n" for name, value in fields)
