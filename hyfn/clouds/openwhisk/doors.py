"""The public sides of an action on this machine: what a request becomes, and what an activation's result becomes.

From docs/{reference,rest_api,webactions}.md, controller/{Actions,Triggers,WebActions}.scala and
http/ErrorResponse.scala of apache/openwhisk; the one of IBM from
https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-exchanging-data and codeengine-fun-work. Not here:
OpenWhisk's check of a key, CORS, and content extensions other than .http.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from hyfn.clouds.openwhisk.container import (
    APPLICATION_ERROR,
    DEVELOPER_ERROR,
    SUCCESS,
    Action,
    Activation,
    new_id,
    parsed,
)
from hyfn.clouds.openwhisk.emit import WAIT
from hyfn.clouds.openwhisk.pack import MAX_PAYLOAD

JSON = "application/json"
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
METHODS = frozenset(("GET", "DELETE", "POST", "PUT", "HEAD", "OPTIONS", "PATCH"))
"""Those of a web action (allowedOperations)."""
NOT_FOUND = "The requested resource does not exist."


@dataclass(frozen=True, slots=True)
class Request:
    """Header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()


class Refused(Exception):
    """A request that starts nothing."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.body)
        self.response = response


@dataclass(frozen=True, slots=True)
class Asked:
    """An activation that is asked for. `is_blocking`: the caller waits for it."""

    params: bytes
    is_blocking: bool = True
    wants_record: bool = False


class Door(Protocol):
    def asked(self, request: Request, action: Action) -> Asked | None:
        """What `request` asks for, or None where it is at another door. Raises Refused."""
        ...

    def response(self, action: Action, asked: Asked, activation: Activation) -> Response: ...

    def accepted(self, activation_id: str) -> Response:
        """Nobody waits, or no longer."""
        ...


class Api:
    """POST /api/v1/namespaces/NS/actions/[PACKAGE/]NAME, with blocking=true and result=true for the result alone."""

    def asked(self, request: Request, action: Action) -> Asked | None:
        if not request.path.startswith("/api/v1/namespaces/"):
            return None
        namespace, _, rest = unquote(request.path.removeprefix("/api/v1/namespaces/")).partition("/")
        if namespace not in ("_", action.namespace) or rest != f"actions/{action.local}":
            raise refused(404, NOT_FOUND)
        if request.method != "POST":
            raise refused(405, f"HTTP method not allowed: {request.method}")
        _check_size(request)
        flags = dict(parse_qsl(request.query))
        wants_record = flags.get("result") != "true"
        return Asked(_object(request), flags.get("blocking") == "true", wants_record)

    def response(self, action: Action, asked: Asked, activation: Activation) -> Response:
        status = 200 if activation.status == SUCCESS else 502
        body = _record(action, activation) if asked.wants_record else activation.result
        return Response(status, JSON, body)

    def accepted(self, activation_id: str) -> Response:
        return Response(202, JSON, json.dumps({"activationId": activation_id}).encode())


class Triggers:
    """POST /api/v1/namespaces/NS/triggers/NAME, for triggers whose rules lead to the action.

    It tells the activation's id and no more, but to those who ask with hyfn's own header to wait. The trigger's
    activation and the action's have the same id here.
    """

    def __init__(self, fixed: Mapping[str, Mapping[str, Any]]) -> None:
        """`fixed` are the triggers' own parameters, by their names."""
        self._fixed = fixed

    def asked(self, request: Request, action: Action) -> Asked | None:
        namespace, _, name = unquote(request.path.removeprefix("/api/v1/namespaces/")).partition("/triggers/")
        if not request.path.startswith("/api/v1/namespaces/") or not name:
            return None
        if namespace not in ("_", action.namespace) or name not in self._fixed:
            raise refused(404, NOT_FOUND)
        if request.method != "POST":
            raise refused(405, f"HTTP method not allowed: {request.method}")
        _check_size(request)
        params = {**self._fixed[name], **json.loads(_object(request))}
        return Asked(json.dumps(params).encode(), WAIT.lower() in request.headers)

    def response(self, action: Action, asked: Asked, activation: Activation) -> Response:  # noqa: ARG002
        records = [json.loads(_record(action, activation))]
        body = json.dumps({"activationId": activation.id, "activations": records}, ensure_ascii=False)
        return Response(200, JSON, body.encode())

    def accepted(self, activation_id: str) -> Response:
        return Response(202, JSON, json.dumps({"activationId": activation_id}).encode())


