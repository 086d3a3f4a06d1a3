"""What must be on OpenWhisk for an artifact to be live. Pure, but for reading which namespace is the user's.

An action has no versions that could be called, so it stands for two things: itself, which is there before anything is
wired since its address is needed first, and its release, put in place at once. Who calls one that is no web action
needs the namespace's only key, which opens everything in the namespace: an action that another function calls is
therefore a raw web action, and hyfn's keys alone say who may. No action is given the key.

Whoever invokes an action may give parameters, and those named like its variables would become variables
(partitionArguments in ContainerProxy.scala): `final` refuses them, for web actions and all others
(hasFinalParamsAnnotation in WhiskAction.scala, and activate in Actions.scala of apache/openwhisk).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hyfn.clouds.openwhisk import access, pack
from hyfn.errors import ConfigError
from hyfn.resource import Json, Key, Phase, Resource, Wanted

CLOUD = "openwhisk"
PACKAGE, ACTION, RELEASE, TRIGGER, RULE = "package", "action", "release", "trigger", "rule"
COLLECTIONS = {PACKAGE: "packages", ACTION: "actions", RELEASE: "actions", TRIGGER: "triggers", RULE: "rules"}
WEB = "web"
"""The door of a raw web action, as hyfn.clouds.openwhisk.call has it; "" is the API's."""
SWITCHES = ("web-export", "raw-http", "final", "web-custom-options", "provide-api-key", "require-whisk-auth")
"""Annotations that say who may call, and how (docs/annotations.md): each is stated, since one that is left out may stay
as it was."""


def resources(wanted: Wanted) -> Sequence[Resource]:
    """Raises ConfigError for IBM's platform."""
    target = wanted.target
    if target.platform != CLOUD:
        who = pack.terms(target).platform
        raise ConfigError(
            f"hyfn builds and runs functions for {who}, and does not ship there yet", where=_where(wanted)
        )
    scope = str(target.options.get("namespace") or access.namespace()).strip("/")
    package = str(target.options.get("package") or "")
    name = f"{package}/{wanted.name}" if package else wanted.name
    manifest = pack.packer.manifest(wanted.function, target, wanted.name, "")
    action, holder = Key(CLOUD, scope, ACTION, name), Key(CLOUD, scope, PACKAGE, package)
    release, party, door = Key(CLOUD, scope, RELEASE, name), wanted.party, _door(wanted)
    body = _release(manifest["action"], door, wanted.artifact.digest)
    return [
        *([Resource(holder, Phase.IDENTITY, party, {"publish": False})] if package else []),
        Resource(action, Phase.CODE, party, {"door": door}, is_endpoint=True),
        Resource(release, Phase.FLIP, party, body, [action], wanted.artifact.path, is_wired=True),
        *_waking(manifest, scope, party),
    ]


def _where(wanted: Wanted) -> str:
    return str(wanted.target.place)


def _door(wanted: Wanted) -> str:
    """How it is called: by the API where only those call it who have the namespace's key, as its user's laptop."""
    is_page = any(trigger.kind == "http" for trigger in wanted.function.triggers)
    return WEB if wanted.target.options.get("web") or is_page or wanted.is_far or wanted.is_near else ""


def _release(action: Mapping[str, Any], door: str, code: str) -> Json:
    stated = {each["key"]: each["value"] for each in action["annotations"]}
    web = {"web-export": door == WEB, "raw-http": door == WEB}
    switches = {**dict.fromkeys(SWITCHES, False), **stated, **web, "final": True}
    return {
        "kind": action["exec"]["kind"],
        "main": action["exec"]["main"],
        "code": code,
        "limits": dict(action["limits"]),
        "switches": switches,
        "env": {each["key"]: each["value"] for each in action["parameters"]},
    }


def _waking(manifest: Mapping[str, Any], scope: str, party: str) -> Iterator[Resource]:
    for name, trigger in manifest["triggers"].items():
        feed = manifest["feeds"].get(name)
        said = {key: value for key, value in feed["parameters"].items() if key not in OF_FEEDS} if feed else {}
        parameters = {each["key"]: each["value"] for each in trigger["parameters"]}
        body = {"parameters": parameters, "feed": feed["action"] if feed else "", "said": said}
        yield Resource(Key(CLOUD, scope, TRIGGER, name), Phase.TRIGGER, party, body)
    for name, rule in manifest["rules"].items():
        trigger, action = _local(rule["trigger"]), _local(rule["action"])
        body = {"trigger": trigger, "action": action, "status": "active"}
        needs = [Key(CLOUD, scope, TRIGGER, trigger)]
        yield Resource(Key(CLOUD, scope, RULE, name), Phase.TRIGGER, party, body, needs)


OF_FEEDS = ("lifecycleEvent", "triggerName", "authKey")
"""What each feed's action is told by whoever makes a trigger (docs/feeds.md)."""


def _local(path: str) -> str:
    """A name as it is within its namespace."""
    return path.strip("/").partition("/")[2]
