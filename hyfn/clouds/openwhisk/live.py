"""What OpenWhisk tells of an entity, as the body that was wanted. Pure.

An entity's annotations say whose it is, and hold the body that was put. Each update gives an entity a new version: one
that hyfn did not make was changed by somebody else, even where what it changed cannot be read (its code) or is
encrypted (its parameters, where an operator wants that: ParameterEncryption.scala of apache/openwhisk).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hyfn.clouds.openwhisk.stack import ACTION, PACKAGE, RELEASE, RULE, SWITCHES, WEB
from hyfn.resource import Key, Live, Stage, digest
from hyfn.ship.rest import WIRING

BODY, VERSION, DOOR, WIRED, FED = "hyfn:body", "hyfn:version", "hyfn:door", "hyfn:wiring", "hyfn:fed"
FEED = "feed"
OURS = ("edges", "endpoints")
FIRST = "0.0.1"
NOBODY = Stage("", "")

Json = dict[str, Any]


def marks(found: Mapping[str, Any]) -> Json:
    """Its annotations."""
    return {each["key"]: each.get("value") for each in found.get("annotations") or []}


def is_ours(found: Mapping[str, Any], stage: Stage) -> bool:
    return stage.tags.items() <= marks(found).items()


def is_marked(found: Mapping[str, Any]) -> bool:
    """Whether it is hyfn's, of whichever stage."""
    return all(name in marks(found) for name in NOBODY.tags)


def version_after(found: Mapping[str, Any] | None) -> str:
    """The one that an update of it makes (upPatch in SemVer.scala)."""
    if found is None:
        return FIRST
    major, minor, patch = str(found["version"]).split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def live(key: Key, found: Mapping[str, Any] | None, stage: Stage, host: str) -> Live | None:
    """None for what is not there, as the release of an action that has none yet."""
    if found is None or (key.kind == RELEASE and is_ours(found, stage) and BODY not in marks(found)):
        return None
    body, trouble = _body(key, found), _trouble(key, found)
    outputs = address(found, host) if key.kind == ACTION else {}
    return Live(key, body, outputs, etag(body, trouble), is_ours(found, stage), trouble)


def etag(body: Json, trouble: str) -> str:
    """OpenWhisk has none, and a version changes for whatever is done to an action."""
    return digest([body, trouble])[:24]


def address(found: Mapping[str, Any], host: str) -> dict[str, str]:
    """Where an action is called. Its namespace is NAMESPACE[/PACKAGE]."""
    namespace, _, package = str(found["namespace"]).partition("/")
    name, door = quote(found["name"], safe=""), str(marks(found).get(DOOR) or "")
    space, holder = quote(namespace, safe=""), quote(package, safe="")
    if door == WEB:
        return {"url": f"{host}/api/v1/web/{space}/{holder or 'default'}/{name}", "door": door}
    path = f"{holder}/{name}" if package else name
    return {"url": f"{host}/api/v1/namespaces/{space}/actions/{path}?blocking=true&result=true", "door": door}


def _body(key: Key, found: Mapping[str, Any]) -> Json:
    if key.kind == PACKAGE:
        return {"publish": bool(found.get("publish"))}
    if key.kind == ACTION:
        return {"door": marks(found).get(DOOR) or ""}
    if key.kind == RELEASE:
        return _release(found)
    return _rule(found) if key.kind == RULE else _trigger(found)


def _release(found: Mapping[str, Any]) -> Json:
    said = marks(found)
    put = said.get(BODY) or {}
    is_as_put = said.get(VERSION) == found["version"]
    executed, limits = found.get("exec") or {}, found.get("limits") or {}
    return {
        "kind": executed.get("kind"),
        "main": executed.get("main") or put.get("main"),
        "code": put.get("code") if is_as_put else f"changed by somebody else, in version {found['version']}",
        "limits": {name: limits.get(name) for name in put.get("limits") or ("memory", "timeout")},
        "switches": {name: said.get(name) or False for name in SWITCHES},
        "env": _env(found, put.get("env") or {}),
        **{name: put[name] for name in OURS if name in put},
    }


def _env(found: Mapping[str, Any], put: Mapping[str, Any]) -> Json:
    """Its variables, and parameters that are none."""
    given: Json = {}
    for each in found.get("parameters") or []:
        name = each["key"]
        if name != WIRING:
            value = put.get(name) if each.get("encryption") else each.get("value")
            given[name] = value if each.get("init") else {"parameter": value}
    return given


def _trouble(key: Key, found: Mapping[str, Any]) -> str:
    if key.kind != RELEASE:
        return ""
    own = [each for each in found.get("parameters") or [] if each["key"] == WIRING]
    if not own:
        return "its wiring is gone"
    is_same = own[0].get("encryption") or fingerprint(own[0].get("value")) == marks(found).get(WIRED)
    return "" if is_same else "its wiring was changed"


def fingerprint(wiring: Any) -> str:
    """Of a document with keys of 256 bits, which it does not tell."""
    return digest(wiring)


def _trigger(found: Mapping[str, Any]) -> Json:
    """A feed is known by what it was told last, if it took it."""
    said = marks(found)
    put = said.get(BODY) or {}
    feed, is_fed = said.get(FEED) or "", said.get(FED) == fed(put)
    parameters = {
        each["key"]: put.get("parameters", {}).get(each["key"]) if each.get("encryption") else each.get("value")
        for each in found.get("parameters") or []
    }
    return {"parameters": parameters, "feed": feed if is_fed or not feed else "", "said": put.get("said", {})}


def fed(body: Mapping[str, Any]) -> str:
    """The mark of a trigger whose feed was told this."""
    return digest([body.get("feed"), body.get("said")])[:16] if body.get("feed") else ""


def _rule(found: Mapping[str, Any]) -> Json:
    return {
        "trigger": _local(found["trigger"]),
        "action": _local(found["action"]),
        "status": found.get("status") or "active",
    }


def _local(named: Any) -> str:
    """A name within its namespace: of {"path": "NAMESPACE[/PACKAGE]", "name": NAME}, or of the whole as a text."""
    text = f"{named['path']}/{named['name']}" if isinstance(named, Mapping) else str(named).strip("/")
    return text.partition("/")[2]
