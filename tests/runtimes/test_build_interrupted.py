"""Builds are whole, whatever happens: killed at any moment, or two at once."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from hyfn.pack import delivery
from tests.commands import written
from tests.unit import building
from tests.unit.building import (
    FILES,
    OTHER_TEXTS,
    Shop,
    expected,
)


@pytest.fixture
def stock(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return building.stock(tmp_path_factory.getbasetemp())


@pytest.fixture
def shop(tmp_path: Path, stock: Shop) -> Shop:
    """A locked one that was never built, with full caches that it shares."""
    return stock.copy(tmp_path / "shop")


def is_killed(shop: Shop, seconds: float) -> bool:
    """Start a build and kill it, with all that it started, after that time. False where it had ended before."""
    command = shop.started()
    time.sleep(seconds)
    is_running = command.process.poll() is None
    if is_running:
        os.killpg(command.process.pid, signal.SIGKILL)
        command.process.wait()
    assert command.left() == []
    return is_running


def seconds_of(shop: Shop) -> float:
    began = time.monotonic()
    shop.build()
    return time.monotonic() - began


def leftovers(shop: Shop) -> list[str]:
    """What stands in the project, or beside its build, that belongs to neither."""
    ours = {*FILES, "hyfn.lock", ".hyfn", ".hyfn/.gitignore", ".hyfn/build"}
    found = {path.relative_to(shop.root).as_posix() for path in [*shop.root.glob("*"), *shop.root.glob(".hyfn/*")]}
    if shop.out.parent.name != delivery.OWN:
        ours.add(shop.out.name)
        found |= {path.name for path in shop.out.parent.iterdir() if path.name.startswith(f".{shop.out.name}")}
    return sorted(found - ours)


@pytest.mark.parametrize("where", [".hyfn/build", "../out"])
def test_a_build_that_is_killed_leaves_the_old_build_or_the_new_one(shop: Shop, tmp_path: Path, where: str) -> None:
    dice = random.Random(where)
    wanted = expected(shop, tmp_path)
    shop = Shop(shop.root, shop.env, (shop.root / where).resolve())
    shop.build()
    written(shop.root, {"texts.py": OTHER_TEXTS})
    seconds, killed = seconds_of(shop), 0
    for number in range(40):
        text = (FILES["texts.py"], OTHER_TEXTS)[number % 2]
        written(shop.root, {"texts.py": text})
        if is_killed(shop, dice.uniform(0.05, seconds)):
            killed += 1
        else:
            seconds *= 0.9  # the machine had more to do when it was measured
        assert shop.digests() in wanted.values(), number
        if killed == 20:
            break
    shop.build()
    assert shop.digests() == wanted[text]
    assert leftovers(shop) == []
    assert killed == 20


def test_a_first_build_that_is_killed_spoils_no_cache(tmp_path: Path, stock: Shop) -> None:
    """Killed again and again while it fetches, reads, compiles and writes what the next one goes on with."""
    dice = random.Random("cold")
    caches = {"HYFN_CACHE": str(tmp_path / "first"), "UV_CACHE_DIR": str(tmp_path / "uv")}
    seconds = seconds_of(stock.copy(tmp_path / "undisturbed", **caches))
    killed = number = 0
    while killed < 8:
        number += 1
        assert number < 10
        shop = stock.copy(tmp_path / f"shop-{number}", HYFN_CACHE=str(tmp_path / f"cache-{number}"))
        (shop.root / "hyfn.lock").unlink()
        for _ in range(6):
            if not is_killed(shop, dice.uniform(0.05, seconds)):
                seconds *= 0.7
                break
            killed += 1
        shop.build()
        assert shop.digests() == stock.digests()
        assert (shop.root / "hyfn.lock").read_bytes() == (stock.root / "hyfn.lock").read_bytes()
        assert leftovers(shop) == []


def test_two_builds_at_once_of_one_project_both_succeed(shop: Shop, tmp_path: Path) -> None:
    wanted = expected(shop, tmp_path)
    cold = shop.copy(tmp_path / "cold", HYFN_CACHE=str(tmp_path / "cold-cache"))
    for one, rounds in ((cold, 1), (shop, 5)):
        for number in range(rounds):
            text = (FILES["texts.py"], OTHER_TEXTS)[number % 2]
            written(one.root, {"texts.py": text})
            both = [one.started() for _ in range(2)]
            assert [(each.process.wait(60), each.err) for each in both if each.process.wait(60)] == []
            assert one.digests() == wanted[text]
        assert leftovers(one) == []


def test_two_projects_that_share_an_empty_cache_both_succeed(stock: Shop, tmp_path: Path) -> None:
    shops = [stock.copy(tmp_path / f"shop-{number}", HYFN_CACHE=str(tmp_path / "cache")) for number in range(2)]
    both = [shop.started() for shop in shops]
    assert [(each.process.wait(60), each.err) for each in both if each.process.wait(60)] == []
    assert [shop.files() for shop in shops] == [stock.files()] * 2
