"""AWS's control plane as boto3 knows it: IAM, Lambda, CloudWatch Logs, tags and STS behind one real HTTP server.

Strict: every request's signature is computed again by botocore, its parameters are held against AWS's own API models,
names against their patterns; what the caller may not do is refused, and so is what a thing's state does not allow.
Functions can be invoked: they run in AWS's own runtime (see behind.py).
"""

from __future__ import annotations

import base64
import copy
import datetime as dt
import io
import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session  # type: ignore[import-untyped,unused-ignore]
import botocore.validate  # type: ignore[import-untyped,unused-ignore]
from botocore import auth  # type: ignore[import-untyped,unused-ignore]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped,unused-ignore]
from botocore.credentials import Credentials  # type: ignore[import-untyped,unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT, REGION = "123456789012", "eu-west-1"
DEVELOPER = "AKIADEVELOPER0000000"
SECRET = "developers-own-secret"

QUERY = ("iam", "sns", "sts")
"""Services that take forms and answer with XML."""

Json = dict[str, Any]
Kept = tuple[list[Json], dict[str, Json]]
_SESSION = botocore.session.get_session()


class Refused(Exception):
    """An answer of AWS that is no success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class Principal:
    """Who calls: the developer, or a role that a function runs by."""

    secret: str
    role: str = ""


@dataclass
class Failure:
    """Of the n-th call from now: `how` is 500, throttle, lost-answer or stale."""

    after: int
    how: str
    is_done: bool = False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: AwsServer

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, headers, content = self.server.aws.answer(self.command, self.path, dict(self.headers.items()), body)
        except ConnectionAbortedError:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(BrokenPipeError):
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """A test's output is its own."""


class AwsServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, aws: Fake) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.aws = aws


