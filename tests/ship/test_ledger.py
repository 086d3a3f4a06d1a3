"""One writer at a time, whatever the others do: processes that wait, sleep, die or come at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest

from hyfn.errors import Locked, ShipError
from hyfn.resource import Key, Phase
from hyfn.ship import ledger as ledgers
from hyfn.ship.ledger import Ledger
from hyfn.ship.state import Record, State, dumped, loaded
from hyfn.ship.stores import Conflict, FileStore

LEASE = 0.4
RECORD = Record(Phase.CODE, "app:f@small", [], {"n": 1}, {"url": "https://f.test"})


def key(name: str) -> Key:
    return Key("small", "here", "function", name)


def ledger(folder: Path, lease: float = LEASE, patience: float = 60) -> Ledger:
    return Ledger(FileStore(folder), "shop", "test", lambda _: None, lease, patience)


def read(folder: Path) -> State:
    return ledgers.read(FileStore(folder), "shop", "test")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    with ledger(tmp_path) as held:
        held.intend({key("a"): RECORD, key("b/c d"): RECORD})
        held.done(key("a"), RECORD)
        held.keep_secret("0123")
    state = read(tmp_path)
    assert state.records == {key("a"): RECORD}
    assert set(state.intents) == {key("b/c d")}
    assert (state.secret, state.lease) == ("0123", None)
    assert loaded(dumped(state), "here") == state


def test_an_intent_stands_before_the_act_and_goes_with_its_result(tmp_path: Path) -> None:
    with ledger(tmp_path) as held:
        held.intend({key("a"): RECORD})
        assert set(read(tmp_path).intents) == {key("a")}
        held.done(key("a"), None)
        assert not read(tmp_path).intents
        assert not read(tmp_path).records


class Counting(FileStore):
    writes = 0

    def write(self, name: str, content: bytes, mark: str | None) -> str:
        self.writes += 1
        return super().write(name, content, mark)


def test_many_threads_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    store = Counting(tmp_path)
    with Ledger(store, "shop", "test", lambda _: None) as held:
        threads = [threading.Thread(target=held.done, args=(key(str(number)), RECORD)) for number in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(read(tmp_path).records) == 64
    assert store.writes < 64, "several go in one write"


def test_who_is_alive_is_waited_for_and_not_robbed(tmp_path: Path) -> None:
    with ledger(tmp_path) as held:
        said: list[str] = []
        other = Ledger(FileStore(tmp_path), "shop", "test", said.append, LEASE, patience=3 * LEASE)
        with pytest.raises(Locked, match="is shipping shop, stage test"), other:
            raise AssertionError
        assert len(said) == 1
        held.done(key("a"), RECORD)
    assert set(read(tmp_path).records) == {key("a")}


def test_who_died_needs_no_unlocking(tmp_path: Path) -> None:
    dead = ledger(tmp_path, lease=600)
    dead._take()
    began = time.monotonic()
    with ledger(tmp_path) as held:
        assert time.monotonic() - began >= LEASE
        assert held.state.fence == 2


def _sleeper(folder: str, number: int) -> None:
    """Takes the lease, says so, is stopped, and writes once it goes on: as a laptop that was closed."""
    held = ledger(Path(folder), lease=0.1)
    held._take()
    (Path(folder) / f"holds-{number}").touch()
    while not (Path(folder) / f"go-{number}").exists():
        time.sleep(0.005)
    try:
        held.done(key(f"stale-{number}"), RECORD)
    except Locked:
        os._exit(3)
    os._exit(0)


def _ship(folder: Path) -> None:
    """Adds one to a number that stands in the record: what a lost update would lose."""
    with ledger(folder, lease=5) as held:
        there = held.state.records.get(key("count"))
        count = there.body["n"] if there else 0
        held.intend({key("count"): RECORD})
        held.done(key("count"), Record(Phase.CODE, "", [], {"n": count + 1}))


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_fifty_holders_that_slept_are_fenced_each_time(tmp_path: Path) -> None:
    context = get_context("fork")
    for number in range(50):
        sleeper = context.Process(target=_sleeper, args=(str(tmp_path), number))
        sleeper.start()
        pid = sleeper.pid
        assert pid is not None
        _until((tmp_path / f"holds-{number}").exists)
        os.kill(pid, signal.SIGSTOP)
        with ledger(tmp_path, lease=0.02) as held:
            held.done(key(f"new-{number}"), RECORD)
        os.kill(pid, signal.SIGCONT)
        (tmp_path / f"go-{number}").touch()
        sleeper.join(60)
        assert sleeper.exitcode == 3
    names = {each.name for each in read(tmp_path).records}
    assert names == {f"new-{number}" for number in range(50)}


def test_of_two_hundred_pairs_at_once_no_update_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "POLL_SECONDS", 0.001)
    context = get_context("fork")

    def ships() -> None:
        for _ in range(200):
            _ship(tmp_path)

    pair = [context.Process(target=ships) for _ in range(2)]
    for process in pair:
        process.start()
    for process in pair:
        process.join(120)
        assert process.exitcode == 0
    state = read(tmp_path)
    assert state.records[key("count")].body["n"] == 400
    assert (state.fence, state.lease) == (400, None)


class Flaky(FileStore):
    """Does what it is told once more, or does it and does not say so."""

    def __init__(self, folder: Path, how: str) -> None:
        super().__init__(folder)
        self.how, self.left = how, 1

    def write(self, name: str, content: bytes, mark: str | None) -> str:
        if self.left and b'"records": {\n' in content:
            self.left -= 1
            if self.how == "lost":
                raise ShipError("timed out")
            made = super().write(name, content, mark)
            if self.how == "lost answer":
                raise ShipError("timed out")
            if self.how == "repeated":
                return super().write(name, content, mark)
            return made
        return super().write(name, content, mark)


@pytest.mark.parametrize("how", ["lost", "lost answer", "repeated"])
def test_a_write_whose_answer_is_lost_is_no_conflict(tmp_path: Path, how: str) -> None:
    with Ledger(Flaky(tmp_path, how), "shop", "test", lambda _: None) as held:
        held.done(key("a"), RECORD)
        held.done(key("b"), RECORD)
    assert {each.name for each in read(tmp_path).records} == {"a", "b"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no record of a stage"),
        (b"[]", "is no record of a stage"),
        (b'{"schema": 99}', "was written by another hyfn, in form 99; this one knows 1"),
        (b'{"schema": 1}', "is damaged"),
    ],
)
def test_a_record_that_cannot_be_read_is_told_and_left(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "test.json").write_bytes(content)
    with pytest.raises(ShipError, match=said), ledger(tmp_path):
        raise AssertionError
    assert (tmp_path / "test.json").read_bytes() == content


def test_another_apps_record_is_refused(tmp_path: Path) -> None:
    with ledger(tmp_path):
        pass
    with pytest.raises(ShipError, match="holds the record of shop, stage test, not of mart, stage test"):
        ledgers.read(FileStore(tmp_path), "mart", "test")


def test_a_file_is_written_only_over_what_was_read(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    first = store.write("a", b"1", None)
    second = store.write("a", b"2", first)
    for mark in (None, first):
        with pytest.raises(Conflict):
            store.write("a", b"3", mark)
    assert store.read("a") == (b"2", second)
    assert not list(tmp_path.glob(".*"))
