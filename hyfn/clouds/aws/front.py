"""Lambda's public side on one loopback port: the Invoke API, and the function URL at every other path."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from typing import Any

from hyfn.clouds.aws.runtime_api import Configuration, Environment, InitFailed, Outcome
from hyfn.toolchain.fleet import Fleet
from hyfn.toolchain.http1 import Connection, Message, Server, response

API = "/2015-03-31/functions/"
MAX_EVENT = 6_291_456
JSON = {"Content-Type": "application/json"}
TEXT_PLAIN = {"Content-Type": "text/plain"}
TEXT = ("text/", "application/json", "application/xml", "application/javascript")
"""Content types whose bodies a function URL hands over as text; all others as base64."""


class Front:
    """Answers from the moment it is made."""

    def __init__(self, configuration: Configuration, fleet: Fleet[Environment], port: int = 0) -> None:
        self._configuration = configuration
        self._fleet = fleet
        self._server = Server(self._answer, port)
        self.port = self._server.port

    def stop(self) -> None:
        """Close every socket. Safe to repeat."""
        self._server.stop()

    def _answer(self, connection: Connection, message: Message) -> None:
        door = _Invoke if message.target.startswith("/2015-03-31/") else _Url
        event, refusal = door.event(message, self._configuration)
        if refusal:
            connection.send(refusal)
            return
        try:
            environment = self._fleet.take()
        except InitFailed as error:
            connection.send(door.response(Outcome("", error.payload, is_error=True)))
            return
        if environment is None:
            connection.send(door.throttled())
            return
        try:
            connection.send(door.response(environment.invoke(event)))
            environment.settle()
        finally:
            self._fleet.release(environment)


class _Invoke:
    """POST /2015-03-31/functions/NAME/invocations: the event is the body."""

    @staticmethod
    def event(message: Message, configuration: Configuration) -> tuple[bytes, bytes]:
        """The event, or the refusal of a request that Lambda would not pass on."""
        name, _, rest = message.target.removeprefix(API).partition("?")[0].partition("/")
        if message.method != "POST" or rest != "invocations":
            return b"", _refusal("404 Not Found", "UnknownOperationException", "")
        if name.partition(":")[0] != configuration.name:
            said = f"Function not found: {configuration.arn.rpartition(':')[0]}:{name}"
            return b"", _refusal("404 Not Found", "ResourceNotFoundException", said)
        if len(message.body) > MAX_EVENT:
            said = f"Request must be smaller than {MAX_EVENT} bytes for the InvokeFunction operation"
            return b"", _refusal("413 Request Entity Too Large", "RequestTooLargeException", said)
        try:
            json.loads(message.body or b"{}")
        except ValueError as error:
            said = f"Could not parse request body into json: {error}"
            return b"", _refusal("400 Bad Request", "InvalidRequestContentException", said)
        return message.body or b"{}", b""

    @staticmethod
    def response(outcome: Outcome) -> bytes:
        headers = {**JSON, "x-amzn-RequestId": outcome.request_id, "X-Amz-Executed-Version": "$LATEST"}
        if outcome.is_error:
            headers["X-Amz-Function-Error"] = "Unhandled"
        return response("200 OK", headers, outcome.payload)

    @staticmethod
    def throttled() -> bytes:
        return _refusal("429 Too Many Requests", "TooManyRequestsException", "Rate Exceeded.")


class _Url:
    """Any request: the event describes it, and the function's result describes the response."""

    @staticmethod
    def event(message: Message, configuration: Configuration) -> tuple[bytes, bytes]:
        """The event in payload format 2.0, or the refusal of a request that is too large for one."""
        event = json.dumps(_url_event(message, configuration)).encode()
        if len(event) > MAX_EVENT:
            return b"", response("413 Request Entity Too Large", JSON, b'{"Message":"Request Entity Too Large"}')
        return event, b""

    @staticmethod
    def response(outcome: Outcome) -> bytes:
        if outcome.is_error:
            return response("502 Bad Gateway", TEXT_PLAIN, b"Internal Server Error")
        result = json.loads(outcome.payload)
        if not isinstance(result, dict) or "statusCode" not in result:
            return response("200 OK", JSON, outcome.payload)
        body = str(result.get("body", ""))
        content = b64decode(body) if result.get("isBase64Encoded") else body.encode()
        headers = {"Content-Type": "application/json", **_titled(result.get("headers", {}))}
        return response(f"{int(result['statusCode'])} ", headers, content, result.get("cookies") or ())

    @staticmethod
    def throttled() -> bytes:
        return response("429 Too Many Requests", JSON, b'{"Message":"Rate Exceeded."}')


def _url_event(message: Message, configuration: Configuration) -> dict[str, Any]:
    path, _, query = message.target.partition("?")
    kind = message.headers.get("content-type", "text/plain")
    is_text = kind.startswith(TEXT)
    now = time.time()
    headers = dict(message.headers)
    cookies = {"cookies": headers.pop("cookie").split("; ")} if "cookie" in headers else {}
    return cookies | {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": configuration.name,
            "domainName": f"{configuration.name}.lambda-url.{configuration.arn.split(':')[3]}.on.aws",
            "domainPrefix": configuration.name,
            "http": {
                "method": message.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": message.headers.get("user-agent", ""),
            },
            "requestId": message.headers.get("x-amzn-requestid", ""),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "body": message.body.decode("utf-8", "replace") if is_text else b64encode(message.body).decode(),
        "isBase64Encoded": not is_text,
    }


def _titled(headers: dict[str, Any]) -> dict[str, str]:
    return {name.title(): str(value) for name, value in headers.items()}


def _refusal(status: str, kind: str, said: str) -> bytes:
    body = json.dumps({"Type": "User", "Message": said}).encode()
    return response(status, {**JSON, "x-amzn-ErrorType": kind}, body)
