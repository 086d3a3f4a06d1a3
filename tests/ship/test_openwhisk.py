"""What is OpenWhisk's own in a ship: doors, variables, versions, feeds and rules; and how strict its fake is."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hyfn.clouds.openwhisk import access
from hyfn.clouds.openwhisk.call import caller
from hyfn.clouds.openwhisk.live import marks
from hyfn.clouds.openwhisk.ship import OpenWhiskShipper
from hyfn.errors import ConfigError, MachineError, ShipError
from hyfn.wire.carrier import Endpoint
from hyfn.wiring import read
from tests.fakes.openwhisk import KEY, OpenWhisk
from tests.ship.inplace import NOTHING, Making, World, desired, keys_of

__all__ = ["desired"]
pytestmark = pytest.mark.spec

SOURCE = """
from hyfn import Event, aws, on, openwhisk


@openwhisk(package="tools", env={"MODE": "fast"})
def price(name: str) -> int:
    return len(name)


@openwhisk
@on.schedule("every 5 minutes")
@on.event("shop.paid")
def tick(event: Event) -> None:
    price(event.id)


@openwhisk
@on.http("/hello")
def hello() -> str:
    return "hello"
"""
FRAME = bytes(range(64))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with OpenWhisk() as fake:
        for name, value in fake.env.items():
            monkeypatch.setenv(name, value)
        with contextlib.closing(OpenWhiskShipper(0.001)) as shipper:
            yield World(fake, tmp_path / "state", shipper)


def fake(world: World) -> OpenWhisk:
    assert isinstance(world.fake, OpenWhisk)
    return world.fake


def named(world: World, kind: str, short: str) -> str:
    [name] = [name for each, name in fake(world).entities if each == kind and short in name]
    return name


def urls(world: World, wanted: Any) -> dict[str, tuple[str, str]]:
    found = world.observed(wanted)
    shown = {key.name: live.outputs for key, live in found.items() if live.outputs}
    return {
        short: (outputs["door"], outputs["url"].removeprefix(world.fake.url))
        for name, outputs in shown.items()
        for short in ("price", "tick", "hello")
        if short in name
    }


def test_what_another_function_calls_is_a_web_action_and_all_else_needs_the_key(world: World, desired: Making) -> None:
    wanted = desired(SOURCE)
    world.ship(wanted)
    world.is_settled(wanted)
    found = urls(world, wanted)
    assert found["price"][0] == found["hello"][0] == "web"
    assert found["price"][1].startswith("/api/v1/web/guest/tools/shop-test-price-")
    assert found["hello"][1].startswith("/api/v1/web/guest/default/shop-test-hello-")
    assert found["tick"][0] == ""
    assert found["tick"][1].startswith("/api/v1/namespaces/guest/actions/shop-test-tick-")
    for short in ("price", "hello", "tick"):
        switches = marks(fake(world).entities["actions", named(world, "actions", short)])
        assert (switches["web-export"], switches["raw-http"]) == (short != "tick",) * 2
        assert switches["final"] is True
        assert switches["provide-api-key"] is False


def test_wiring_is_a_variable_and_stands_nowhere_else(world: World, desired: Making) -> None:
    wanted = desired(SOURCE)
    world.ship(wanted)
    name = named(world, "actions", "price")
    entity = fake(world).entities["actions", name]
    parameters = {each["key"]: each for each in entity["parameters"]}
    assert parameters.keys() == {"HYFN_WIRING", "MODE"}
    assert all(each["init"] is True for each in parameters.values())
    wiring = read({"HYFN_WIRING": fake(world).wirings[name]})
    assert wiring is not None
    assert wiring.name == "app:price@openwhisk"
    assert {each.issuer for each in wiring.callers.values()} >= {"shop/test/app:tick@openwhisk"}
    shown = json.dumps([each["annotations"] for each in fake(world).entities.values()]) + world.record
    assert not [key for key in (*keys_of(wanted), KEY.partition(":")[2]) if key in shown]


def test_an_operator_may_have_parameters_encrypted(world: World, desired: Making) -> None:
    fake(world).encrypts = True
    wanted = desired(SOURCE)
    world.ship(wanted)
    world.is_settled(wanted)
    action = fake(world).entities["actions", named(world, "actions", "price")]
    assert "fast" not in {each["value"] for each in action["parameters"]}
    assert world.ship(wanted) == []


def test_code_that_somebody_else_changed_is_seen_by_its_version(world: World, desired: Making) -> None:
    """Though hyfn does not fetch it."""
    wanted = desired(SOURCE)
    world.ship(wanted)
    name = named(world, "actions", "price")
    theirs = {"exec": {"kind": "python:3.12", "code": "def main(args): return {}"}}
    path = f"{world.fake.url}/api/v1/namespaces/_/actions/{name}"
    auth = (KEY.partition(":")[0], KEY.partition(":")[2])
    assert httpx.put(path, params={"overwrite": "true"}, json=theirs, auth=auth).status_code == 200
    planned, _ = world.plan(wanted)
    [drift] = planned.drift
    assert drift.is_in_the_way
    assert "changed by somebody else, in version 0.0.3" in " ".join(drift.said)
    assert world.ship(wanted) == [f"update release {name}"]
    world.is_settled(wanted)
    assert fake(world).entities["actions", name]["exec"]["binary"] is True


def test_edges_alone_send_no_code(world: World, desired: Making) -> None:
    world.ship(desired(SOURCE.replace("    price(event.id)", "    print(event.id)")))
    fake(world).codes.clear()
    wanted = desired(SOURCE)
    world.ship(wanted)
    world.is_settled(wanted)
    assert {name.partition("-test-")[2][:4] for name in fake(world).codes} == {"tick"}


def test_a_feed_is_told_to_begin_and_to_end(world: World, desired: Making) -> None:
    world.ship(desired(SOURCE))
    [(name, alarm)] = fake(world).alarms.items()
    assert (alarm["minutes"], alarm["trigger_payload"]) == (5, {"schedule": "every 5 minutes"})
    assert alarm["triggerName"] == f"/_/{name}"
    other = desired(SOURCE.replace("every 5", "every 7"))
    world.ship(other)
    world.is_settled(other)
    [alarm] = fake(world).alarms.values()
    assert alarm["minutes"] == 7
    world.ship(NOTHING)
    assert fake(world).left() == set()


def test_a_feed_that_was_not_told_is_told_again(world: World, desired: Making) -> None:
    wanted = desired(SOURCE)
    world.ship(wanted)
    [name] = fake(world).alarms
    trigger = fake(world).entities["triggers", name]
    for each in trigger["annotations"]:
        if each["key"] == "hyfn:fed":
            each["value"] = ""
    fake(world).alarms.clear()
    assert world.ship(wanted) == [f"update trigger {name}"]
    assert list(fake(world).alarms) == [name]
    world.is_settled(wanted)


def test_what_a_feed_says_is_shown_without_the_key(world: World, desired: Making) -> None:
    fake(world).alarms["x"] = {}
    source = SOURCE.replace('@on.schedule("every 5 minutes")', '@on.stream("clicks", connection="k:9092", via="kafka")')
    with pytest.raises(ShipError, match="The requested resource does not exist") as raised:
        world.ship(desired(source))
    assert KEY.partition(":")[2] not in str(raised.value)


def test_a_rule_that_was_switched_off_is_switched_on_again(world: World, desired: Making) -> None:
    wanted = desired(SOURCE)
    world.ship(wanted)
    trigger = fake(world).entities["triggers", "shop.paid"]
    for rule in trigger["rules"].values():
        rule["status"] = "inactive"
    [change] = world.plan(wanted)[0].changes
    assert list(change.reasons) == ["status inactive → active"]
    world.ship(wanted)
    world.is_settled(wanted)


@pytest.mark.parametrize("change", [lambda each: each.update(value="{}"), lambda each: each.clear()])
def test_wiring_that_was_changed_is_put_right(
    world: World, desired: Making, change: Callable[[dict[str, Any]], None]
) -> None:
    wanted = desired(SOURCE)
    world.ship(wanted)
    entity = fake(world).entities["actions", named(world, "actions", "tick")]
    for each in entity["parameters"]:
        change(each)
    entity["parameters"] = [each for each in entity["parameters"] if each]
    [found] = world.plan(wanted)[0].changes
    assert found.reasons[0] in ("its wiring was changed", "its wiring is gone")
    world.ship(wanted)
    world.is_settled(wanted)


def test_ibm_s_platform_is_refused_plainly(desired: Making) -> None:
    with pytest.raises(ConfigError, match=r"app.py:4: hyfn builds .* Code Engine, and does not ship there yet"):
        desired("from hyfn import ibm\n\n\n@ibm\ndef f() -> None: ...\n")


def test_host_and_key_are_where_wsk_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WHISK_APIHOST", "WHISK_AUTH", "WHISK_NAMESPACE", "__OW_API_HOST", "__OW_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WSK_CONFIG_FILE", str(tmp_path / "props"))
    with pytest.raises(MachineError, match="no host of OpenWhisk's is known here"):
        access.access()
    (tmp_path / "props").write_text("APIHOST=whisk.example\nAUTH=name:key\n\nNAMESPACE=shop\n")
    found = access.access()
    assert (found.host, found.key, access.namespace()) == ("https://whisk.example", "name:key", "shop")
    assert "key" not in repr(found)
    monkeypatch.setenv("WHISK_APIHOST", "http://127.0.0.1:1/")
    assert access.access().host == "http://127.0.0.1:1"


def test_a_laptop_shows_the_key_to_its_own_openwhisk_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYFN_WIRING", raising=False)
    monkeypatch.setenv("WHISK_APIHOST", "https://whisk.example")
    monkeypatch.setenv("WHISK_AUTH", "name:key")
    own = "https://whisk.example/api/v1/namespaces/guest/actions/f?blocking=true&result=true"
    expected = f"Basic {base64.b64encode(b'name:key').decode()}"
    for url, shown in (
        (own, expected),
        (own.replace("whisk.example", "whisk.example.evil"), None),
        (own.replace("https", "http"), None),
    ):
        assert caller.request(Endpoint("openwhisk", "app:f", url), FRAME).headers.get("Authorization") == shown
    monkeypatch.setenv("HYFN_WIRING", "{}")
    assert "Authorization" not in caller.request(Endpoint("openwhisk", "app:f", own), FRAME).headers


ACTION = {"exec": {"kind": "python:3.12", "code": "def main(args): return {}"}}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("PUT", "actions/a", {}, 400, "exec undefined"),
        ("PUT", "actions/a", {"exec": {"kind": "python:9", "code": "x"}}, 400, "kind 'python:9' not in"),
        ("PUT", "actions/a", {"exec": {"kind": "python:3.12", "code": "eA==", "binary": True}}, 400, "no zip"),
        ("PUT", "actions/a", {**ACTION, "limits": {"memory": 64}}, 400, "memory 64"),
        ("PUT", "actions/a", {**ACTION, "parameters": [{"key": "a"}]}, 400, "parameters malformed"),
        ("PUT", "actions/a", {**ACTION, "parameters": [{"key": "a", "value": "x" * 2**20}]}, 413, "larger than"),
        ("PUT", "actions/a", {**ACTION, "colour": "red"}, 400, "unknown ['colour']"),
        ("PUT", "actions/-a", ACTION, 400, "illegal characters"),
        ("PUT", f"actions/{'a' * 257}", ACTION, 400, "longer than allowed"),
        ("PUT", "actions/none/a", ACTION, 404, "does not exist"),
        ("PUT", "actions/there", ACTION, 409, "resource already exists"),
        ("PUT", "triggers/there", {}, 409, "is not in this collection"),
        ("PUT", "rules/r", {"trigger": "/_/none", "action": "/_/there"}, 400, "trigger /guest/none does not exist"),
        ("GET", "actions/none", None, 404, "does not exist"),
        ("DELETE", "rules/none", None, 404, "does not exist"),
    ],
)
def test_the_fake_refuses_what_openwhisk_refuses(
    world: World, method: str, path: str, body: Any, status: int, said: str
) -> None:
    with httpx.Client(base_url=f"{world.fake.url}/api/v1/namespaces/_/", auth=tuple(KEY.split(":"))) as client:  # type: ignore[arg-type]
        assert client.put("actions/there", json=ACTION).status_code == 200
        answer = client.request(method, path, json=body)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text


@pytest.mark.parametrize("auth", [None, ("name", "wrong")])
def test_the_fake_wants_the_key(world: World, auth: tuple[str, str] | None) -> None:
    assert httpx.get(f"{world.fake.url}/api/v1/namespaces/_/actions", auth=auth).status_code == 401


def test_a_wrong_key_is_one_line(world: World, desired: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = desired(SOURCE)
    monkeypatch.setenv("WHISK_AUTH", "name:wrong")
    with pytest.raises(ShipError, match=r"OpenWhisk refused GET of .*: The supplied authentication is invalid \(401\)"):
        world.ship(wanted)
