"""kill -9 at calls to AWS and at writes of the record, before and after them; and calls that fail once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from hyfn.clouds.aws import ship
from hyfn.errors import HyfnError
from hyfn.project.desired import Desired
from tests.fakes.aws import REGION, Fake
from tests.ship.driving import Driven, short_leases
from tests.ship.test_aws import PROJECT

pytestmark = pytest.mark.runtime
__all__ = ["short_leases"]

ONE = "from hyfn import aws\n\n\n@aws\ndef f() -> int:\n    return 1\n"
TWO = "from hyfn import aws\n\n\n@aws\ndef f() -> int:\n    return g()\n\n\n@aws\ndef g() -> int:\n    return 2\n"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    with Fake(tmp_path_factory.mktemp("aws"), delays=0).running() as fake, pytest.MonkeyPatch.context() as patch:
        for name, value in fake.env.items():
            patch.setenv(name, value)
        yield fake


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory, fake: Fake) -> Driven:
    del fake
    return Driven(tmp_path_factory.mktemp("maths"), {"app.py": ONE, "pyproject.toml": PROJECT})


@pytest.fixture(scope="module")
def built(driven: Driven) -> Mapping[str, Desired]:
    """Kept by their artifacts' copies: the second build takes the place of the first."""
    return {name: driven.kept(driven.desired(app=text), name) for name, text in (("one", ONE), ("two", TWO))}


STEP = 8
"""From one point to the next that is tried: each takes some seconds. tests/ship/test_apply.py tries every one, on a
platform in its own process."""

Act = Callable[[Driven, Mapping[str, Desired]], object]
JOURNEYS: Mapping[str, tuple[str, Act, str]] = {
    "create": ("", lambda driven, built: driven.ship(built["two"]), "two"),
    "update": ("one", lambda driven, built: driven.ship(built["two"]), "two"),
    "back": ("two", lambda driven, built: driven.ship(built["one"]), "one"),
    "destroy": ("two", lambda driven, _: driven.destroy(), ""),
}


def settled(driven: Driven, built: Mapping[str, Desired], name: str, fake: Fake) -> None:
    if name:
        driven.is_settled(built[name])
    else:
        assert fake.left() == []
        assert not driven.site.state().records


class Begun:
    """A journey's beginning, to which each attempt at it goes back: shipping it each time would take minutes."""

    def __init__(self, driven: Driven, built: Mapping[str, Desired], name: str, fake: Fake) -> None:
        driven.destroy()
        if name:
            driven.ship(built[name])
        self._fake, self._kept = fake, fake.kept()
        self._path = driven.folder / ".hyfn" / "state" / "dev.json"
        self._record = self._path.read_bytes()

    def again(self) -> None:
        self._fake.restore(self._kept)
        self._path.write_bytes(self._record)


@pytest.mark.parametrize(("journey", "where"), [("update", "call"), ("update", "write"), ("destroy", "call")])
def test_wherever_it_is_killed_a_second_run_recovers(
    journey: str, where: str, driven: Driven, built: Mapping[str, Desired], fake: Fake
) -> None:
    first, act, then = JOURNEYS[journey]
    number, begun = 0, Begun(driven, built, first, fake)
    while True:
        begun.again()
        left = [number]

        def is_due(name: str, left: list[int] = left) -> bool:
            if where != ("write" if name.endswith(" write") else "call") or not _changes(name):
                return False
            left[0] -= 1
            return left[0] == -1

        was_killed = driven.killed(lambda own: _alone(own, built, act), is_due, fake)
        act(driven, built)
        settled(driven, built, then, fake)
        if not was_killed:
            break
        number += STEP
    assert number >= 2 * STEP


def _alone(driven: Driven, built: Mapping[str, Desired], act: Act) -> None:
    """With connections of its own: a forked process shares its parent's."""
    for client in ship._aws(REGION)._clients.values():
        client._endpoint.http_session.close()
    act(driven, built)


def _changes(name: str) -> bool:
    """Whether a boundary is one at which something changes."""
    operation = name.rpartition(":")[2]
    return not operation.startswith(("Get", "List", "Describe"))


@pytest.mark.parametrize(("journey", "how"), [("create", "lost-answer"), ("update", "throttle"), ("back", "500")])
def test_each_call_that_fails_once_is_mended_by_at_most_two_more_runs(
    journey: str, how: str, driven: Driven, built: Mapping[str, Desired], fake: Fake
) -> None:
    first, act, then = JOURNEYS[journey]
    number, begun = 0, Begun(driven, built, first, fake)
    while True:
        begun.again()
        fake.fail(number, how)
        said: list[str] = []
        for _ in range(3):
            try:
                act(driven, built)
                break
            except HyfnError as error:
                said.append(str(error))
        is_done = fake.failure is not None and fake.failure.is_done
        fake.failure = None
        assert len(said) < 3, said
        assert not [each for each in said if "\n" in each]
        settled(driven, built, then, fake)
        if not is_done:
            break
        number += STEP // 2
    assert number >= STEP
