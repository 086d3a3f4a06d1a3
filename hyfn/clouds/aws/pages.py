"""Plain HTTP in Lambda's events: of a function URL, and of API Gateway's HTTP and REST APIs.

Payload format 2.0 is a function URL's and an HTTP API's, 1.0 an HTTP API's and, without its version, a REST API's
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html,
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html). Function URLs and REST APIs give paths as they were
sent, HTTP APIs give them decoded, in both formats (seen in captures: github.com/hotsock/voker, pull request 8).
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64

from hyfn.errors import CallError, Malformed
from hyfn.host import urls, web
from hyfn.request import Request, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from hyfn.host.run import Runner

MARGIN = 0.5
"""Seconds before Lambda ends a call by which a function that waits is told to give up, so that there is an answer."""
TEXT = ("text/", "application/json", "application/problem+json", "application/xml", "application/javascript")


class Pages:
    """Answers events that are plain HTTP requests."""

    def __init__(self, runner: Runner) -> None:
        self._web = web.Web(runner)

    def start(self) -> None:
        self._web.start()

    def answer(self, event: Any, context: Any) -> dict[str, Any]:
        """The response in the form of the payload that `event` has. Never raises."""
        try:
            request, root = _request(event)
        except CallError as error:
            return _response(event, "", web.refusal(error))
        left: float = context.get_remaining_time_in_millis() / 1000
        return _response(event, request.method, self._web.answer(request, max(left - MARGIN, MARGIN), root))


def _request(event: Any) -> tuple[Request, str]:
    """The request, and what API Gateway has in front of its path: a stage that is not $default. Raises Malformed."""
    try:
        return _of_2(event) if "http" in event["requestContext"] else _of_1(event)
    except (AttributeError, KeyError, TypeError, ValueError, Error) as error:
        raise Malformed("not an event of plain HTTP") from error


def _of_2(event: Any) -> tuple[Request, str]:
    context = event["requestContext"]
    path, stage = event["rawPath"], context.get("stage", "$default")
    root = f"/{stage}" if path == f"/{stage}" or path.startswith(f"/{stage}/") else ""
    path = path.removeprefix(root) or "/"
    if ".lambda-url." in context["domainName"]:
        path = urls.unquoted(path)
    headers = {name.lower(): value for name, value in event["headers"].items()}
    if event.get("cookies"):
        headers["cookie"] = "; ".join(event["cookies"])
    query = event.get("rawQueryString") or ""
    return Request(context["http"]["method"], path, query, headers, _body(event)), root


def _of_1(event: Any) -> tuple[Request, str]:
    path, whole = event["path"], event["requestContext"].get("path") or event["path"]
    root = whole.removesuffix(path) if whole.endswith(path) else ""
    if "version" not in event:
        path = urls.unquoted(path)
    headers = {name.lower(): ", ".join(values) for name, values in (event.get("multiValueHeaders") or {}).items()}
    query = "&".join(_fields(event.get("multiValueQueryStringParameters") or {}))
    return Request(event["httpMethod"], path, query, headers, _body(event)), root


def _fields(values: dict[str, list[str]]) -> Iterator[str]:
    """A query again: it comes decoded."""
    for name, each in values.items():
        yield from (f"{urls.form_quoted(name)}={urls.form_quoted(value)}" for value in each)


def _body(event: Any) -> bytes:
    text = event.get("body") or ""
    return a2b_base64(text, strict_mode=True) if event.get("isBase64Encoded") else text.encode()


def _response(event: Any, method: str, response: Response) -> dict[str, Any]:
    """In format 2.0 every body is base64; a REST API decodes it only for content types that it was told of."""
    body = b"" if method == "HEAD" else response.body
    assert isinstance(body, bytes)
    made: dict[str, Any] = {"statusCode": response.status, "isBase64Encoded": True}
    if "httpMethod" not in event:
        cookies = {"cookies": [*response.cookies]} if response.cookies else {}
        return made | {"headers": response.headers, "body": b2a_base64(body, newline=False).decode()} | cookies
    made["multiValueHeaders"] = {name: [value] for name, value in response.headers.items()}
    if response.cookies:
        made["multiValueHeaders"]["set-cookie"] = [*response.cookies]
    if response.headers.get("content-type", "").startswith(TEXT):
        return made | {"body": body.decode("utf-8", "replace"), "isBase64Encoded": False}
    return made | {"body": b2a_base64(body, newline=False).decode()}
