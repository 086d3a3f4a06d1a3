"""`hyfn emit`: in a running `hyfn dev`, and alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests import waking
from tests.commands import Command, Ran, hyfn, invoke

ORDER = '{"id": "a", "n": 1}'
POISON = '{"id": "b", "n": 13}'


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a project that `hyfn dev` keeps up."""
    folder = waking.write(tmp_path_factory.mktemp("emit"), "knative", ["event", "queue"])
    running = Command("dev", "--json", cwd=folder)
    try:
        running.until(lambda: '"url"' in running.out, 120)
        yield folder
    finally:
        running.signal(2)


def emit(folder: Path, *arguments: str) -> Ran:
    waking.recorded(folder)
    return invoke("emit", *arguments, "--path", folder)


def test_an_event_reaches_who_waits_for_it(dev: Path) -> None:
    ran = emit(dev, "event", "com.acme.order", ORDER, "--source", "/shop", "--subject", "s", "--attribute", "tenant=7")
    assert ran.status == 0, ran.err
    assert "on_event@knative" in ran.out
    [got] = waking.recorded(dev)
    assert (got["source"], got["subject"], got["data"]) == ("/shop", "s", {"id": "a", "n": 1})
    assert got["extensions"] == {"tenant": "7"}


def test_each_text_is_an_event_and_a_failure_is_told(dev: Path) -> None:
    ran = emit(dev, "queue", "orders", ORDER, POISON, "--json")
    assert ran.status == 1
    [delivery] = json.loads(ran.out)["deliveries"]
    assert delivery["party"] == "app:on_queue@knative"
    assert [delivery["delivered"][1]] == delivery["failed"]
    assert len(waking.recorded(dev)) == 1


def test_data_may_come_from_a_file(dev: Path, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text(ORDER)
    assert emit(dev, "queue", "orders", f"@{tmp_path / 'order.json'}").status == 0
    assert waking.recorded(dev)


@pytest.mark.parametrize(
    "arguments, status, words",
    [
        (
            ["event", "com.acme.other"],
            1,
            "no function waits for the event com.acme.other (waiting are: com.acme.order)",
        ),
        (["topic", "news", "x"], 1, "no function waits for the topic news (no function has @on.topic)"),
        (["queue"], 2, "of what? hyfn emit queue RESOURCE"),
        (["blob", "invoices"], 1, "'invoices' names no file in a container: write container/name"),
        (["queue", "orders", "@/nowhere"], 1, "/nowhere cannot be read"),
        (["queue", "orders", "1", "2", "--id", "7"], 1, "several events cannot have one id"),
        (["queue", "orders", "1", "--attribute", "Not-One=7"], 1, "'Not-One' is no attribute"),
        (["http", "/"], 2, "'http' is not one of"),
    ],
)
def test_what_cannot_be_is_said(dev: Path, arguments: list[str], status: int, words: str) -> None:
    ran = emit(dev, *arguments)
    assert ran.status == status
    assert words in ran.err
    assert waking.recorded(dev) == []


def test_without_dev_what_waits_is_started_for_one_event(tmp_path: Path) -> None:
    folder = waking.write(tmp_path, "knative", ["event", "queue"])
    ran = hyfn("emit", "event", "com.acme.order", ORDER, cwd=folder)
    assert ran.status == 0, ran.err
    [got] = waking.recorded(folder)
    assert got["source"] == "/hyfn/emit"


def test_without_dev_a_project_that_waits_for_nothing_says_so(tmp_path: Path) -> None:
    folder = waking.write(tmp_path, "knative", ["event"])
    ran = invoke("emit", "topic", "news", "x", "--path", folder)
    assert (ran.status, ran.out) == (1, "")
    assert "has @on.topic" in ran.err


def test_of_a_group_with_two_schedules_a_tick_wakes_the_one_that_it_is_of(tmp_path: Path) -> None:
    record = tmp_path / "record"
    one = """
        @knative(group="clock", env={{"RECORD": {record!r}}})
        @on.schedule({when!r})
        def {name}() -> None:
            with open(os.environ["RECORD"], "a") as file:
                file.write("{name} ")
    """
    parts = [
        one.format(record=str(record), when=when, name=name)
        for name, when in (("often", "every minute"), ("daily", "0 6 * * *"))
    ]
    source = "import os\n\nfrom hyfn import knative, on\n" + "".join(map(dedent, parts))
    (tmp_path / "app.py").write_text(source)
    assert invoke("emit", "schedule", "0 6 * * *", "--path", tmp_path).status == 0
    assert record.read_text() == "daily "
    assert invoke("emit", "schedule", "--path", tmp_path).status == 0
    assert sorted(record.read_text().split()) == ["daily", "daily", "often"]
