"""hyfn ship, by boto3, to a strict AWS: what stands there afterwards runs in Lambda's own runtime."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyfn import laptop
from tests.commands import Ran, hyfn, written
from tests.fakes.aws import Fake

pytestmark = pytest.mark.runtime

APP = """\
from hyfn import aws

@aws
def double(n: int) -> int:
    return 2 * n

@aws(memory=256)
def quadruple(n: int) -> int:
    return double(double(n))

if __name__ == "__main__":
    print(quadruple(5))
"""
PROJECT = '[project]\nname = "maths"\nversion = "1"\nrequires-python = ">=3.11"\n'


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    (tmp_path / "aws").mkdir()
    with Fake(tmp_path / "aws").running() as fake:
        yield fake


@pytest.fixture
def folder(tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in fake.env.items():
        monkeypatch.setenv(name, value)
    return written(tmp_path / "maths", {"app.py": APP, "pyproject.toml": PROJECT})


def ship(folder: Path, *more: str) -> Ran:
    ran = hyfn("ship", "--yes", *more, cwd=folder)
    assert ran.status == 0, ran.err
    return ran


def run(folder: Path) -> str:
    done = subprocess.run([sys.executable, "app.py"], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr


def test_a_story_from_the_first_ship_to_nothing(fake: Fake, folder: Path) -> None:
    """Shipped, called, shipped again, one function changed, rolled back, destroyed."""
    assert "NotShipped" in run(folder)
    shown = hyfn("ship", "--plan", cwd=folder)
    assert (shown.status, fake.mutations) == (2, [])
    assert "+ aws function maths-dev-double" in shown.out
    assert "+ edge app:quadruple@aws → app:double@aws" in shown.out

    assert ship(folder).out == f"{shown.out}maths is live on stage dev\n"
    assert run(folder) == "20"

    before = list(fake.mutations)
    assert ship(folder).out == "nothing to change\nmaths is live on stage dev\n"
    assert hyfn("ship", "--plan", cwd=folder).status == 0
    assert fake.mutations == before

    (folder / "app.py").write_text(APP.replace("2 * n", "2 * n + 1"))
    changed = ship(folder).out
    signs = re.findall(r"^([~+-]) aws (\w+) maths-dev-(\w+)", changed, re.MULTILINE)
    assert signs == [
        ("~", "function", "double"),
        ("+", "version", "double"),
        ("~", "traffic", "double"),
        ("-", "version", "double"),
    ]
    assert run(folder) == "23"

    back = hyfn("rollback", "--yes", cwd=folder)
    assert back.out.endswith("release 1 is live again\n"), back.err
    assert run(folder) == "20"
    listed = json.loads(hyfn("releases", "--json", cwd=folder).out)
    assert [each["number"] for each in listed] == [3, 2, 1]

    gone = hyfn("destroy", "--yes", cwd=folder)
    assert gone.out.endswith("nothing of maths is left on stage dev\n"), gone.err
    assert fake.left() == []
    assert not laptop.path(folder, "dev").exists()
    assert "NotShipped" in run(folder)


def test_a_changed_setting_is_the_reason_that_is_shown(folder: Path) -> None:
    ship(folder)
    (folder / "app.py").write_text(APP.replace("memory=256", "memory=512"))
    assert "~ aws function maths-dev-quadruple" in (said := ship(folder).out)
    assert "MemorySize 256 → 512" in said
    assert run(folder) == "20"


EDGES = """\
from hyfn import Forbidden, aws

@aws
def double(n: int) -> int:
    return 2 * n

@aws
def triple(n: int) -> int:
    return 3 * n

@aws
def six(n: int) -> int:
    return 3 * double(n)

@aws
def nine(n: int) -> int:
    return 3 * triple(n)

if __name__ == "__main__":
    for function in (six, nine):
        try:
            print(function(1))
        except Forbidden as error:
            print("forbidden" if "not authorized to perform: lambda:InvokeFunction" in str(error) else error)
