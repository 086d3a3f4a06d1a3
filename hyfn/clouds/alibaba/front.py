"""Function Compute's public side on one loopback port: InvokeFunction, and the HTTP trigger at every other path.

Written from https://www.alibabacloud.com/help/en/functioncompute/fc/web-functions (what is passed on, and how) and
https://www.alibabacloud.com/help/en/functioncompute/fc/context-and-log-format-1 (the headers that are added). Nobody's
signature is looked at.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from hyfn.clouds.alibaba.instances import Exited, Instance, Late, Response
from hyfn.errors import HyfnError
from hyfn.toolchain.fleet import Fleet
from hyfn.toolchain.http1 import Connection, Message, Server, response

API = "/2023-03-30/functions/"
UNHANDLED = "UnhandledInvocationError"
MAX_BODY = 32 * 1024 * 1024
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 412: "Precondition Failed", 429: "Too Many Requests"}
NOT_PASSED_ON = {
    "connection",
    "content-length",
    "date",
    "host",
    "keep-alive",
    "server",
    "set-cookie",
    "transfer-encoding",
}
"""Cookies go by themselves: there may be several."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What Function Compute knows of a function. `timeout` in seconds, `memory` in MB."""

    name: str
    region: str
    account: str
    handler: str
    memory: int
    timeout: float


class Front:
    """Answers from the moment it is made."""

    def __init__(self, configuration: Configuration, instances: Fleet[Instance], port: int = 0) -> None:
        self._configuration = configuration
        self._instances = instances
        self._server = Server(self._answer, port)
        self.port = self._server.port

    def stop(self) -> None:
        """Close every socket. Safe to repeat."""
        self._server.stop()

    def _answer(self, connection: Connection, message: Message) -> None:
        door: type[_Invoke] | type[_Trigger] = _Invoke if message.target.startswith("/2023-03-30/") else _Trigger
        request_id = str(uuid.uuid4())
        refusal = _too_large(message, request_id) or door.refusal(message, self._configuration, request_id)
        connection.send(refusal or self._run(door, message, request_id))

    def _run(self, door: type[_Invoke] | type[_Trigger], message: Message, request_id: str) -> bytes:
        try:
            instance = self._instances.take()
        except HyfnError as error:
            return _error(412, "FunctionNotStarted", str(error), request_id)
        if instance is None:
            return _error(429, "ResourceThrottled", "the instances of the function are all busy", request_id)
        try:
            return door.response(self._send(instance, door, message, request_id), request_id)
        except Late:
            said = f"Function timed out after {self._configuration.timeout:g} seconds"
            return door.failure(said, request_id)
        except Exited:
            return door.failure("Process exited unexpectedly before completing request", request_id)
        finally:
            self._instances.release(instance)

    def _send(
        self, instance: Instance, door: type[_Invoke] | type[_Trigger], message: Message, request_id: str
    ) -> Response:
        method, target, headers = door.request(message)
        common = _common(self._configuration, request_id)
        return instance.send(
            method, target, {**headers, **common, "x-fc-control-path": door.CONTROL_PATH}, message.body
        )


class _Invoke:
    """POST /2023-03-30/functions/NAME/invocations: only the body goes in, and only the body comes out."""

    CONTROL_PATH = "/invoke"

    @staticmethod
    def refusal(message: Message, configuration: Configuration, request_id: str) -> bytes:
        """That of a request which is not passed on, or b""."""
        name, _, rest = message.target.removeprefix(API).partition("?")[0].partition("/")
        if message.method != "POST" or rest != "invocations":
            return _error(400, "PathNotSupported", f"{message.target} is not supported", request_id)
        if unquote(name) != configuration.name:
            return _error(404, "FunctionNotFound", f"function '{unquote(name)}' does not exist", request_id)
        if message.headers.get("x-fc-invocation-type", "Sync") != "Sync":
            return _error(400, "InvalidArgument", "asynchronous invocations are not served on this machine", request_id)
        return b""

    @staticmethod
    def request(message: Message) -> tuple[str, str, Mapping[str, str]]:  # noqa: ARG004
        return "POST", "/invoke", {"Content-Type": "application/octet-stream"}

    @staticmethod
    def response(got: Response, request_id: str) -> bytes:
        """x-fc-status says whether it failed; where it is not there, it did not."""
        headers = {"Content-Type": "application/octet-stream", "X-Fc-Request-Id": request_id}
        status = {name.lower(): value for name, value in got.headers.items()}.get("x-fc-status", "200")
        failed = {"X-Fc-Error-Type": UNHANDLED} if status != "200" else {}
        return response("200 OK", {**headers, **failed}, got.body)

    @staticmethod
    def failure(said: str, request_id: str) -> bytes:
        """A function's error comes with 200 and a header (https://www.alibabacloud.com/help/doc-detail/191156.htm)."""
        return _failure("200 OK", said, request_id)


class _Trigger:
    """Any request goes in as it came, and any response comes out."""

    CONTROL_PATH = "/http-invoke"

    @staticmethod
    def refusal(message: Message, configuration: Configuration, request_id: str) -> bytes:  # noqa: ARG004
        return b""

    @staticmethod
    def request(message: Message) -> tuple[str, str, Mapping[str, str]]:
        return message.method, message.target, _passed_on(message.headers)

    @staticmethod
    def response(got: Response, request_id: str) -> bytes:
        headers = {**_passed_on(got.headers), "X-Fc-Request-Id": request_id}
        return response(f"{got.status} ", headers, got.body, got.cookies)

    @staticmethod
    def failure(said: str, request_id: str) -> bytes:
        """https://www.alibabacloud.com/help/doc-detail/85445.htm"""
        return _failure("502 Bad Gateway", said, request_id)


def _too_large(message: Message, request_id: str) -> bytes:
    if len(message.body) <= MAX_BODY:
        return b""
    said = f"payload size exceeds maximum allowed size ({MAX_BODY} bytes)"
    return _error(400, "EntityTooLarge", said, request_id)


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in NOT_PASSED_ON and not name.lower().startswith("x-fc-")
    }


def _common(configuration: Configuration, request_id: str) -> dict[str, str]:
    return {
        "x-fc-account-id": configuration.account,
        "x-fc-function-handler": configuration.handler,
        "x-fc-function-memory": str(configuration.memory),
        "x-fc-function-name": configuration.name,
        "x-fc-qualifier": "LATEST",
        "x-fc-region": configuration.region,
        "x-fc-request-id": request_id,
    }


def _failure(status: str, said: str, request_id: str) -> bytes:
    headers = {
        "Content-Type": "application/json",
        "X-Fc-Error-Type": UNHANDLED,
        "X-Fc-Request-Id": request_id,
    }
    return response(status, headers, json.dumps({"errorMessage": said}).encode())


def _error(status: int, code: str, said: str, request_id: str) -> bytes:
    headers = {"Content-Type": "application/json", "X-Fc-Request-Id": request_id}
    body = json.dumps({"RequestId": request_id, "Code": code, "Message": said}).encode()
    return response(f"{status} {REASONS[status]}", headers, body)