@dataclass
class Fake:
    """The account. `requests` are the operations that were asked for, in order; `delays` is how many looks a change of
    a function's state takes."""

    folder: Path
    delays: int = 1
    requests: list[str] = field(default_factory=list)
    principals: dict[str, Principal] = field(default_factory=lambda: {DEVELOPER: Principal(SECRET)})
    failure: Failure | None = None
    log_groups: dict[str, Json] = field(default_factory=dict)
    boundary: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        from tests.fakes.aws_events import Events
        from tests.fakes.aws_iam import Iam
        from tests.fakes.aws_lambda import Lambda
        from tests.fakes.behind import Behind

        self.lock = threading.RLock()
        self.behind = Behind(self.folder)
        self.iam = Iam()
        self.functions = Lambda(self)
        self.events = Events(self)
        self.origin = ""

    @contextmanager
    def running(self) -> Iterator[Fake]:
        with self.behind, AwsServer(self) as server:
            self.origin = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    @property
    def env(self) -> dict[str, str]:
        """By which AWS's own tools find it, as the developer."""
        return {
            "AWS_ENDPOINT_URL": self.origin,
            "AWS_ACCESS_KEY_ID": DEVELOPER,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def mutations(self) -> list[str]:
        """Operations that were to change something."""
        reads = ("Get", "List", "Describe", "Invoke")
        return [each for each in self.requests if not each.partition(":")[2].startswith(reads)]

    def left(self) -> list[str]:
        """Everything that is there."""
        return [
            *self.iam.roles,
            *self.log_groups,
            *self.functions.functions,
            *self.functions.mappings,
            *self.events.left(),
        ]

    def kept(self) -> Kept:
        """What is there now, to go back to."""
        with self.lock:
            return copy.deepcopy([{**vars(each), "_fake": None} for each in self._keepers]), dict(self.log_groups)

    def restore(self, kept: Kept) -> None:
        """Be as it was then."""
        things, groups = kept
        with self.lock:
            for keeper, each in zip(self._keepers, copy.deepcopy(things), strict=True):
                vars(keeper).update({name: value for name, value in each.items() if name != "_fake"})
            self.log_groups.clear()
            self.log_groups.update(groups)

    @property
    def _keepers(self) -> list[Any]:
        return [self.iam, self.functions, self.events]

    def fail(self, after: int, how: str) -> None:
        """Let the mutation that comes after so many others fail."""
        self.failure = Failure(after, how)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Json, bytes]:
        split = urlsplit(path)
        if split.path.startswith("/url/"):
            return self.functions.called_by_url(method, split.path, headers, body)
        service = ""
        try:
            service, principal = self._caller(method, path, headers, body)
            operation, arguments = _asked(service, method, split.path, split.query, headers, body)
            self.requests.append(f"{service}:{operation}")
            if operation == "Invoke":
                return self.functions.invoked(arguments, principal, headers, body)
            return self._done(service, operation, arguments)
        except Refused as error:
            return _refusal(service, error)

    def _done(self, service: str, operation: str, arguments: Json) -> tuple[int, Json, bytes]:
        """With the failure that a test asked for."""
        is_read = f"{service}:{operation}" not in self.mutations[-1:]
        failure = self.failure
        if failure is not None and not is_read and not failure.is_done:
            failure.after -= 1
            if failure.after < 0:
                failure.is_done = True
                return self._failed(failure, service, operation, arguments)
        self.boundary(f"before {service}:{operation}")
        answer = self._served(service, operation, arguments)
        self.boundary(f"after {service}:{operation}")
        return answer

    def _failed(self, failure: Failure, service: str, operation: str, arguments: Json) -> tuple[int, Json, bytes]:
        if failure.how == "500":
            raise Refused(500, "ServiceException", "An internal error occurred")
        if failure.how == "throttle":
            raise Refused(429, "TooManyRequestsException", "Rate exceeded")
        self._served(service, operation, arguments)
        raise ConnectionAbortedError

    def _served(self, service: str, operation: str, arguments: Json) -> tuple[int, Json, bytes]:
        with self.lock:
            if operation == "GetPolicy":
                return _json(200, self.events.policy(arguments))
            if service == "lambda":
                return _json(*self.functions.do(operation, arguments))
            if service == "iam":
                return _xml(service, operation, self.iam.do(operation, arguments))
            if service == "sts":
                arn = f"arn:aws:iam::{ACCOUNT}:user/developer"
                return _xml(service, operation, {"Account": ACCOUNT, "Arn": arn, "UserId": DEVELOPER})
            if service == "sns":
                return _xml(service, operation, self.events.do(service, operation, arguments))
            if service in ("events", "scheduler"):
                return _json(200, self.events.do(service, operation, arguments))
            if service == "logs":
                return _json(200, _logs(self.log_groups, operation, arguments))
            return _json(200, self.functions.tagged(arguments))

    def _caller(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[str, Principal]:
        """The service that the signature is for, and whose it is. Raises Refused."""
        lower = {name.lower(): value for name, value in headers.items()}
        given = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([a-z0-9-]+)/(\w+)/aws4_request,"
            r" ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})",
            lower.get("authorization", ""),
        )
        if given is None:
            raise Refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        key, _, region, service, names, signature = given.groups()
        principal = self.principals.get(key)
        if principal is None:
            raise Refused(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
        if not self._is_signed(method, path, lower, body, (key, principal.secret, region, service, names), signature):
            raise Refused(403, "InvalidSignatureException", "The request signature we calculated does not match")
        return service, principal

    def _is_signed(
        self,
        method: str,
        path: str,
        lower: Mapping[str, str],
        body: bytes,
        scope: tuple[str, str, str, str, str],
        signature: str,
    ) -> bool:
        key, secret, region, service, names = scope
        stamp = lower["x-amz-date"]
        signer = auth.SigV4Auth(Credentials(key, secret), service, region)
        request = AWSRequest(method, f"{self.origin}{path}", {name: lower[name] for name in names.split(";")}, body)
        request.context["timestamp"] = stamp
        asked = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
        if abs((dt.datetime.now(dt.UTC) - asked).total_seconds()) > 300:
            return False
        request.headers["X-Amz-Date"] = stamp
        del request.headers["X-Amz-Date"]
        request.headers["X-Amz-Date"] = stamp
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return secrets.compare_digest(signer.signature(text, request), signature)


def _asked(
    service: str, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, Json]:
    """The operation and its arguments, as AWS's model of the service has them. Raises Refused."""
    model = _model({"tagging": "resourcegroupstaggingapi"}.get(service, service))
    lower = {name.lower(): value for name, value in headers.items()}
    if service in QUERY:
        fields = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        operation = fields.pop("Action")
        del fields["Version"]
        arguments = _from_query(fields)
    elif service in ("lambda", "scheduler"):
        operation, arguments = _from_rest(model, method, path, query, lower, body)
    else:
        operation = lower["x-amz-target"].rpartition(".")[2]
        arguments = json.loads(body)
    _validate(model.operation_model(operation).input_shape, arguments)
    return operation, arguments


def _from_query(fields: Mapping[str, str]) -> Json:
    """IAM's lists are Tags.member.1.Key."""
    found: Json = {}
    for name, value in fields.items():
        parts = name.split(".")
        if len(parts) == 1:
            found[name] = int(value) if name == "MaxItems" else value
        else:
            items = found.setdefault(parts[0], [])
            while len(items) < int(parts[2]):
                items.append({})
            items[int(parts[2]) - 1][parts[3]] = value
    return found


def _from_rest(
    model: Any, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, Json]:
    for name, asked, pattern in _routes(model.service_name):
        match = pattern.fullmatch(path.rstrip("/")) if asked == method else None
        if match:
            operation = model.operation_model(name)
            arguments: Json = {label: unquote(value) for label, value in match.groupdict().items()}
            return name, arguments | _rest(operation.input_shape, query, headers, body)
    raise Refused(404, "UnknownOperationException", f"{method} {path}")


@cache
def _routes(service: str) -> list[tuple[str, str, re.Pattern[str]]]:
    """Each operation's name, method and path."""
    model = _model(service)
    found = []
    for name in model.operation_names:
        asked = model.operation_model(name).http
        template = re.escape(asked["requestUri"].partition("?")[0].rstrip("/"))
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", template)
        found.append((name, asked["method"], re.compile(pattern)))
    return found


@cache
def _model(service: str) -> Any:
    return _SESSION.get_service_model(service)


def _rest(shape: Any, query: str, headers: Mapping[str, str], body: bytes) -> Json:
    given = {name: values[0] for name, values in parse_qs(query).items()}
    found: Json = {}
    is_raw = "payload" in shape.serialization
    content = {} if is_raw or not body else json.loads(body)
    for name, member in shape.members.items():
        where = member.serialization.get("location")
        wire = member.serialization.get("name", name)
        if where == "querystring" and wire in given:
            found[name] = int(given[wire]) if member.type_name == "integer" else given[wire]
        elif where == "header" and wire.lower() in headers:
            found[name] = headers[wire.lower()]
        elif where is None and wire in content:
            found[name] = _decoded(member, content[wire])
    unknown = set(content) - {member.serialization.get("name", name) for name, member in shape.members.items()}
    if unknown:
        raise Refused(400, "InvalidRequestContentException", f"unknown: {sorted(unknown)}")
    return found


def _decoded(shape: Any, value: Any) -> Any:
    if shape.type_name == "blob":
        return base64.b64decode(value)
    if shape.type_name == "structure":
        return {name: _decoded(shape.members[name], each) for name, each in value.items()}
    return value


def _validate(shape: Any, arguments: Json) -> None:
    """By the model's types, ranges and patterns."""
    if shape is None:
        return
    report = botocore.validate.ParamValidator().validate(arguments, shape)
    if report.has_errors():
        raise Refused(400, "ValidationException", report.generate_report())
    for name, value in arguments.items():
        member = shape.members[name]
        pattern = member.metadata.get("pattern")
        if isinstance(value, str) and pattern and not re.fullmatch(pattern.replace("\\p{", "\\x{"), value):
            raise Refused(400, "ValidationException", f"{name} {value!r} must satisfy {pattern}")
        if isinstance(value, str) and member.enum and value not in member.enum:
            raise Refused(400, "InvalidParameterValueException", f"{name} {value!r} is none of {member.enum}")


def _logs(groups: dict[str, Json], operation: str, arguments: Json) -> Json:
    if operation == "DescribeLogGroups":
        prefix = arguments.get("logGroupNamePrefix", "")
        found = [each for name, each in sorted(groups.items()) if name.startswith(prefix)]
        return {"logGroups": [{part: value for part, value in each.items() if part != "tags"} for each in found]}
    if operation == "ListTagsForResource":
        return {"tags": groups[arguments["resourceArn"].rpartition(":")[2]]["tags"]}
    name = arguments["logGroupName"]
    if operation == "CreateLogGroup":
        if name in groups:
            raise Refused(400, "ResourceAlreadyExistsException", "The specified log group already exists")
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
        groups[name] = {"logGroupName": name, "logGroupArn": arn, "arn": f"{arn}:*", "tags": arguments.get("tags", {})}
    elif name not in groups:
        raise Refused(400, "ResourceNotFoundException", "The specified log group does not exist.")
    elif operation == "PutRetentionPolicy":
        if arguments["retentionInDays"] not in (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400):
            raise Refused(400, "InvalidParameterException", "retentionInDays")
        groups[name]["retentionInDays"] = arguments["retentionInDays"]
    elif operation == "DeleteLogGroup":
        del groups[name]
    else:
        raise AssertionError(operation)
    return {}


def _json(status: int, document: Json) -> tuple[int, Json, bytes]:
    content = json.dumps(document).encode() if status != 204 else b""
    return status, {"Content-Type": "application/json"}, content


def _xml(service: str, operation: str, document: Json) -> tuple[int, Json, bytes]:
    text = f"<{operation}Response><{operation}Result>{_elements(document)}</{operation}Result></{operation}Response>"
    del service
    return 200, {"Content-Type": "text/xml"}, text.encode()


def _elements(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_elements(each)}</{name}>" for name, each in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_elements(each)}</member>" for each in value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _refusal(service: str, error: Refused) -> tuple[int, Json, bytes]:
    if service in QUERY:
        said = _elements({"Code": error.code, "Message": error.message})
        text = f"<ErrorResponse><Error>{said}</Error></ErrorResponse>"
        return error.status, {"Content-Type": "text/xml"}, text.encode()
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
    return error.status, headers, json.dumps({"__type": error.code, "message": error.message}).encode()


del io
