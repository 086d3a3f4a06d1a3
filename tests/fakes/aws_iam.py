"""Roles and what they may do, as IAM keeps and judges them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.fakes.aws import ACCOUNT, Json, Refused

MAX_POLICIES = 10_240
"""Characters of all inline policies of a role."""


class Iam:
    def __init__(self) -> None:
        self.roles: dict[str, Json] = {}

    def do(self, operation: str, arguments: Json) -> Json:
        name = arguments["RoleName"]
        if operation == "CreateRole":
            return self._create(name, arguments)
        role = self.roles.get(name)
        if role is None:
            raise Refused(404, "NoSuchEntity", f"The role with name {name} cannot be found.")
        found: Json = getattr(self, f"_{operation}")(role, arguments)
        return found

    def allows(self, role: str, action: str, arn: str) -> bool:
        """Whether a policy of the role says so. None here may say so of everything."""
        return any(
            statement["Effect"] == "Allow"
            and action in _listed(statement["Action"])
            and any(_covers(each, arn) for each in _listed(statement["Resource"]))
            for policy in self.roles.get(role, {}).get("policies", {}).values()
            for statement in policy["Statement"]
        )

    def statements(self) -> Iterator[tuple[str, str, Json]]:
        """Every one of every role, with the role's name and the policy's."""
        for name, role in self.roles.items():
            for policy, document in role["policies"].items():
                yield from ((name, policy, statement) for statement in document["Statement"])

    def _create(self, name: str, arguments: Json) -> Json:
        if name in self.roles:
            raise Refused(409, "EntityAlreadyExists", f"Role with name {name} already exists.")
        trust = _document(arguments["AssumeRolePolicyDocument"])
        self.roles[name] = {
            "trust": trust,
            "tags": arguments.get("Tags", []),
            "policies": {},
            "attached": [],
            "uses": 0,
        }
        return {"Role": self._described(name)}

    def _described(self, name: str) -> Json:
        role = self.roles[name]
        return {
            "Path": "/",
            "RoleName": name,
            "RoleId": "AROAEXAMPLE000000000",
            "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
            "CreateDate": "2026-11-23T00:00:00Z",
            "AssumeRolePolicyDocument": quote(json.dumps(role["trust"])),
            "Tags": role["tags"],
        }

    def _GetRole(self, _: Json, arguments: Json) -> Json:  # noqa: N802
        return {"Role": self._described(arguments["RoleName"])}

    def _UpdateAssumeRolePolicy(self, role: Json, arguments: Json) -> Json:  # noqa: N802
        role["trust"] = _document(arguments["PolicyDocument"])
        return {}

    def _PutRolePolicy(self, role: Json, arguments: Json) -> Json:  # noqa: N802
        document = _document(arguments["PolicyDocument"])
        for statement in document["Statement"]:
            if not {"Effect", "Action", "Resource"} <= statement.keys():
                raise Refused(400, "MalformedPolicyDocument", "Missing required field")
        kept = {**role["policies"], arguments["PolicyName"]: document}
        if sum(len(json.dumps(each)) for each in kept.values()) > MAX_POLICIES:
            raise Refused(409, "LimitExceeded", "Maximum policy size of 10240 bytes exceeded")
        role["policies"] = kept
        return {}

    def _GetRolePolicy(self, role: Json, arguments: Json) -> Json:  # noqa: N802
        name = arguments["PolicyName"]
        if name not in role["policies"]:
            raise Refused(404, "NoSuchEntity", f"The role policy with name {name} cannot be found.")
        document = quote(json.dumps(role["policies"][name]))
        return {"RoleName": arguments["RoleName"], "PolicyName": name, "PolicyDocument": document}

    def _ListRolePolicies(self, role: Json, _: Json) -> Json:  # noqa: N802
        return {"PolicyNames": sorted(role["policies"]), "IsTruncated": False}

    def _ListAttachedRolePolicies(self, role: Json, _: Json) -> Json:  # noqa: N802
        named = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in role["attached"]]
        return {"AttachedPolicies": named, "IsTruncated": False}

    def _DetachRolePolicy(self, role: Json, arguments: Json) -> Json:  # noqa: N802
        if arguments["PolicyArn"] not in role["attached"]:
            raise Refused(404, "NoSuchEntity", "Policy was not found.")
        role["attached"].remove(arguments["PolicyArn"])
        return {}

    def _DeleteRolePolicy(self, role: Json, arguments: Json) -> Json:  # noqa: N802
        if role["policies"].pop(arguments["PolicyName"], None) is None:
            raise Refused(404, "NoSuchEntity", "The role policy cannot be found.")
        return {}

    def _DeleteRole(self, role: Json, arguments: Json) -> Json:  # noqa: N802
        if role["policies"] or role["attached"]:
            raise Refused(409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
        del self.roles[arguments["RoleName"]]
        return {}


def _document(text: str) -> Json:
    try:
        document: Json = json.loads(text)
    except ValueError as error:
        raise Refused(400, "MalformedPolicyDocument", "Syntax errors in policy.") from error
    if document.get("Version") not in ("2012-10-17", "2008-10-17") or not document.get("Statement"):
        raise Refused(400, "MalformedPolicyDocument", "Syntax errors in policy.")
    return document


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _covers(pattern: str, arn: str) -> bool:
    return arn == pattern or (pattern.endswith("*") and arn.startswith(pattern[:-1]))
