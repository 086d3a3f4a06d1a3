"""Functions, versions, aliases, URLs and event source mappings, as Lambda keeps them: with its states and refusals."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import secrets
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import uuid4

from hyfn.wire.carrier import Request
from tests.fakes.aws import ACCOUNT, REGION, Json, Principal, Refused

if TYPE_CHECKING:
    from tests.fakes.aws import Fake

ENVIRONMENT = 4096
SETTINGS = ("Runtime", "Role", "Handler", "Timeout", "MemorySize", "Environment", "PackageType", "Architectures")
PERMISSIONS = {
    "sqs": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    "kinesis": ["kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator"],
}


class Lambda:
    def __init__(self, fake: Fake) -> None:
        self._fake = fake
        self.functions: dict[str, Json] = {}
        self.mappings: dict[str, Json] = {}

    def do(self, operation: str, arguments: Json) -> tuple[int, Json]:
        if operation == "CreateFunction":
            return self._create(arguments)
        if operation.endswith(("EventSourceMapping", "EventSourceMappings")):
            return 202 if operation[0] in "CUD" else 200, self._mapping(operation, arguments)
        name, qualifier = _split(arguments)
        function = self.functions.get(name)
        if function is None:
            raise _missing(f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
        found: tuple[int, Json] = getattr(self, f"_{operation}")(name, function, arguments | {"Qualifier": qualifier})
        return found

    def tagged(self, arguments: Json) -> Json:
        filters = {each["Key"]: each["Values"] for each in arguments["TagFilters"]}
        return {
            "ResourceTagMappingList": [
                {"ResourceARN": _arn(name), "Tags": [{"Key": k, "Value": v} for k, v in function["tags"].items()]}
                for name, function in self.functions.items()
                if all(function["tags"].get(key) in values for key, values in filters.items())
            ]
        }

    def _create(self, arguments: Json) -> tuple[int, Json]:
        name = arguments["FunctionName"]
        if name in self.functions:
            raise Refused(409, "ResourceConflictException", f"Function already exist: {name}")
        self._check_role(arguments["Role"])
        settings = {part: arguments[part] for part in SETTINGS if part in arguments}
        latest = settings | self._coded(arguments["Code"], settings.get("PackageType", "Zip"))
        _check_environment(latest)
        latest |= {"State": "Pending", "LastUpdateStatus": "InProgress", "looks": self._fake.delays}
        latest |= {"RevisionId": _id(), "Timeout": settings.get("Timeout", 3)}
        self.functions[name] = {
            "latest": latest,
            "tags": arguments.get("Tags", {}),
            "versions": {},
            "aliases": {},
            "urls": {},
            "policy": {},
            "next": 1,
            "published": None,
        }
        return 201, self._described(name, latest, "$LATEST")

    def _check_role(self, arn: str) -> None:
        """A role that was made a moment ago is not known yet."""
        role = self._fake.iam.roles.get(arn.rpartition("/")[2])
        if role is None or arn.split(":")[4] != ACCOUNT:
            raise Refused(400, "InvalidParameterValueException", "The role defined for the function does not exist.")
        trusted = [each["Principal"].get("Service") for each in role["trust"]["Statement"]]
        role["uses"] += 1
        if "lambda.amazonaws.com" not in trusted or role["uses"] <= self._fake.delays:
            said = "The role defined for the function cannot be assumed by Lambda."
            raise Refused(400, "InvalidParameterValueException", said)

    def _coded(self, code: Json, kind: str) -> Json:
        if kind == "Image":
            if not re.fullmatch(r".+@sha256:[0-9a-f]{64}|.+:.+", code.get("ImageUri", "")):
                raise Refused(400, "InvalidParameterValueException", "Source image is not valid.")
            return {"image": code["ImageUri"], "CodeSha256": code["ImageUri"].rpartition(":")[2]}
        content = code.get("ZipFile", b"")
        if not zipfile.is_zipfile(io.BytesIO(content)):
            raise Refused(400, "InvalidParameterValueException", "Could not unzip uploaded file.")
        return {"code": content, "CodeSha256": base64.b64encode(hashlib.sha256(content).digest()).decode()}

    def _described(self, name: str, made: Json, version: str) -> Json:
        hidden = ("code", "image", "looks")
        said = {part: value for part, value in made.items() if part not in hidden}
        suffix = "" if version == "$LATEST" else f":{version}"
        return {**said, "FunctionName": name, "FunctionArn": f"{_arn(name)}{suffix}", "Version": version}

    def _configuration(self, name: str, function: Json, qualifier: str) -> Json:
        if not qualifier or qualifier == "$LATEST":
            made: Json = function["latest"]
            _settle(made)
            return self._described(name, made, "$LATEST")
        version = function["aliases"].get(qualifier, {}).get("FunctionVersion", qualifier)
        if version not in function["versions"]:
            raise _missing(f"Function not found: {_arn(name)}:{qualifier}")
        return self._described(name, function["versions"][version], version)

    def _GetFunction(self, name: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        made = self._configuration(name, function, arguments["Qualifier"])
        code = {"ImageUri": function["latest"]["image"]} if "image" in function["latest"] else {"Location": "https://x"}
        return 200, {"Configuration": made, "Code": code, "Tags": function["tags"]}

    def _GetFunctionConfiguration(self, name: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        return 200, self._configuration(name, function, arguments["Qualifier"])

    def _ListVersionsByFunction(self, name: str, function: Json, _: Json) -> tuple[int, Json]:  # noqa: N802
        numbers = ["$LATEST", *function["versions"]]
        return 200, {"Versions": [self._configuration(name, function, number) for number in numbers]}

    def _UpdateFunctionCode(self, name: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        latest = function["latest"]
        _check_update(latest, arguments)
        latest |= self._coded(arguments, latest.get("PackageType", "Zip"))
        latest["Architectures"] = arguments.get("Architectures", latest["Architectures"])
        return 200, self._updated(name, latest)

    def _UpdateFunctionConfiguration(  # noqa: N802
        self, name: str, function: Json, arguments: Json
    ) -> tuple[int, Json]:
        latest = function["latest"]
        _check_update(latest, arguments)
        wanted = {**latest, **{part: arguments[part] for part in SETTINGS if part in arguments}}
        _check_environment(wanted)
        if wanted["Role"] != latest["Role"]:
            self._check_role(wanted["Role"])
        latest |= wanted
        return 200, self._updated(name, latest)

    def _updated(self, name: str, latest: Json) -> Json:
        latest |= {"LastUpdateStatus": "InProgress", "looks": self._fake.delays, "RevisionId": _id()}
        return self._described(name, latest, "$LATEST")

    def _PublishVersion(self, name: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        """Nothing is published where nothing changed since the last time."""
        latest = function["latest"]
        _check_update(latest, arguments)
        if arguments.get("CodeSha256", latest["CodeSha256"]) != latest["CodeSha256"]:
            raise Refused(400, "InvalidParameterValueException", "CodeSHA256 does not match")
        same = json.dumps({part: latest.get(part) for part in (*SETTINGS, "CodeSha256")}, sort_keys=True)
        if function["published"] and function["published"][0] == same:
            number = function["published"][1]
            if number in function["versions"]:
                return 201, self._described(name, function["versions"][number], number)
        number = str(function["next"])
        function["next"] += 1
        made = {**latest, "Description": arguments.get("Description", ""), "RevisionId": _id()}
        function["versions"][number] = made
        function["published"] = (same, number)
        return 201, self._described(name, made, number)

    def _DeleteFunction(self, name: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        number = arguments["Qualifier"]
        if not number:
            del self.functions[name]
            return 204, {}
        if any(number in _versions(alias) for alias in function["aliases"].values()):
            raise Refused(409, "ResourceConflictException", f"version {number} is used by an alias")
        if function["versions"].pop(number, None) is None:
            raise _missing("Function not found")
        return 204, {}

    def _CreateAlias(self, name: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        alias = arguments["Name"]
        if alias in function["aliases"]:
            raise Refused(409, "ResourceConflictException", f"Alias already exists: {alias}")
        return 201, self._set_alias(name, function, alias, arguments)

    def _UpdateAlias(self, name: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        there = self._alias(function, arguments["Name"])
        if arguments.get("RevisionId", there["RevisionId"]) != there["RevisionId"]:
            raise Refused(412, "PreconditionFailedException", "The Revision Id provided does not match.")
        return 200, self._set_alias(name, function, arguments["Name"], arguments)

    def _set_alias(self, name: str, function: Json, alias: str, arguments: Json) -> Json:
        version = arguments["FunctionVersion"]
        weights = arguments.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        for number in (version, *weights):
            if number not in function["versions"] and number != "$LATEST":
                raise _missing(f"Function not found: {_arn(name)}:{number}")
        made = {"Name": alias, "FunctionVersion": version, "AliasArn": f"{_arn(name)}:{alias}", "RevisionId": _id()}
        if weights:
            made["RoutingConfig"] = {"AdditionalVersionWeights": weights}
        function["aliases"][alias] = made
        return made

    def _alias(self, function: Json, alias: str) -> Json:
        found: Json | None = function["aliases"].get(alias)
        if found is None:
            raise _missing(f"Cannot find alias arn: {alias}")
        return found

    def _GetAlias(self, _: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        return 200, self._alias(function, arguments["Name"])

    def _DeleteAlias(self, _: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        function["aliases"].pop(arguments["Name"], None)
        return 204, {}

    def _CreateFunctionUrlConfig(self, name: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        qualifier = arguments["Qualifier"]
        self._alias(function, qualifier)
        if qualifier in function["urls"]:
            raise Refused(409, "ResourceConflictException", "Failed to create function url config: it exists")
        url = f"{self._fake.origin}/url/{name}/"
        made = {"FunctionUrl": url, "FunctionArn": f"{_arn(name)}:{qualifier}", "AuthType": arguments["AuthType"]}
        function["urls"][qualifier] = made
        return 201, made

    def _UpdateFunctionUrlConfig(self, _: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        made = self._url(function, arguments["Qualifier"])
        made["AuthType"] = arguments.get("AuthType", made["AuthType"])
        return 200, made

    def _GetFunctionUrlConfig(self, _: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        return 200, self._url(function, arguments["Qualifier"])

    def _DeleteFunctionUrlConfig(self, _: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        self._url(function, arguments["Qualifier"])
        del function["urls"][arguments["Qualifier"]]
        return 204, {}

    def _url(self, function: Json, qualifier: str) -> Json:
        found: Json | None = function["urls"].get(qualifier)
        if found is None:
            raise _missing("The resource you requested does not exist.")
        return found

    def _AddPermission(self, _: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        id = (arguments["Qualifier"], arguments["StatementId"])
        if id in function["policy"]:
            raise Refused(409, "ResourceConflictException", f"The statement id ({id[1]}) provided already exists.")
        if arguments["Action"] == "lambda:InvokeFunctionUrl" and "FunctionUrlAuthType" not in arguments:
            raise Refused(400, "InvalidParameterValueException", "FunctionUrlAuthType is required")
        function["policy"][id] = arguments
        return 201, {"Statement": json.dumps({"Sid": id[1]})}

    def _RemovePermission(self, _: str, function: Json, arguments: Json) -> tuple[int, Json]:  # noqa: N802
        if function["policy"].pop((arguments["Qualifier"], arguments["StatementId"]), None) is None:
            raise _missing("The resource you requested does not exist.")
        return 204, {}

    def _mapping(self, operation: str, arguments: Json) -> Json:
        if operation == "ListEventSourceMappings":
            wanted = f"function:{arguments['FunctionName']}"
            return {"EventSourceMappings": [m for m in self._seen() if m["FunctionArn"].endswith(wanted)]}
        if operation == "CreateEventSourceMapping":
            return self._create_mapping(arguments)
        uuid = arguments["UUID"]
        made = next((each for each in self._seen() if each["UUID"] == uuid), None)
        if made is None:
            raise _missing("The resource you requested does not exist.")
        if operation == "GetEventSourceMapping":
            return made
        if made["State"] not in ("Enabled", "Disabled"):
            raise Refused(400, "ResourceInUseException", "Cannot change it while it is being changed")
        if operation == "DeleteEventSourceMapping":
            made |= {"State": "Deleting", "looks": self._fake.delays}
            return made
        kept = {part: value for part, value in arguments.items() if part not in ("UUID", "FunctionName")}
        made |= {**kept, "State": "Updating", "looks": self._fake.delays}
        return made

    def _seen(self) -> list[Json]:
        for uuid, made in list(self.mappings.items()):
            made["looks"] -= 1
            if made["looks"] < 0 and made["State"] == "Deleting":
                del self.mappings[uuid]
            elif made["looks"] < 0:
                made["State"] = "Enabled" if made.get("Enabled", True) else "Disabled"
        return list(self.mappings.values())

    def _create_mapping(self, arguments: Json) -> Json:
        name, qualifier = _split(arguments)
        function = self.functions.get(name)
        if function is None or (qualifier and qualifier not in function["aliases"]):
            raise _missing(f"Function not found: {name}:{qualifier}")
        source = arguments["EventSourceArn"]
        service = source.split(":")[2]
        role = function["latest"]["Role"].rpartition("/")[2]
        for action in PERMISSIONS[service]:
            if not self._fake.iam.allows(role, action, source):
                said = f"The provided execution role does not have permissions to call {action} on {source}"
                raise Refused(400, "InvalidParameterValueException", said)
        if service == "kinesis" and "StartingPosition" not in arguments:
            raise Refused(400, "InvalidParameterValueException", "StartingPosition is required")
        arn = f"{_arn(name)}:{qualifier}"
        if any((m["EventSourceArn"], m["FunctionArn"]) == (source, arn) for m in self.mappings.values()):
            raise Refused(409, "ResourceConflictException", "An event source mapping with these exists")
        uuid = str(uuid4())
        kept = {part: value for part, value in arguments.items() if part != "FunctionName"}
        self.mappings[uuid] = {
            **kept,
            "UUID": uuid,
            "FunctionArn": arn,
            "State": "Creating",
            "looks": self._fake.delays,
        }
        return self.mappings[uuid]

    def invoked(
        self, arguments: Json, principal: Principal, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Json, bytes]:
        """The Invoke API: by who may, in Lambda's own runtime."""
        name, qualifier = _split(arguments)
        with self._fake.lock:
            arn = f"{_arn(name)}:{qualifier}" if qualifier else _arn(name)
            if principal.role and not self._fake.iam.allows(principal.role, "lambda:InvokeFunction", arn):
                said = f"{principal.role} is not authorized to perform: lambda:InvokeFunction on resource: {arn}"
                raise Refused(403, "AccessDeniedException", said)
            made = self._version(name, qualifier)
        return self._run(name, made, "", Request("POST", "", _passed(headers), body))

    def called_by_url(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Json, bytes]:
        """A function URL that is open to all."""
        name = path.split("/")[2]
        rest = "/" + path.split("/", 3)[3]
        with self._fake.lock:
            function = self.functions.get(name, {})
            url = function.get("urls", {}).get("live")
            actions = {each["Action"] for each in function.get("policy", {}).values() if each["Principal"] == "*"}
            if url is None or url["AuthType"] != "NONE" or len(actions) < 2:
                return 403, {"Content-Type": "application/json"}, b'{"Message": "Forbidden"}'
            made = self._version(name, "live")
        return self._run(name, made, rest, Request(method, "", _passed(headers), body), {"url": True})

    def _version(self, name: str, qualifier: str) -> Json:
        function = self.functions.get(name)
        number = function and function["aliases"].get(qualifier, {}).get("FunctionVersion", qualifier)
        if function is None or number not in {*function["versions"], "$LATEST", ""}:
            raise _missing(f"Function not found: {_arn(name)}:{qualifier}")
        made: Json = function["latest"] if number in ("", "$LATEST") else function["versions"][number]
        return made

    def _run(
        self, name: str, made: Json, path: str, request: Request, options: Json | None = None
    ) -> tuple[int, Json, bytes]:
        """As its role, which the fake knows again by its keys."""
        role = made["Role"].rpartition("/")[2]
        key = f"ASIA{hashlib.sha256(role.encode()).hexdigest()[:16].upper()}"
        self._fake.principals.setdefault(key, Principal(secrets.token_hex(16), role))
        env = {
            **made.get("Environment", {}).get("Variables", {}),
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": self._fake.principals[key].secret,
        }
        running = self._fake.behind.running("aws", made["code"], env, {"name": name, **(options or {})})
        said = self._fake.behind.send(running, path, request)
        skipped = ("content-length", "connection", "transfer-encoding", "date", "server")
        return said.status, {k: v for k, v in said.headers.items() if k not in skipped}, said.body


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    dropped = ("host", "content-length", "connection", "authorization", "accept-encoding")
    return {name: value for name, value in headers.items() if name.lower() not in dropped}


