"""Plain HTTP as a gateway hands it to fdk: of Fn itself an HTTP trigger, of Oracle Functions an API gateway.

The gateway's request is in headers of the call (Fn-Intent: httprequest, Fn-Http-Method, Fn-Http-Request-Url,
Fn-Http-H-*), and so is the response (https://github.com/fnproject/docs, fn/develop/fn-format.md).
"""

from __future__ import annotations

from os import environ
from time import time

from hyfn.errors import CallError
from hyfn.host import urls, web
from hyfn.request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hyfn.host.run import Runner
    from hyfn.request import Response

MARGIN = 0.5
"""Seconds before Fn ends a call by which a function that waits is told to give up."""
AGAIN = "\r\nfn-http-h-set-cookie: "
"""Between two cookies: fdk's headers are a dict, whose values it writes as they are. Neither has a line break."""


class Pages:
    """Answers what a gateway passes on."""

    def __init__(self, runner: Runner) -> None:
        self._web = web.Web(runner)

    def answer(self, ctx: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body. Never raises."""
        try:
            request, root = _request(ctx, body)
        except CallError as error:
            return _said("GET", web.refusal(error))
        return _said(request.method, self._web.answer(request, _remaining(ctx), root))


def _request(ctx: Any, body: bytes) -> tuple[Request, str]:
    """The request, and what Fn has in front of its path. Raises Malformed."""
    target = ctx.RequestURL() or "/"
    if "://" in target:
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("?")
    root = f"/t/{environ.get('FN_APP_NAME', '')}"
    root = root if path == root or path.startswith(f"{root}/") else ""
    headers = {name.lower(): _one(value) for name, value in ctx.HTTPHeaders().items()}
    headers.setdefault("content-type", _one(ctx.Headers().get("content-type", "")))
    plain = urls.unquoted(path.removeprefix(root) or "/")
    return Request(ctx.Method() or "POST", plain, query, headers, body), root


def _one(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _said(method: str, response: Response) -> tuple[int, dict[str, str], bytes]:
    headers = dict(response.headers)
    if response.cookies:
        headers["set-cookie"] = AGAIN.join(response.cookies)
    body = b"" if method == "HEAD" else response.body
    assert isinstance(body, bytes)
    return response.status, headers, body


def _remaining(ctx: Any) -> float:
    from datetime import datetime

    return max(datetime.fromisoformat(ctx.Deadline()).timestamp() - time() - MARGIN, MARGIN)