"""


def test_every_grant_is_narrow_and_each_edge_needs_exactly_its_own(fake: Fake, folder: Path) -> None:
    (folder / "app.py").write_text(EDGES)
    ship(folder)
    assert run(folder).split() == ["6", "9"]
    edges = []
    for role, policy, statement in list(fake.iam.statements()):
        assert "*" not in "".join(statement["Action"])
        assert all(re.fullmatch(r"arn:aws:[a-z]+:[^*]+(:log-group:[^*]+:\*)?", arn) for arn in statement["Resource"])
        if policy.startswith("invoke-"):
            edges.append((role, policy))
    assert len(edges) == 2
    for role, policy in edges:
        kept = fake.iam.roles[role]["policies"].pop(policy)
        assert run(folder).split() == (["forbidden", "9"] if "double" in policy else ["6", "forbidden"])
        fake.iam.roles[role]["policies"][policy] = kept
    assert run(folder).split() == ["6", "9"]


def test_no_key_stands_where_it_could_be_read(fake: Fake, folder: Path) -> None:
    """Not in the plan, the record, an artifact, a description, a tag; what holds it is its owner's alone."""
    out = ship(folder, "--json").out
    wiring = json.loads(laptop.path(folder, "dev").read_text())
    keys = {route["key"] for callee in wiring["calls"].values() for route in callee["routes"]}
    secret = (folder / ".hyfn" / "secrets" / "dev").read_text().strip()
    assert len(keys) == 2
    state = (folder / ".hyfn" / "state" / "dev.json").read_text()
    functions = fake.functions.functions.values()
    seen = [
        *(str(each["tags"]) for each in functions),
        *(version["Description"] for each in functions for version in each["versions"].values()),
        *(each["latest"]["code"].hex() for each in functions),
    ]
    for text in (out, state, *seen):
        assert not [key for key in (*keys, secret) if key in text]
    for path in (laptop.path(folder, "dev"), folder / ".hyfn" / "secrets" / "dev"):
        assert path.stat().st_mode & 0o077 == 0


def test_another_machine_needs_the_secret_and_the_record(fake: Fake, folder: Path, tmp_path: Path) -> None:
    ship(folder)
    other = written(tmp_path / "other", {"app.py": APP, "pyproject.toml": PROJECT})
    (other / ".hyfn" / "state").mkdir(parents=True)
    (other / ".hyfn" / "state" / "dev.json").write_bytes((folder / ".hyfn" / "state" / "dev.json").read_bytes())
    refused = hyfn("ship", "--yes", cwd=other)
    assert refused.errors[0].startswith("the secret of maths, stage dev, is not on this machine (set HYFN_SECRET")
    (other / ".hyfn" / "secrets").mkdir()
    (other / ".hyfn" / "secrets" / "dev").write_text("ab" * 32)
    refused = hyfn("ship", "--yes", cwd=other)
    assert refused.errors[0].startswith("this is not the secret that maths, stage dev, was shipped with")
    (other / ".hyfn" / "secrets" / "dev").write_text((folder / ".hyfn" / "secrets" / "dev").read_text())
    before = list(fake.mutations)
    assert ship(other).out.startswith("nothing to change")
    assert fake.mutations == before
    assert run(other) == "20"


def test_nobody_to_agree_means_nothing_is_done(fake: Fake, folder: Path) -> None:
    said = hyfn("ship", cwd=folder)
    assert (said.status, fake.mutations) == (1, [])
    assert said.errors == ["nobody is there to agree to this plan (--yes agrees to it, --plan only shows it)"]


