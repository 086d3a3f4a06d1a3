"""What AWS Lambda calls: `handler`. Two doors lead to it, the Invoke API and the function URL."""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from os import environ

from hyfn.errors import CallError, Malformed
from hyfn.host import json_door, load
from hyfn.host.run import runner
from hyfn.wire.carrier import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import Any


class FunctionUrl:
    """The HTTP carrier in a function URL's event (payload format 2.0)."""

    def receive(self, event: Any) -> bytes:
        """The frame in it. Raises Malformed or UnsupportedEncoding."""
        from hyfn.host import http

        try:
            method: str = event["requestContext"]["http"]["method"]
            content_type: str = event["headers"].get("content-type", "")
            body = a2b_base64(event.get("body") or "") if event.get("isBase64Encoded") else b""
            return http.receive(method, content_type, body)
        except (AttributeError, KeyError, TypeError, ValueError, Error) as error:
            raise Malformed("not an event of a function URL") from error

    def answer(self, answer: Answer) -> dict[str, Any]:
        """The response that the function URL gives."""
        from hyfn.host import http

        status, kind, body = http.answer(answer)
        return {
            "statusCode": status,
            "headers": {"content-type": kind},
            "body": b2a_base64(body, newline=False).decode("ascii"),
            "isBase64Encoded": True,
        }


invoke: ModuleType = json_door
"""The host of the Invoke API's door: {"hyfn": "<base64url frame>"} and nothing else."""
url = FunctionUrl()


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Run the call in `event`, answer the plain HTTP request in it, or give functions what it tells of. Anything else
    is refused, and nothing runs. Raises what a service of AWS is to hear of."""
    if _on is not None and not (isinstance(event, dict) and event.keys() & _NO_EVENT):
        woken: dict[str, Any] = _on.handle(_runner, event, context)
        return woken
    host: Any = url if isinstance(event, dict) and "requestContext" in event else invoke
    try:
        frame = host.receive(event)
    except CallError as error:
        if _pages is not None and host is url:
            shown: dict[str, Any] = _pages.answer(event, context)
            return shown
        answer = Answer(error.http_status, b"", error.code)
    else:
        answer = _runner.answer(frame)  # type: ignore[union-attr]
    result: dict[str, Any] = host.answer(answer)
    return result


_NO_EVENT = {"hyfn", "requestContext"}
"""What a call has, or a request, and no event of a service."""


def _page(document: Mapping[str, Any]) -> Any:
    """What takes plain HTTP, None where no function does. Applications are made now, while Lambda initialises."""
    pages = load.pages(document)
    if pages is None:
        return None
    made = pages.Pages(_runner)
    if "AWS_LAMBDA_RUNTIME_API" in environ:  # else a build loads the artifact
        made.start()
    return made


# Made while Lambda initialises the environment; there is none where this is no artifact (tests read the two hosts).
_document = load.manifest()
_runner = None if _document is None else runner(is_threaded=False)
_pages = None if _document is None else _page(_document)
_on = None if _document is None else load.on(_document)
