"""Plain HTTP in the parameters of a raw web action, and of a Code Engine function.

OpenWhisk renders path and query percent-encoded again; of bodies it encodes in base64 what is binary or
application/json. Of an action's own text it reads as base64 what is binary, and of the JSON family what looks like
base64, so that all of that family goes as base64; "headers" may have lists (WebActions.scala of apache/openwhisk). Code
Engine's types and encodings are those of
https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-exchanging-data, which does not name problem+json; that it
passes on other types too, and lists of fields, was not tried there.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from os import environ
from time import time

from hyfn.errors import CallError, Malformed
from hyfn.host import urls, web
from hyfn.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hyfn.host.run import Runner
    from hyfn.request import Response

MARGIN = 0.5
"""Seconds before an activation is ended by which a function that waits is told to give up."""
TEXT = ("application/javascript", "application/x-www-form-urlencoded", "application/xml")


class Pages:
    """Answers activations that are plain HTTP requests."""

    def __init__(self, runner: Runner) -> None:
        self._web = web.Web(runner)

    def answer(self, params: dict[str, Any]) -> dict[str, Any]:
        """The response as an action describes it. Never raises."""
        prefix = "__ow_" if "__ow_method" in params else "__ce_"
        is_action = prefix == "__ow_"
        try:
            request = _request(params, prefix)
        except CallError as error:
            return _described(web.refusal(error), is_action)
        return _described(self._web.answer(request, _remaining(), _root() if is_action else ""), is_action)


def _request(params: dict[str, Any], prefix: str) -> Request:
    """Raises Malformed."""
    try:
        method = params[f"{prefix}method"].upper()
        headers = {name.lower(): str(value) for name, value in params[f"{prefix}headers"].items()}
        kind = headers.get("content-type", "application/octet-stream")
        text = params.get(f"{prefix}body") or ""
        is_text = not (_is_binary(kind) or _media(kind) == "application/json")
        body = text.encode() if is_text else a2b_base64(text, strict_mode=True)
        path = urls.unquoted(params[f"{prefix}path"] or "/")
        return Request(method, path, params.get(f"{prefix}query") or "", headers, body)
    except (AttributeError, KeyError, TypeError, ValueError, Error) as error:
        raise Malformed("not the parameters of a request") from error


def _described(response: Response, is_action: bool) -> dict[str, Any]:
    fields: dict[str, Any] = dict(response.headers)
    if response.cookies:
        fields["set-cookie"] = [*response.cookies]
    body = response.body
    assert isinstance(body, bytes)
    kind = fields.get("content-type", "")
    is_base64 = _is_binary(kind) or (is_action and _is_json(kind))
    text = b2a_base64(body, newline=False).decode("ascii") if is_base64 else body.decode("utf-8", "replace")
    return {"statusCode": response.status, "headers": fields, "body": text}


def _is_binary(kind: str) -> bool:
    """As akka-http has it: what is not known as text and names no charset."""
    media = _media(kind)
    is_text = media.startswith("text/") or media in TEXT or media.endswith("+xml") or _is_json(kind)
    return not is_text and "charset=" not in kind.lower()


def _is_json(kind: str) -> bool:
    return _media(kind) == "application/json" or _media(kind).endswith("+json")


def _media(kind: str) -> str:
    return kind.partition(";")[0].strip().lower()


def _remaining() -> float | None:
    """Seconds until the activation must have ended, which its launcher tells in milliseconds since the epoch."""
    try:
        return max(int(environ["__OW_DEADLINE"]) / 1000 - time() - MARGIN, MARGIN)
    except (KeyError, ValueError):
        return None


def _root() -> str:
    """What is in front of a web action's own path; the action's whole name is /NAMESPACE/[PACKAGE/]NAME."""
    parts = environ.get("__OW_ACTION_NAME", "").strip("/").split("/")
    return f"/api/v1/web/{parts[0]}/{parts[1] if len(parts) > 2 else 'default'}/{parts[-1]}"
