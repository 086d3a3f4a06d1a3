"""An OpenWhisk's API, strict, on loopback: packages, actions, triggers, rules, and the feed of alarms.

Written from core/controller/src/main/resources/apiv1swagger.json and docs/{rest_api,reference,feeds}.md of
apache/openwhisk (paths, forms, limits, names), and for what those leave open from Actions.scala, Triggers.scala,
Rules.scala, Packages.scala, ApiUtils.scala, Entities.scala, Parameter.scala and ErrorResponse.scala (how updates are
merged, versions, conflicts, wording); the feed from action/alarmWebAction.js of apache/openwhisk-package-alarms.
Nothing runs here.
"""

from __future__ import annotations

import base64
import copy
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.fakes.rest import Asked, JsonServer, Refusal

NAMESPACE, KEY = "guest", f"00000000-0000-4000-8000-000000000001:{'let-me-in-' * 4}"
KINDS = ("python:default", "python:3.11", "python:3.12", "nodejs:20")
COLLECTIONS = ("packages", "actions", "triggers", "rules")
NAME = re.compile(r"\w([\w@ .-]*[\w@.-]+)?", re.ASCII)
PATH = re.compile(r"/api/v1/namespaces/([^/]+)/(packages|actions|triggers|rules)(?:/(.+))?")
FIELDS: Mapping[str, frozenset[str]] = {
    "packages": frozenset({"version", "publish", "annotations", "parameters", "binding"}),
    "actions": frozenset({"version", "publish", "annotations", "parameters", "exec", "limits"}),
    "triggers": frozenset({"version", "publish", "annotations", "parameters", "limits"}),
    "rules": frozenset({"version", "publish", "annotations", "trigger", "action", "status"}),
}
COMMON = frozenset({"namespace", "name"})
"""What every client sends too, and OpenWhisk leaves aside."""
EXEC = frozenset({"kind", "code", "binary", "main", "image"})
RANGES = {"memory": (128, 512), "timeout": (100, 300_000), "logs": (0, 10), "concurrency": (1, 1)}
DEFAULTS = {"memory": 256, "timeout": 60_000, "logs": 10, "concurrency": 1}
MAX_CODE, MAX_PARAMETERS, MAX_NAME, MAX_PAGE = 48 * 2**20, 2**20, 256, 200
ALARMS = {"alarms/alarm": "cron", "alarms/interval": "minutes"}
MALFORMED = "The request content was malformed:\n"
MISSING = "The requested resource does not exist."

Json = dict[str, Any]