class RawWebAction:
    """Any method at /api/v1/web/NS/PACKAGE/NAME[.http][/PATH], for an action with web=True."""

    def __init__(self, is_web: bool) -> None:
        self._is_web = is_web

    def asked(self, request: Request, action: Action) -> Asked | None:
        if not request.path.startswith("/api/v1/web/"):
            return None
        parts = request.path.split("/")[4:]
        namespace, package, name = ([unquote(part) for part in parts] + ["", "", ""])[:3]
        wanted = (action.namespace, action.package or "default", action.name)
        if not self._is_web or (namespace, package, name.removesuffix(".http")) != wanted:
            raise refused(404, NOT_FOUND)
        if request.method not in METHODS:
            said = error(405, f"HTTP method not allowed: {request.method}")
            raise Refused(replace(said, headers={"Allow": ", ".join(sorted(METHODS))}))
        _check_size(request)
        params: dict[str, Any] = {
            "__ow_method": request.method.lower(),
            "__ow_headers": dict(request.headers),
            "__ow_path": "".join(f"/{part}" for part in parts[3:]),
            "__ow_query": request.query,
        }
        if request.body:
            params["__ow_body"] = _encoded(request)
        return Asked(json.dumps(params).encode())

    def response(self, action: Action, asked: Asked, activation: Activation) -> Response:  # noqa: ARG002
        if activation.status == DEVELOPER_ERROR:
            return error(400, "There was an error processing your request.")
        result = json.loads(activation.result)
        if activation.status == APPLICATION_ERROR:
            result = result["error"]
        return http_response(result, "text/html", is_action=True) or error(400, "Response is not valid 'message/http'.")

    def accepted(self, activation_id: str) -> Response:  # noqa: ARG002
        return error(202, "Response not yet ready.")


class CodeEngineUrl:
    """Any request: a function of IBM's Code Engine has a host of its own."""

    def asked(self, request: Request, action: Action) -> Asked | None:  # noqa: ARG002
        is_json = request.headers.get("content-type", JSON).partition(";")[0].strip().lower() == JSON
        params = json.loads(_object(request)) if is_json and request.body else {}
        if any(name.startswith("__ce_") for name in params):
            raise refused(400, "Reserved parameters cannot be set.")
        params |= {name: value for name, value in parse_qsl(request.query) if name not in params}
        params["__ce_method"] = request.method
        params["__ce_headers"] = {name.title(): value for name, value in request.headers.items()}
        params["__ce_path"], params["__ce_query"] = request.path, request.query
        if request.body:
            params["__ce_body"] = _encoded(request)
        return Asked(json.dumps(params).encode())

    def response(self, action: Action, asked: Asked, activation: Activation) -> Response:  # noqa: ARG002
        """What Code Engine answers where the function failed is not documented, but for 299 where it took too long."""
        result = json.loads(activation.result)
        if activation.status == SUCCESS:
            return http_response(result, "text/plain") or error(422, "Invalid function code cannot be processed")
        said = str(result["error"])
        return error(299 if "exceeded its time limits" in said else 500, said)

    def accepted(self, activation_id: str) -> Response:
        return Response(202, JSON, json.dumps({"activationId": activation_id}).encode())


