"""Fn's agent for one function: what its server does between a caller and a container.

Statuses and messages as in fn/api/models/error.go, and what leads to them as in fn/api/agent/agent.go of fnproject/fn.
Unlike Fn's it lets a container live whose caller went away, and ends none that is idle.
"""

from __future__ import annotations

import http
import json
import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hyfn.clouds.fn.container import Broken, FnContainer, NotLoaded
from hyfn.errors import MachineError
from hyfn.toolchain.fleet import Fleet
from hyfn.toolchain.http1 import Connection, Message, response

FAILED = {502: "function failed", 504: "Timed out"}
"""What is left of an answer of fdk's that is not 200."""
WRAPPED = "fn-http-h-"
REASONS = {each.value: each.phrase for each in http.HTTPStatus}
OF_A_CONNECTION = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that are not passed on."""


@dataclass(frozen=True, slots=True)
class Invoked:
    """What a server knows of the function: its `path` there, its timeout in seconds, and the most bytes that a request
    and a response may have, 0 for no limit."""

    path: str
    timeout: float
    most: int = 0


@dataclass(frozen=True, slots=True)
class Gateway:
    """Who passes plain HTTP requests on: Fn for the HTTP triggers whose paths, behind `prefix`, are `sources`; or an
    API gateway of Oracle's for every path, where `sources` is None.

    As in fromHTTPTriggerRequest and the writing of responses in fn/api/agent/call.go and agent.go.
    """

    prefix: str
    sources: Collection[str] | None

    def takes(self, message: Message) -> bool:
        path = message.target.partition("?")[0]
        if self.sources is None:
            return True
        return path.startswith(self.prefix) and (path.removeprefix(self.prefix) or "/") in self.sources

    def headers(self, message: Message) -> dict[str, str]:
        """Those of the call that brings `message`."""
        given = {f"fn-http-h-{name}": value for name, value in message.headers.items()}
        url = f"http://{message.headers.get('host', '')}{message.target}"
        about = {"fn-intent": "httprequest", "fn-http-method": message.method, "fn-http-request-url": url}
        kind = message.headers.get("content-type", "")
        return {**given, **about, **({"content-type": kind} if kind else {})}


class Agent:
    """Safe in many threads."""

    def __init__(self, invoked: Invoked, fleet: Fleet[FnContainer], gateway: Gateway | None = None) -> None:
        self._invoked = invoked
        self._fleet = fleet
        self._gateway = gateway

    def answer(self, connection: Connection, message: Message) -> None:
        """Send what Fn would."""
        path = message.target.partition("?")[0]
        if self._gateway is not None and path != self._invoked.path and self._gateway.takes(message):
            passed = Message("POST", self._invoked.path, self._gateway.headers(message), message.body)
            connection.send(self._refusal(passed) or self._invoke(passed, is_gateways=True))
            return
        connection.send(self._refusal(message) or self._invoke(message))

    def _refusal(self, message: Message) -> bytes:
        """Of what Fn passes to no container."""
        invoked = self._invoked
        if message.target.partition("?")[0] != invoked.path:
            is_alike = message.target.startswith(invoked.path[: invoked.path.index("/", 1)])
            return _said(404, "Fn not found" if is_alike else "Path not found")
        if message.method != "POST":
            return _said(405, "Method not allowed")
        if invoked.most and len(message.body) > invoked.most:
            return _said(413, "Request content too large")
        return b""

    def _invoke(self, message: Message, is_gateways: bool = False) -> bytes:
        try:
            with self._fleet.lent() as container:
                return (
                    _said(503, "Timed out - server too busy")
                    if container is None
                    else self._call(container, message, is_gateways)
                )
        except (NotLoaded, MachineError):
            return _said(502, "Container failed to initialize, please ensure you are using the latest fdk")

    def _call(self, container: FnContainer, message: Message, is_gateways: bool) -> bytes:
        known = {"fn-call-id": uuid.uuid4().hex}
        try:
            answered = container.call({**_passed_on(message.headers), **known}, message.body, self._invoked.timeout)
        except TimeoutError:
            return _said(504, "Timed out")
        except Broken:
            return _said(502, "error receiving function response")
        if answered.status in FAILED:
            return _said(answered.status, FAILED[answered.status])
        if answered.status != 200:
            container.stop()
            return _said(502, "invalid function response")
        if self._invoked.most and len(answered.body) > self._invoked.most:
            return _said(502, "function response body too large")
        if is_gateways:
            return _unwrapped(answered.headers, answered.body)
        return response("200 OK", {**_passed_on(answered.headers), **known}, answered.body)


def _unwrapped(headers: Mapping[str, str], body: bytes) -> bytes:
    """The response that is in the headers of a call's answer."""
    status = int(headers.get("fn-http-status", "200"))
    fields = {name.removeprefix(WRAPPED): value for name, value in headers.items() if name.startswith(WRAPPED)}
    # Values of one name were joined when they were read, and a cookie's own commas stand in its date alone.
    cookies = re.split(r", (?=[^ ;,=]+=)", fields.pop("set-cookie")) if "set-cookie" in fields else []
    kind = {"content-type": headers["content-type"]} if body and "content-type" in headers else {}
    return response(f"{status} {REASONS.get(status, '')}", {**_passed_on(fields), **kind}, body, cookies)


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OF_A_CONNECTION}


def _said(status: int, message: str) -> bytes:
    body = json.dumps({"message": message}).encode()
    return response(f"{status} {http.HTTPStatus(status).phrase}", {"Content-Type": "application/json"}, body)
