"""What OpenWhisk calls: `main`. Four doors lead to it, and each is known by the parameters that it gives.

The API's door (POST .../actions/NAME) gives the JSON of its caller as it is. A raw web action's gives __ow_method,
__ow_headers, __ow_path, __ow_query and __ow_body, as base64 for a binary content type, which one without a charset that
is not text, XML or JSON is (apache/openwhisk: docs/webactions.md, WebActions.scala). A Code Engine function's gives
__ce_method, __ce_headers, __ce_path, __ce_query, __ce_body and each top-level property of a JSON body; the content
types that it knows do not have hyfn's, so that frames come as JSON
(https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-exchanging-data). A trigger's rule gives the JSON of whoever
fired it (hyfn.clouds.openwhisk.on): who may fire one may call the action by the API as well. A Code Engine function is
open to anybody, so that events come to a second one, with HYFN_DOOR=events, and to it nothing else.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from os import environ

from hyfn.errors import CallError, Malformed
from hyfn.host import json_door, load
from hyfn.host.run import runner
from hyfn.wire.carrier import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

WEB = frozenset(("__ow_method", "__ow_headers", "__ow_path", "__ow_user", "__ow_body", "__ow_query"))
FUNCTION = frozenset(("__ce_method", "__ce_headers", "__ce_path", "__ce_body", "__ce_query"))
CALLED = frozenset(("__ow_method", "__ce_method", "hyfn"))
"""One of these is among the parameters of whatever is no event."""


class WebAction:
    """The HTTP carrier in the parameters of a raw web action."""

    def receive(self, params: Any) -> bytes:
        """The frame in them. Raises Malformed or UnsupportedEncoding."""
        from hyfn.host import http

        if not params.keys() <= WEB:
            raise Malformed("a raw web action has no other parameters")
        try:
            method: str = params["__ow_method"].upper()
            content_type: str = params["__ow_headers"].get("content-type", "")
            http.receive(method, content_type, b"")
            return a2b_base64(params.get("__ow_body") or "", strict_mode=True)
        except (AttributeError, KeyError, TypeError, ValueError, Error) as error:
            raise Malformed("not the parameters of a raw web action") from error

    def answer(self, answer: Answer) -> dict[str, Any]:
        """The response that OpenWhisk gives for it. A frame's content type is binary, that of a refusal is not."""
        from hyfn.host import http

        status, kind, body = http.answer(answer)
        text = b2a_base64(body, newline=False) if answer.frame else body
        return {"statusCode": status, "headers": {"content-type": kind}, "body": text.decode("ascii")}


class FunctionUrl:
    """The JSON-only carrier in the parameters of a Code Engine function."""

    def receive(self, params: Any) -> bytes:
        """The frame in them. Raises Malformed."""
        if params["__ce_method"] != "POST":
            raise Malformed("only POST carries a call")
        return json_door.receive({name: value for name, value in params.items() if name not in FUNCTION})

    def answer(self, answer: Answer) -> dict[str, Any]:
        return {
            "statusCode": 200,
            "headers": {"Content-Type": "application/json"},
            "body": json_door.answer(answer),
        }


invoke: ModuleType = json_door
"""The host of the API's door: {"hyfn": "<base64url frame>"} and nothing else."""
web = WebAction()
function_url = FunctionUrl()


def main(params: Any) -> dict[str, Any]:
    """Run the call or the event in `params`, or answer the plain HTTP request. Anything else is refused, and nothing
    runs."""
    if _takes_events(params):
        taken: dict[str, Any] = _on.take(_runner, params)  # type: ignore[union-attr]
        return taken
    host = _door(params)
    try:
        frame = host.receive(params)
    except CallError as error:
        if _pages is not None and host is not invoke:
            shown: dict[str, Any] = _pages.answer(params)
            return shown
        answer = Answer(error.http_status, b"", error.code)
    else:
        answer = _runner.answer(frame)  # type: ignore[union-attr]
    result: dict[str, Any] = host.answer(answer)
    return result


def _door(params: Any) -> Any:
    if isinstance(params, dict) and "__ow_method" in params:
        return web
    if isinstance(params, dict) and "__ce_method" in params:
        return function_url
    return invoke


def _takes_events(params: Any) -> bool:
    if _on is None or _is_for_events:
        return _on is not None
    is_called = isinstance(params, dict) and not params.keys().isdisjoint(CALLED)
    return not is_called


# Made while the container is initialised; there is none where this is no artifact (tests read the hosts).
_document = load.manifest()
_runner = None if _document is None else runner(is_threaded=False)
_on = None if _document is None else load.on(_document)
"""What takes events, None where no function waits for any."""
_takes = None if _document is None else load.pages(_document)
_pages = None if _takes is None else _takes.Pages(_runner)
"""What takes plain HTTP, None where no function does."""
_is_for_events = environ.get("HYFN_DOOR") == "events"
