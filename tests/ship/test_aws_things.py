"""Each thing of a Lambda by itself: what is seen of it, what is put right, and what the stand-in for AWS refuses."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hyfn.clouds.aws import changes, control
from hyfn.clouds.aws import ship as ships
from hyfn.errors import Changed, ShipError
from hyfn.project import probing, shipping
from hyfn.project.desired import Desired
from hyfn.resource import Order, Resource
from tests.fakes.aws import ACCOUNT, REGION, Fake
from tests.ship.driving import Driven

pytestmark = pytest.mark.spec

APP = """
from hyfn import Event, aws, on


@aws
def double(n: int) -> int:
    return 2 * n


@aws(group="all")
@on.stream("clicks", start="latest")
@on.queue("orders", batch=5)
def order(event: Event[str]) -> None:
    double(1)


@aws(group="all")
@on.queue("orders", batch=8)
def audit(event: Event[str]) -> None: ...
"""
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'
MANAGED = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    with Fake(tmp_path_factory.mktemp("aws")).running() as fake:
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


def destroy(driven: Driven) -> None:
    """With what others changed."""
    shipping.destroy(driven.site, lambda _: True, lambda _: None, lambda *_: None)


@pytest.fixture
def driven(fake: Fake, project: Driven) -> Iterator[Driven]:
    (project.folder / "app.py").write_text(APP)
    yield project
    destroy(project)
    assert fake.left() == []


@pytest.fixture
def shipped(driven: Driven) -> Desired:
    desired = driven.desired()
    driven.ship(desired)
    driven.is_settled(desired)
    return desired


def only(desired: Desired, kind: str, name: str) -> Resource:
    return next(each for each in desired.resources if each.key.kind == kind and name in each.key.name)


def overwritten(driven: Driven, desired: Desired) -> list[str]:
    """What was reported as somebody else's change, which is then undone."""
    found = shipping.planned(driven.site, desired).plan.drift
    shipping.ship(driven.site, desired, lambda _: True, lambda _: None, lambda *_: None)
    driven.is_settled(desired)
    return [f"{drift.key.kind}: {said}" for drift in found for said in drift.said]


def test_of_versions_with_the_same_code_the_last_stays(fake: Fake, driven: Driven, shipped: Desired) -> None:
    """Their edges were others: each replaces the one before."""
    version = only(shipped, "version", "double")
    for number, edges in (("2", "a" * 16), ("3", version.body["edges"])):
        other = replace(version, body={**version.body, "edges": edges})
        desired = replace(shipped, resources=[other if each is version else each for each in shipped.resources])
        driven.ship(desired)
        driven.is_settled(desired)
        [function] = [each for name, each in fake.functions.functions.items() if "double" in name]
        assert list(function["versions"]) == [number]
        assert function["aliases"]["live"]["FunctionVersion"] == number


def test_functions_that_wait_for_one_queue_have_one_mapping(fake: Fake, shipped: Desired) -> None:
    [queue] = [each for each in fake.functions.mappings.values() if ":sqs:" in each["EventSourceArn"]]
    assert queue["BatchSize"] == 8


def test_where_a_stream_is_read_from_is_said_when_it_is_made(fake: Fake, driven: Driven, shipped: Desired) -> None:
    before = set(fake.functions.mappings)
    changed = driven.desired(app=APP.replace('"latest"', '"earliest"'))
    driven.ship(changed)
    driven.is_settled(changed)
    [stream] = [each for each in fake.functions.mappings.values() if ":kinesis:" in each["EventSourceArn"]]
    assert stream["StartingPosition"] == "TRIM_HORIZON"
    assert stream["UUID"] not in before


def test_what_others_attach_to_a_role_is_seen_and_taken_off(fake: Fake, driven: Driven, shipped: Desired) -> None:
    name = next(name for name in fake.iam.roles if "double" in name)
    fake.iam.roles[name]["attached"].append(MANAGED)
    assert overwritten(driven, shipped) == [f"role: attached [] → ['{MANAGED}']"]
    assert fake.iam.roles[name]["attached"] == []


def test_a_mapping_that_others_turn_off_is_turned_on(fake: Fake, driven: Driven, shipped: Desired) -> None:
    next(iter(fake.functions.mappings.values())).update(Enabled=False, State="Disabled")
    assert overwritten(driven, shipped) == ["event-source-mapping: Enabled True → False"]