def http_response(result: Any, default_type: str, is_action: bool = False) -> Response | None:
    """The response that an action describes by statusCode, headers and body, or None where it describes none."""
    try:
        given = {str(name).lower(): value for name, value in result.get("headers", {}).items()}
        cookies = [_text(value) for value in _each(given.pop("set-cookie", []))]
        fields = {name: ", ".join(map(_text, _each(value))) for name, value in given.items()}
        status, body = result.get("statusCode"), result.get("body")
        if body in (None, ""):
            return Response(int(status or 204), "", b"", _but_type(fields), cookies)
        kind = fields.get("content-type", JSON if isinstance(body, dict | list) else default_type)
        if isinstance(body, str):
            content = b64decode(body, validate=True) if _is_encoded(kind, body, is_action) else body.encode()
        else:
            content = json.dumps(body, ensure_ascii=False).encode()
        return Response(int(status or 200), kind, content, _but_type(fields), cookies)
    except (AttributeError, TypeError, ValueError, Error):
        return None


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _is_encoded(kind: str, body: str, is_action: bool) -> bool:
    """Of the JSON family OpenWhisk decodes what looks like base64 (Exec.isBinaryCode)."""
    media = kind.partition(";")[0].strip().lower()
    is_json = media == JSON or media.endswith("+json")
    return _is_binary(kind) or (is_action and is_json and BASE64.fullmatch(body) is not None and len(body) % 4 == 0)


def refused(status: int, said: str) -> Refused:
    return Refused(error(status, said))


def error(status: int, said: str) -> Response:
    return Response(status, JSON, json.dumps({"error": said, "code": new_id()}).encode())


def _object(request: Request) -> bytes:
    """The body, a JSON object. An empty one stands for no parameters."""
    if not request.body:
        return b"{}"
    if request.headers.get("content-type", JSON).partition(";")[0].strip().lower() != JSON:
        raise refused(415, f"The request's Content-Type is not supported. Expected: {JSON}")
    try:
        document = parsed(request.body)
    except ValueError as malformed:
        raise refused(400, f"The request content was malformed: {malformed}") from malformed
    if not isinstance(document, dict):
        raise refused(400, "The request content was malformed: Object expected")
    return request.body


def _check_size(request: Request) -> None:
    if len(request.body) > MAX_PAYLOAD:
        raise refused(413, f"Request larger than allowed: {len(request.body)} > {MAX_PAYLOAD} bytes.")


def _encoded(request: Request) -> str:
    kind = request.headers.get("content-type", "application/octet-stream")
    is_base64 = _is_binary(kind) or kind.partition(";")[0].strip().lower() == JSON
    return b64encode(request.body).decode() if is_base64 else request.body.decode("utf-8", "replace")


def _is_binary(kind: str) -> bool:
    """As akka-http has it: what is not known as text and names no charset."""
    media, _, parameters = kind.lower().partition(";")
    media = media.strip()
    text = ("application/json", "application/xml", "application/javascript", "application/x-www-form-urlencoded")
    return not (
        media.startswith("text/") or media in text or media.endswith(("+json", "+xml")) or "charset=" in parameters
    )


def _record(action: Action, activation: Activation) -> bytes:
    """The activation record, without the logs: those are in the container's."""
    response = {
        "status": activation.status,
        "success": activation.status == SUCCESS,
        "result": json.loads(activation.result),
    }
    record = {
        "activationId": activation.id,
        "namespace": action.namespace,
        "name": action.name,
        "start": activation.start,
        "end": activation.end,
        "duration": activation.end - activation.start,
        "response": response,
        "logs": [],
    }
    return json.dumps(record, ensure_ascii=False).encode()


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise TypeError("a header's value is a string, a number or a boolean")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not text.isprintable():
        raise ValueError("a control character in a header")
    return text


def _but_type(fields: Mapping[str, str]) -> dict[str, str]:
    """Without those that the server says itself."""
    own = ("content-type", "content-length", "transfer-encoding", "connection")
    return {name: value for name, value in fields.items() if name not in own}