@dataclass
class OpenWhisk(JsonServer):
    """With `encrypts` its database, and so its answers, hold parameters encrypted."""

    encrypts: bool = False
    entities: dict[tuple[str, str], Json] = field(default_factory=dict)
    alarms: dict[str, Json] = field(default_factory=dict)
    codes: dict[str, bytes] = field(default_factory=dict)
    wirings: dict[str, str] = field(default_factory=dict)
    clock: int = 1_700_000_000_000

    @property
    def env(self) -> dict[str, str]:
        return {"WHISK_APIHOST": self.url, "WHISK_AUTH": KEY, "WSK_CONFIG_FILE": "/nonexistent"}

    def left(self) -> set[str]:
        """Everything that is there."""
        return {f"{kind}/{name}" for kind, name in self.entities} | {f"alarms/{name}" for name in self.alarms}

    def authorise(self, asked: Asked) -> None:
        given = asked.headers.get("authorization", "")
        if given != f"Basic {base64.b64encode(KEY.encode()).decode()}":
            raise Refusal(401, "The supplied authentication is invalid")

    def failure(self, how: str) -> Refusal:
        return {
            "500": Refusal(500, "There was an internal server error."),
            "throttle": Refusal(429, "Too many requests in the last minute (count: 61, allowed: 60)."),
            "stale": Refusal(409, "Concurrent modification to resource detected."),
        }[how]

    def error(self, refusal: Refusal) -> Json:
        return {"error": refusal.message, "code": "fVlHkyqsJ4nHXpWDHnYPhXGkkCzJRdsR"}

    def answer(self, asked: Asked) -> tuple[int, Any]:
        if asked.path == "/api/v1/namespaces":
            return 200, [NAMESPACE]
        match = PATH.fullmatch(asked.path)
        if match is None:
            raise Refusal(404, MISSING)
        space, kind, name = unquote(match[1]), match[2], unquote(match[3] or "")
        if asked.method == "POST" and (space, kind) == ("whisk.system", "actions"):
            return self._feed(name, asked)
        if space not in ("_", NAMESPACE):
            raise Refusal(403, "The supplied authentication is not authorized to access this resource.")
        if not name:
            return 200, self._list(kind, asked.params)
        self._check_name(kind, name)
        if asked.method == "GET":
            return 200, self._shown(kind, name, asked.params.get("code") != "false")
        if asked.method == "PUT":
            return 200, self._put(kind, name, asked)
        if asked.method == "DELETE":
            return 200, self._delete(kind, name)
        if asked.method == "POST" and kind == "rules":
            return 200, self._switch(name, asked.document)
        raise Refusal(405, f"HTTP method not allowed: {asked.method}")

    def _check_name(self, kind: str, name: str) -> None:
        parts = name.split("/")
        if len(parts) > (2 if kind == "actions" else 1):
            raise Refusal(404, MISSING)
        for part in parts:
            if len(part) > MAX_NAME:
                raise Refusal(400, f"Name segement longer than allowed: {len(part)} > {MAX_NAME}.")
            if not NAME.fullmatch(part):
                raise Refusal(400, "The name of the entity contains illegal characters.")
        if len(parts) == 2 and ("packages", parts[0]) not in self.entities:
            raise Refusal(404, MISSING)

    def _found(self, kind: str, name: str) -> Json:
        """All kinds share their names."""
        if (kind, name) in self.entities:
            return self.entities[kind, name]
        if any((other, name) in self.entities for other in COLLECTIONS):
            raise Refusal(409, "Resource by this name exists but is not in this collection.")
        raise Refusal(404, MISSING)

    def _list(self, kind: str, params: Mapping[str, str]) -> list[Json]:
        skip, limit = int(params.get("skip", 0)), int(params.get("limit", 30)) or MAX_PAGE
        if limit > MAX_PAGE:
            raise Refusal(400, f"The value '{limit}' is not in the range of 0 to {MAX_PAGE} for {kind}.")
        names = sorted(name for each, name in self.entities if each == kind)[skip : skip + limit]
        shown = ("namespace", "name", "version", "publish", "annotations", "updated")
        return [{each: self.entities[kind, name][each] for each in shown} for name in names]

    def _shown(self, kind: str, name: str, with_code: bool) -> Json:
        found = copy.deepcopy(self._found(kind, name))
        if kind == "actions" and not with_code:
            found["exec"].pop("code", None)
        if kind == "rules":
            trigger = self.entities.get(("triggers", found["trigger"]["name"]), {})
            found["status"] = trigger.get("rules", {}).get(f"{NAMESPACE}/{name}", {}).get("status", "inactive")
        return found

    def _put(self, kind: str, name: str, asked: Asked) -> Json:
        document = asked.document
        if not isinstance(document, dict) or not asked.headers.get("content-type", "").startswith("application/json"):
            raise Refusal(400, f"{MALFORMED}no object")
        if unknown := document.keys() - FIELDS[kind] - COMMON:
            # OpenWhisk leaves them aside; this fake does not, since they would be a mistake.
            raise Refusal(400, f"{MALFORMED}unknown {sorted(unknown)}")
        try:
            before: Json | None = self._found(kind, name)
        except Refusal as refusal:
            if refusal.status != 404:
                raise
            before = None
        if before is not None and asked.params.get("overwrite") != "true":
            raise Refusal(409, "resource already exists")
        made = self._merged(kind, name, before, document)
        self.entities[kind, name] = made
        return self._shown(kind, name, True)

    def _merged(self, kind: str, name: str, before: Json | None, document: Json) -> Json:
        package, _, own = name.rpartition("/")
        self.clock += 1
        made: Json = {
            "namespace": f"{NAMESPACE}/{package}" if package else NAMESPACE,
            "name": own,
            "version": document.get("version") or _next(before),
            "publish": document.get("publish", (before or {}).get("publish", False)),
            "annotations": _pairs(document.get("annotations", (before or {}).get("annotations", []))),
            "updated": self.clock,
        }
        if kind != "rules":
            given = document.get("parameters")
            made["parameters"] = self._parameters(given) if given is not None else (before or {}).get("parameters", [])
        if kind == "actions":
            made |= self._action(name, before, document)
            made["annotations"] = [each for each in made["annotations"] if each["key"] != "exec"]
            made["annotations"].append({"key": "exec", "value": made["exec"]["kind"]})
        if kind == "triggers":
            made |= {"limits": {}, "rules": (before or {}).get("rules", {})}
            feeds = [each["value"] for each in made["annotations"] if each["key"] == "feed"]
            if feeds and not re.fullmatch(r"/?[\w@.-]+(/[\w@ .-]+){0,2}", str(feeds[0])):
                raise Refusal(400, "Feed name is not valid")
        return made | (self._rule(name, before, document) if kind == "rules" else {})

    def _parameters(self, given: Any) -> list[Json]:
        pairs = _pairs(given)
        size = sum(len(each["key"]) + len(str(each["value"])) for each in pairs)
        if size > MAX_PARAMETERS:
            raise Refusal(413, f"Parameters larger than allowed: {size} > {MAX_PARAMETERS} bytes.")
        if not self.encrypts:
            return pairs
        if not all(isinstance(each["value"], str) for each in pairs):
            raise Refusal(500, "There was an internal server error.")  # ParameterEncryption takes texts alone
        return [
            {**each, "value": base64.b64encode(each["value"][::-1].encode()).decode(), "encryption": "aes256"}
            for each in pairs
        ]

    def _action(self, name: str, before: Json | None, document: Json) -> Json:
        executed = document.get("exec") or (before or {}).get("exec")
        if executed is None:
            raise Refusal(400, "exec undefined")
        if executed.keys() - EXEC or executed.get("kind") not in KINDS:
            raise Refusal(400, f"{MALFORMED}kind '{executed.get('kind')}' not in {KINDS}")
        if not isinstance(executed.get("code"), str) or not executed["code"]:
            raise Refusal(400, f"{MALFORMED}'code' must be a string defined in 'exec' for '{executed['kind']}' actions")
        if len(executed["code"]) > MAX_CODE:
            raise Refusal(413, f"Code larger than allowed: {len(executed['code'])} > {MAX_CODE} bytes.")
        if "exec" in document and executed.get("binary"):
            self.codes[name] = _unpacked(executed["code"])
        for each in document.get("parameters") or []:
            if each["key"] == "HYFN_WIRING":
                self.wirings[name] = each["value"]
        given = document.get("limits") or {}
        for limit, value in given.items():
            low, high = RANGES.get(limit, (1, 0))
            if not isinstance(value, int) or not low <= value <= high:
                raise Refusal(400, f"{MALFORMED}{limit} {value} exceeds allowed threshold of {high}")
        return {"exec": executed, "limits": {**DEFAULTS, **(before or {}).get("limits", {}), **given}}

    def _rule(self, name: str, before: Json | None, document: Json) -> Json:
        """A rule stands in its trigger too, with its status."""
        whole = f"{NAMESPACE}/{name}"
        paths = {
            each: _path(document[each]) if document.get(each) else (before or {}).get(each)
            for each in ("trigger", "action")
        }
        trigger, action = paths["trigger"], paths["action"]
        if not trigger or not action:
            raise Refusal(400, "rule requires a valid trigger and a valid action")
        there = self.entities.get(("triggers", trigger["name"]))
        if there is None:
            raise Refusal(400, f"trigger /{trigger['path']}/{trigger['name']} does not exist")
        local = "/".join((*action["path"].split("/")[1:], action["name"]))
        if ("actions", local) not in self.entities:
            raise Refusal(400, f"action /{action['path']}/{action['name']} does not exist")
        status = there["rules"].get(whole, {}).get("status", "inactive") if before else "active"
        there["rules"][whole] = {"action": action, "status": status}
        return paths

    def _switch(self, name: str, document: Any) -> Any:
        """Enable or disable a rule. There is nothing to say."""
        rule = self._found("rules", name)
        if not isinstance(document, dict) or document.get("status") not in ("active", "inactive"):
            raise Refusal(400, f"{MALFORMED}status must be active or inactive")
        trigger = self.entities.get(("triggers", rule["trigger"]["name"]))
        if trigger is None:
            raise Refusal(404, "Only rules with existing triggers can be activated")
        trigger["rules"][f"{NAMESPACE}/{name}"] = {"action": rule["action"], "status": document["status"]}
        return None

    def _delete(self, kind: str, name: str) -> Json:
        found = self._found(kind, name)
        if kind == "packages" and (held := sum(each.startswith(f"{name}/") for _, each in self.entities)):
            raise Refusal(409, f"Package not empty (contains {held} {'entity' if held == 1 else 'entities'})")
        if kind == "rules":
            trigger = self.entities.get(("triggers", found["trigger"]["name"]), {})
            trigger.get("rules", {}).pop(f"{NAMESPACE}/{name}", None)
        del self.entities[kind, name]
        return found

    def _feed(self, name: str, asked: Asked) -> tuple[int, Any]:
        """The answer to whoever waits for an activation's result: an application error is 502."""
        said = asked.document or {}
        if name not in ALARMS or asked.params.get("blocking") != "true":
            raise Refusal(404, MISSING)
        trigger = str(said.get("triggerName", "")).strip("/").split("/")
        if said.get("authKey") != KEY or len(trigger) != 2 or ("triggers", trigger[1]) not in self.entities:
            return 502, {"error": {"statusCode": 401, "body": {"error": "Trigger authentication request failed."}}}
        if said.get("lifecycleEvent") == "DELETE":
            if self.alarms.pop(trigger[1], None) is None:
                return 502, {"error": {"statusCode": 404, "body": {"error": f"could not find {trigger[1]}"}}}
            return 200, {"status": "success"}
        if said.get("lifecycleEvent") != "CREATE":
            return 502, {"error": {"statusCode": 400, "body": {"error": "unsupported lifecycleEvent"}}}
        wanted = said.get(ALARMS[name])
        if trigger[1] in self.alarms or not wanted or (name == "alarms/interval" and not isinstance(wanted, int)):
            return 502, {"error": {"statusCode": 400, "body": {"error": f"{name} cannot be made of {wanted!r}"}}}
        self.alarms[trigger[1]] = {each: said[each] for each in said if each not in ("authKey", "lifecycleEvent")}
        return 200, {"status": "success"}


