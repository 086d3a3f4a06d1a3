"""What invokes a Lambda, shipped to a strict AWS: rules, schedules, subscriptions, and the leave that each has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hyfn.clouds.aws import control
from hyfn.clouds.aws import ship as ships
from hyfn.errors import Changed, HyfnError, ShipError
from hyfn.project import probing, shipping
from hyfn.project.desired import Desired
from hyfn.resource import Key, Order
from tests.fakes.aws import Fake
from tests.ship.driving import Driven

pytestmark = pytest.mark.spec

APP = """
from hyfn import Blob, Event, aws, on


@aws(group="all")
@on.schedule("0 6 * * *", timezone="Europe/Berlin")
def nightly(event: Event) -> None: ...


@aws(group="all")
@on.topic("news")
def read(event: Event[str]) -> None: ...


@aws(group="all")
@on.blob("invoices", prefix="in/")
def scan(event: Event[Blob]) -> None: ...


@aws(group="all")
@on.event("com.acme.order", source="/shop")
def order(event: Event) -> None: ...
"""
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'
TOLD = ("grant", "rule", "schedule", "subscription")


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    with Fake(tmp_path_factory.mktemp("aws")).running() as fake:
        fake.events.topics.add("news")
        yield fake


@pytest.fixture(autouse=True)
def patched(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt at each call, short pauses, and no probes: nothing runs here."""
    for name, value in fake.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ships, "RETRIES", {"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setattr(control, "FIRST", 0.001)
    monkeypatch.setattr(probing, "probe", lambda *_: None)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    return Driven(tmp_path_factory.mktemp("project"), {"app.py": APP, "pyproject.toml": PROJECT})


@pytest.fixture
def driven(fake: Fake, project: Driven) -> Iterator[Driven]:
    (project.folder / "app.py").write_text(APP)
    yield project
    fake.failure = None
    project.destroy()
    assert fake.left() == []


def only(desired: Desired, kind: str) -> Any:
    return next(each for each in desired.resources if each.key.kind == kind)


def without(desired: Desired, *kinds: str) -> Desired:
    return replace(desired, resources=[each for each in desired.resources if each.key.kind not in kinds])


def live(driven: Driven, desired: Desired, key: Key) -> Any:
    return shipping.planned(driven.site, desired).live.get(key)


def test_everything_reaches_the_alias_and_shipping_twice_changes_nothing(fake: Fake, driven: Driven) -> None:
    desired = driven.desired()
    driven.ship(desired)
    driven.is_settled(desired)
    reaching = list(fake.events.reaching())
    assert len(reaching) == 4
    assert all(arn.endswith(":live") for _, arn in reaching)
    before = list(fake.mutations)
    assert driven.ship(desired).plan.is_empty
    assert fake.mutations == before


def test_they_are_as_aws_has_them(fake: Fake, driven: Driven) -> None:
    driven.ship(driven.desired())
    [schedule] = fake.events.schedules.values()
    assert schedule["ScheduleExpression"] == "cron(0 6 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert json.loads(schedule["Target"]["Input"])["detail"] == {"when": "0 6 * * *"}
    patterns = [json.loads(rule["EventPattern"]) for rule in fake.events.rules.values()]
    assert {"detail-type": ["com.acme.order"], "source": ["/shop"]} in patterns
    [change] = [each for each in patterns if each.get("source") == ["aws.s3"]]
    assert change["detail"] == {"bucket": {"name": ["invoices"]}, "object": {"key": [{"wildcard": "in/*"}]}}
    [subscription] = fake.events.subscriptions.values()
    assert subscription["TopicArn"].endswith(":news")


def test_each_leave_lets_in_one_source_alone(fake: Fake, driven: Driven) -> None:
    """Without one, exactly one is not let in; and none says "all"."""
    driven.ship(driven.desired())
    whole = set(fake.events.reaching())
    [function] = fake.functions.functions.values()
    assert len(function["policy"]) == 3
    lost: list[tuple[str, str]] = []
    for id in list(function["policy"]):
        grant = function["policy"].pop(id)
        assert "*" not in grant["SourceArn"]
        lost += whole - set(fake.events.reaching())
        function["policy"][id] = grant
    [role] = [role for name, role in fake.iam.roles.items() if name.endswith("-scheduler")]
    [[policy, document]] = role["policies"].items()
    assert "*" not in json.dumps(document["Statement"])
    role["policies"] = {}
    lost += whole - set(fake.events.reaching())
    role["policies"] = {policy: document}
    assert sorted(lost) == sorted(whole)


def test_a_trigger_that_changes_is_changed_and_one_that_goes_is_taken_away(fake: Fake, driven: Driven) -> None:
    driven.ship(driven.desired())
    changed = driven.desired(app=APP.replace('prefix="in/"', 'prefix="out/"').replace("0 6", "0 7"))
    driven.ship(changed)
    driven.is_settled(changed)
    assert [each["ScheduleExpression"] for each in fake.events.schedules.values()] == ["cron(0 7 * * ? *)"]
    assert any("out/*" in rule["EventPattern"] for rule in fake.events.rules.values())
    fewer = driven.desired(app=APP.split("@aws")[0] + "@aws" + APP.split("@aws")[2])
    driven.ship(fewer)
    driven.is_settled(fewer)
    assert (fake.events.rules, fake.events.schedules) == ({}, {})


@pytest.mark.parametrize("how", ["refused", "lost-answer"])
def test_whichever_call_fails_a_second_run_recovers(fake: Fake, driven: Driven, how: str) -> None:
    """Each call by which they come, and each by which they go. A refusal has no effect, whatever AWS calls it."""
    whole = driven.desired()
    none = without(whole, *TOLD)
    driven.ship(none)
    failed = {True: 0, False: 0}
    for number in range(20):
        for aim in (whole, none):
            fake.fail(number, how if how == "lost-answer" else ("500", "throttle")[number % 2])
            _converges(driven, aim)
            driven.is_settled(aim)
            failed[aim is whole] += fake.failure is not None and fake.failure.is_done
        if fake.failure is not None and not fake.failure.is_done:
            break
    assert failed == {True: 9, False: 9}


def _converges(driven: Driven, desired: Desired) -> None:
    for left in (2, 1, 0):
        try:
            driven.ship(desired)
        except HyfnError:
            if not left:
                raise
        else:
            return


BEHIND = {
    "rule": lambda fake: next(iter(fake.events.rules.values())).update(State="DISABLED"),
    "schedule": lambda fake: next(iter(fake.events.schedules.values())).update(State="DISABLED"),
    "subscription": lambda fake: fake.events.subscriptions.clear(),
    "grant": lambda fake: next(iter(fake.functions.functions.values()))["policy"].popitem(),
}


@pytest.mark.parametrize("kind", BEHIND)
def test_what_somebody_else_changed_is_seen_and_put_right(fake: Fake, driven: Driven, kind: str) -> None:
    desired = driven.desired()
    driven.ship(desired)
    BEHIND[kind](fake)
    planned = shipping.planned(driven.site, desired)
    assert [drift.key.kind for drift in planned.plan.drift] == [kind]
    shipping.ship(driven.site, desired, lambda _: True, lambda _: None, lambda *_: None)
    driven.is_settled(desired)
    assert len(list(fake.events.reaching())) == 4


@pytest.mark.parametrize("kind", ["rule", "schedule"])
def test_what_was_changed_since_the_plan_is_not_overwritten(fake: Fake, driven: Driven, kind: str) -> None:
    desired = driven.desired()
    driven.ship(desired)
    resource = only(desired, kind)
    there = live(driven, desired, resource.key)
    store = fake.events.rules if kind == "rule" else fake.events.schedules
    store[resource.key.name.partition("/")[2]]["State"] = "DISABLED"
    with pytest.raises(Changed, match="was changed meanwhile"):
        ships.shipper.put(Order(driven.site.stage, resource, resource.body, there, None, "token"))
    assert store[resource.key.name.partition("/")[2]]["State"] == "DISABLED"
    store[resource.key.name.partition("/")[2]]["State"] = "ENABLED"


@pytest.mark.parametrize("kind", ["rule", "schedule"])
def test_one_of_somebody_else_s_is_refused_and_left(fake: Fake, driven: Driven, kind: str) -> None:
    desired = driven.desired()
    driven.ship(desired)
    resource = only(desired, kind)
    name = resource.key.name.partition("/")[2]
    theirs = fake.events.rules[name] if kind == "rule" else fake.events.schedules[name]
    kept = dict(theirs)
    theirs |= {"Tags": [], "Description": "theirs"}
    assert shipping.planned(driven.site, desired).plan.foreign == [resource.key]
    with pytest.raises(ShipError, match="is not of this app and stage"):
        ships.shipper.put(Order(driven.site.stage, resource, resource.body, None, None, "token"))
    theirs.clear()
    theirs.update(kept)


def test_a_lost_record_is_made_again_and_nothing_is_left_in_the_end(fake: Fake, driven: Driven) -> None:
    desired = driven.desired()
    driven.ship(desired)
    (driven.folder / ".hyfn" / "state" / "dev.json").unlink()
    before = list(fake.mutations)
    driven.ship(desired)
    driven.is_settled(desired)
    assert fake.mutations == before


def test_a_topic_that_is_not_there_is_said_in_aws_s_words(fake: Fake, driven: Driven) -> None:
    fake.events.topics.clear()
    try:
        with pytest.raises(ShipError, match="AWS refused sns:subscribe: NotFound: Topic does not exist"):
            driven.ship(driven.desired())
    finally:
        fake.events.topics.add("news")
    driven.ship(driven.desired())
    assert len(list(fake.events.reaching())) == 4


def test_a_function_that_is_open_to_all_has_both_grants(fake: Fake, driven: Driven) -> None:
    page = "from hyfn import aws, on\n\n@aws\n@on.http('/hello')\ndef hello() -> str:\n    return 'hello'\n"
    desired = driven.desired(app=page)
    driven.ship(desired)
    driven.is_settled(desired)
    [function] = fake.functions.functions.values()
    assert {grant["Action"] for grant in function["policy"].values()} == {
        "lambda:InvokeFunction",
        "lambda:InvokeFunctionUrl",
    }
    function["policy"].popitem()
    assert [drift.said for drift in shipping.planned(driven.site, desired).plan.drift] == [["it is gone"]]
    driven.ship(desired)
    driven.is_settled(desired)


@pytest.mark.parametrize(
    ("service", "operation", "given", "said"),
    [
        ("events", "put_rule", {"Name": "a b", "EventPattern": '{"source": ["a"]}'}, "must satisfy"),
        ("events", "put_rule", {"Name": "a", "EventPattern": '{"source": "a"}'}, "InvalidEventPatternException"),
        ("events", "put_rule", {"Name": "a"}, "must be specified"),
        ("events", "put_targets", {"Rule": "none", "Targets": [{"Id": "a", "Arn": "b"}]}, "does not exist"),
        ("scheduler", "get_schedule", {"Name": "none"}, "does not exist"),
        ("sns", "subscribe", {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:none", "Protocol": "lambda"}, "NotFound"),
        ("lambda", "get_policy", {"FunctionName": "none", "Qualifier": "live"}, "ResourceNotFoundException"),
    ],
)
def test_the_stand_in_refuses_what_aws_refuses(
    fake: Fake, service: str, operation: str, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ShipError, match=said):
        ships.Boto("eu-west-1").call(service, operation, **given)
    assert fake.left() == []