def _split(arguments: Json) -> tuple[str, str]:
    """A function's name may have its qualifier with it."""
    name, _, qualifier = arguments["FunctionName"].rpartition("function:")[2].partition(":")
    return name, qualifier or arguments.get("Qualifier", "")


def _arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def _versions(alias: Json) -> set[str]:
    return {alias["FunctionVersion"], *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})}


def _settle(made: Json) -> None:
    """After some looks a change is done, and the function has another revision."""
    if made["LastUpdateStatus"] == "InProgress":
        made["looks"] -= 1
        if made["looks"] < 0:
            made |= {"State": "Active", "LastUpdateStatus": "Successful", "RevisionId": _id()}


def _check_update(latest: Json, arguments: Json) -> None:
    if "InProgress" in (latest["LastUpdateStatus"],) or latest["State"] == "Pending":
        raise Refused(409, "ResourceConflictException", "The operation cannot be performed at this time.")
    if arguments.get("RevisionId", latest["RevisionId"]) != latest["RevisionId"]:
        raise Refused(412, "PreconditionFailedException", "The Revision Id provided does not match.")


def _check_environment(settings: Json) -> None:
    variables = settings.get("Environment", {}).get("Variables", {})
    if sum(len(each.encode()) for pair in variables.items() for each in pair) > ENVIRONMENT:
        raise Refused(400, "InvalidParameterValueException", "Your environment variables exceed the 4 KB limit.")


def _missing(said: str) -> Refused:
    return Refused(404, "ResourceNotFoundException", said)


def _id() -> str:
    return secrets.token_hex(16)