def _next(before: Json | None) -> str:
    if before is None:
        return "0.0.1"
    major, minor, patch = before["version"].split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def _pairs(given: Any) -> list[Json]:
    """[{"key", "value"[, "init"]}], each key once."""
    if not isinstance(given, list) or not all(
        isinstance(each, dict) and {"key", "value"} <= each.keys() for each in given
    ):
        raise Refusal(400, f"{MALFORMED}parameters malformed could not read directly: {given}")
    if any(each.keys() - {"key", "value", "init", "encryption"} or not each["key"] for each in given):
        raise Refusal(400, f"{MALFORMED}parameters malformed could not read directly: {given}")
    kept = {each["key"]: {name: value for name, value in each.items() if name != "init" or value} for each in given}
    return list(kept.values())


def _path(text: Any) -> Json:
    parts = str(text).strip("/").split("/")
    if not 2 <= len(parts) <= 3 or parts[0] not in ("_", NAMESPACE):
        raise Refusal(403, f"The supplied authentication is not authorized to access '{text}'.")
    return {"path": "/".join((NAMESPACE, *parts[1:-1])), "name": parts[-1]}


def _unpacked(code: str) -> bytes:
    try:
        content = base64.b64decode(code, validate=True)
        zipfile.ZipFile(io.BytesIO(content)).testzip()
    except (ValueError, zipfile.BadZipFile):
        raise Refusal(400, f"{MALFORMED}the code is no zip") from None
    return content
