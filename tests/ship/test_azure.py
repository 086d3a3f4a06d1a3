"""hyfn ship to Azure: from the first ship to nothing, against our own stand-in for ARM."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyfn.clouds.azure import ship as azure
from hyfn.errors import ConfigError, HyfnError
from tests.fakes.azure import TOKEN, Fake
from tests.ship.driving import Driven, short_leases

pytestmark = pytest.mark.spec
__all__ = ["short_leases"]

APP = """
from hyfn import azure

@azure(auth_level="anonymous", region="westeurope", resource_group="shop")
def double(n: int) -> int:
    return 2 * n

@azure(auth_level="anonymous", region="westeurope", resource_group="shop", memory=512, env={"COLOUR": "red"})
def quadruple(n: int) -> int:
    return double(double(n))
"""
PROJECT = '[project]\nname = "maths"\nversion = "1"\nrequires-python = ">=3.11"\n'


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    with Fake() as fake:
        monkeypatch.setenv("HYFN_AZURE_ENDPOINT", fake.origin)
        monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", "00000000-0000-0000-0000-000000000001")
        made = azure.AzureShipper(lambda: TOKEN, lambda host: f"{fake.origin}/scm/{host}", 0.001)
        monkeypatch.setattr(azure, "shipper", made)
        yield fake
        made.close()


@pytest.fixture
def driven(tmp_path: Path, fake: Fake) -> Driven:
    return Driven(tmp_path / "maths", {"app.py": APP, "pyproject.toml": PROJECT})


def test_a_story_from_the_first_ship_to_nothing(fake: Fake, driven: Driven) -> None:
    wanted = driven.desired()
    driven.ship(wanted)
    driven.is_settled(wanted)
    before = list(fake.mutations)
    driven.ship(wanted)
    assert fake.mutations == before

    changed = driven.desired(app=APP.replace("2 * n", "2 * n + 1"))
    driven.ship(changed)
    driven.is_settled(changed)
    published = [path.split("/")[2] for _, path in fake.mutations[len(before) :] if path.endswith("/api/publish")]
    old = {each.key: each.body.get("code") for each in wanted.resources}
    other = {each.key.name for each in changed.resources if each.body.get("code") != old[each.key]}
    assert sorted(published) == sorted(f"{name}.scm.azurewebsites.net" for name in other)

    driven.destroy()
    assert fake.left() == []


def test_what_somebody_else_changed_is_seen_and_left(fake: Fake, driven: Driven) -> None:
    wanted = driven.desired()
    driven.ship(wanted)
    [app] = [path for path in fake.left() if "/sites/" in path and "quadruple" in path]
    fake.settings[app]["COLOUR"] = "blue"
    with pytest.raises(HyfnError, match=r"env\.COLOUR red → blue"):
        driven.ship(wanted)
    assert fake.settings[app]["COLOUR"] == "blue"


def test_an_app_of_somebody_elses_is_refused_and_left(fake: Fake, driven: Driven) -> None:
    wanted = driven.desired()
    driven.ship(wanted)
    [app] = [path for path in fake.left() if "/sites/" in path and "double" in path]
    fake.things[app]["tags"] = {"owner": "them"}
    with pytest.raises(HyfnError, match="is there already"):
        driven.ship(wanted)
    assert fake.things[app]["tags"] == {"owner": "them"}


@pytest.mark.parametrize(("number", "how"), [(3, "500"), (6, "throttle"), (9, "timeout-after")])
def test_a_change_may_fail_once(fake: Fake, driven: Driven, number: int, how: str) -> None:
    wanted = driven.desired()
    fake.fail_next(number, how)
    for _ in range(3):
        try:
            driven.ship(wanted)
            break
        except HyfnError:
            continue
    assert fake.failing[0] == 0
    driven.is_settled(wanted)


def test_no_key_stands_but_in_the_wiring(fake: Fake, driven: Driven) -> None:
    wanted = driven.desired()
    driven.ship(wanted)
    keys = set()
    for party in wanted.graph.parties:
        document = wanted.graph.wiring(party, driven.site.stage, driven.site.secret, {})
        keys |= {each["key"] for each in document["callers"].values()}
    assert keys
    settings = [{name: each[name] for name in each if name != "HYFN_WIRING"} for each in fake.settings.values()]
    record = (driven.folder / ".hyfn" / "state" / "dev.json").read_text()
    seen = json.dumps([fake.things, settings]) + record
    assert not [key for key in keys if key in seen]


def test_what_cannot_be_shipped_yet_is_said(driven: Driven) -> None:
    with pytest.raises(ConfigError, match="function key"):
        driven.desired(app=APP.replace('auth_level="anonymous", ', ""))
    with pytest.raises(ConfigError, match="no resource_group"):
        driven.desired(app=APP.replace(', resource_group="shop"', ""))


@pytest.mark.parametrize(
    ("token", "target", "status"),
    [
        ("wrong", "/x/sites/a?api-version=2024-04-01", 401),
        (TOKEN, "/x/sites/a", 400),
        (TOKEN, "/x/sites/a?api-version=2024-04-01", 404),
    ],
)
def test_the_stand_in_refuses_what_azure_refuses(fake: Fake, token: str, target: str, status: int) -> None:
    connection = http.client.HTTPConnection(fake.origin.removeprefix("http://"))
    connection.request("GET", target, headers={"Authorization": f"Bearer {token}"})
    assert connection.getresponse().status == status
    connection.close()