@pytest.mark.parametrize("kind", ["role", "policy", "log-group", "function", "traffic"])
def test_what_was_changed_since_the_plan_is_not_overwritten(
    fake: Fake, driven: Driven, shipped: Desired, kind: str
) -> None:
    resource = only(shipped, kind, "double")
    there = shipping.planned(driven.site, shipped).live[resource.key]
    [(name, function)] = [each for each in fake.functions.functions.items() if "double" in each[0]]
    spoil: dict[str, Any] = {
        "role": lambda: fake.iam.roles[name]["attached"].append(MANAGED),
        "policy": lambda: fake.iam.roles[name]["policies"]["logs"]["Statement"][0].update(Effect="Deny"),
        "log-group": lambda: fake.log_groups[f"/aws/lambda/{name}"].update(retentionInDays=1),
        "function": lambda: function["latest"].update(MemorySize=512, RevisionId="theirs"),
        "traffic": lambda: function["aliases"]["live"].update(RevisionId="theirs"),
    }
    spoil[kind]()
    before = list(fake.mutations)
    with pytest.raises(Changed):
        ships.shipper.put(Order(driven.site.stage, resource, there.body, there, None, "token"))
    assert fake.mutations == before


def test_a_log_group_of_somebody_else_s_is_refused_and_left(fake: Fake, driven: Driven) -> None:
    desired = driven.desired()
    name = only(desired, "log-group", "double").body["name"]
    ships.Boto(REGION).call("logs", "create_log_group", logGroupName=name)
    try:
        with pytest.raises(ShipError, match=r"log-group shop-dev-double-\w+ is there already"):
            driven.ship(desired)
        destroy(driven)
        assert fake.left() == [name]
    finally:
        fake.log_groups.clear()


def test_keys_that_have_no_room_are_said_with_the_figures(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "ENVIRONMENT", 400)
    with pytest.raises(ShipError, match=r"with the keys of its edges, are \d{3} bytes, and Lambda takes 400"):
        driven.ship(driven.desired())


def test_the_region_may_be_the_environment_s(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    assert {each.key.scope for each in driven.desired().resources} == {"ap-south-1"}


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("app.py", "")
    return content.getvalue()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"Code": {"ZipFile": b"none"}}, "Could not unzip"),
        ({"Runtime": "python9"}, "Runtime"),
        ({"MemorySize": 64}, "MemorySize"),
        ({"FunctionName": "a b"}, "must satisfy"),
        ({"Role": f"arn:aws:iam::{ACCOUNT}:role/none"}, "does not exist"),
        ({"Environment": {"Variables": {"A": "x" * 4096}}}, "exceed the 4 KB limit"),
    ],
)
def test_the_stand_in_refuses_a_function_that_aws_refuses(
    fake: Fake, shipped: Desired, given: dict[str, Any], said: str
) -> None:
    role = next(name for name in fake.iam.roles if "double" in name)
    right = {
        "FunctionName": "other",
        "Runtime": "python3.13",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/{role}",
        "Handler": "app.handler",
        "Code": {"ZipFile": archive()},
    }
    before = fake.left()
    with pytest.raises(ShipError, match=said):
        ships.Boto(REGION).call("lambda", "create_function", **(right | given))
    assert fake.left() == before


def test_the_stand_in_has_lambda_s_states(fake: Fake, shipped: Desired) -> None:
    aws = ships.Boto(REGION)
    name = next(name for name in fake.functions.functions if "double" in name)
    with pytest.raises(Changed):
        aws.call("lambda", "update_function_configuration", FunctionName=name, MemorySize=256, RevisionId="stale")
    with pytest.raises(Changed):
        aws.call("lambda", "update_alias", FunctionName=name, Name="live", FunctionVersion="1", RevisionId="stale")
    with pytest.raises(ShipError, match="ResourceConflictException"):
        aws.call("lambda", "delete_function", FunctionName=name, Qualifier="1")
    aws.call("lambda", "update_function_configuration", FunctionName=name, Description="theirs")
    with pytest.raises(ShipError, match="ResourceConflictException"):
        aws.call("lambda", "update_function_configuration", FunctionName=name, Description="ours")
    assert re.fullmatch(r"\d+", fake.functions.functions[name]["aliases"]["live"]["FunctionVersion"])