def test_what_somebody_else_changed_is_said_and_left(fake: Fake, folder: Path) -> None:
    ship(folder)
    [name] = [each for each in fake.functions.functions if "quadruple" in each]
    latest = fake.functions.functions[name]["latest"]
    latest |= {"MemorySize": 1024, "RevisionId": "theirs"}
    status = hyfn("status", cwd=folder)
    assert f"aws/eu-west-1/function/{name}: MemorySize 256 → 1024" in status.err
    refused = hyfn("ship", "--yes", cwd=folder)
    assert refused.status == 1
    assert f"changed by somebody else: function {name}: MemorySize 256 → 1024 (--overwrite" in refused.errors[0]
    assert latest["MemorySize"] == 1024
    ship(folder, "--overwrite")
    assert latest["MemorySize"] == 256


def test_a_function_of_somebody_elses_is_refused_and_left(fake: Fake, folder: Path) -> None:
    ship(folder)
    [name] = [each for each in fake.functions.functions if "double" in each]
    fake.functions.functions[name]["tags"] = {"owner": "them"}
    refused = hyfn("ship", "--yes", cwd=folder)
    said = f"function {name} is there already (aws, eu-west-1), and is not of this app and stage"
    assert refused.errors[0].startswith(said)
    assert fake.functions.functions[name]["tags"] == {"owner": "them"}


def test_a_lost_record_is_made_again_from_what_is_there(fake: Fake, folder: Path) -> None:
    ship(folder)
    (folder / ".hyfn" / "state" / "dev.json").unlink()
    before = list(fake.mutations)
    ship(folder)
    assert fake.mutations == before
    assert ship(folder).out.startswith("nothing to change")
    hyfn("destroy", "--yes", cwd=folder)
    assert fake.left() == []


def test_a_version_that_cannot_be_called_gets_no_traffic(fake: Fake, folder: Path) -> None:
    ship(folder)
    broken = APP.replace(
        "from hyfn import aws", 'import os\nfrom hyfn import aws\nif os.environ.get("HYFN_WIRING"): 1 / 0'
    )
    (folder / "app.py").write_text(broken)
    failed = hyfn("ship", "--yes", cwd=folder)
    assert failed.status == 1
    assert "nothing was switched over: what was live before still is" in failed.errors[0]
    (folder / "app.py").write_text(APP)
    assert run(folder) == "20"
    ship(folder)
    assert run(folder) == "20"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "InvalidSignatureException"),
        ("AWS_ACCESS_KEY_ID", "AKIANOBODY", "UnrecognizedClientException"),
    ],
)
def test_wrong_credentials_are_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    refused = hyfn("ship", "--yes", cwd=folder)
    assert refused.status == 1
    assert len(refused.errors) == 1
    assert said in refused.errors[0]


def test_a_queue_wakes_it_by_a_mapping_that_may_read_that_queue_alone(fake: Fake, folder: Path) -> None:
    source = (
        "from hyfn import Event, aws, on\n\n@aws\n@on.queue('orders', batch=5)\ndef order(e: Event[str]) -> None: ...\n"
    )
    (folder / "app.py").write_text(source)
    ship(folder)
    [mapping] = fake.functions.mappings.values()
    assert (mapping["BatchSize"], mapping["EventSourceArn"].rpartition(":")[2]) == (5, "orders")
    assert mapping["FunctionArn"].endswith(":live")
    (folder / "app.py").write_text(source.replace("batch=5", "batch=7"))
    assert "BatchSize 5 → 7" in ship(folder).out
    assert ship(folder).out.startswith("nothing to change")
    hyfn("destroy", "--yes", cwd=folder)
    assert fake.left() == []


def test_a_trigger_that_is_not_shipped_yet_is_said_with_its_line(fake: Fake, folder: Path) -> None:
    (folder / "app.py").write_text(
        "from hyfn import Event, aws, on\n\n@aws\n@on.stream('clicks', via='kafka', connection='k.example:9092')\n"
        "def click(event: Event[str]) -> None: ...\n"
    )
    refused = hyfn("ship", "--yes", cwd=folder)
    assert refused.errors[0].startswith("app.py:4: hyfn builds and emulates @on.kafka for AWS, and does not ship it")
    assert fake.mutations == []
