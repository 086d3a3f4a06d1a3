"""How a call resolves, and what is sent where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import hyfn
from hyfn import remote, wiring
from hyfn.current import is_local
from hyfn.declare import Function, stub
from hyfn.errors import Forbidden, NotShipped, Unavailable
from hyfn.remote import Session
from hyfn.wire.carrier import Request, Response


@hyfn.aws
def double(x: int) -> int:
    return 2 * x


@hyfn.aws
async def later(x: int) -> int:
    return 2 * x


@hyfn.aws
@hyfn.gcp
def twice_placed(x: int) -> int:
    return x


@stub("gcp")
def elsewhere(x: int) -> int:
    return x


def session(own: frozenset[str] = frozenset(), given: wiring.Wiring | None = None) -> Callable[[], Session]:
    made = Session(given, own, "dev")
    return lambda: made


def test_without_an_endpoint_a_call_is_not_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "session", session())
    with pytest.raises(NotShipped, match=f"{__name__}:double.*dev.*hyfn run"):
        double(1)


def test_in_its_own_runtime_the_body_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "session", session(frozenset({f"{__name__}:double"})))
    assert double(2) == 4


def test_in_a_local_context_the_body_runs_with_honest_types() -> None:
    with hyfn.local():
        assert double(2) == 4
        assert double.spawn(3).result() == 6
        assert sorted(double.map([1, 2], ordered=False)) == [2, 4]
        assert asyncio.run(double.aio(4)) == 8
        assert asyncio.run(later(4)) == 8
        assert list(later.map([1, 2])) == [2, 4]
        with pytest.raises(TypeError, match="x"):
            double("2")  # type: ignore[arg-type]
    assert not is_local.get()


def test_the_stage_local_runs_bodies_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "session", lambda: Session(None, frozenset(), "local"))
    assert double(2) == 4


def test_local_is_the_plain_function_and_a_stub_has_none() -> None:
    assert double.local(5) == 10
    with hyfn.local(), pytest.raises(NotShipped, match=r"elsewhere.*gcp"):
        elsewhere(1)


def test_an_async_map_keeps_order_and_bounds() -> None:
    under_way: list[int] = []

    async def collect() -> list[int]:
        with hyfn.local():
            return [value async for value in later.map(range(20), concurrency=3)]

    assert asyncio.run(collect()) == [2 * x for x in range(20)]
    assert under_way == []


def test_a_map_returns_exceptions_where_asked() -> None:
    with hyfn.local():
        values = list(double.map([1, "x"], return_exceptions=True))
    assert values[0] == 2
    assert isinstance(values[1], TypeError)


def document(*placements: str) -> wiring.Wiring:
    routes = [
        {"placement": p, "cloud": p, "url": f"http://127.0.0.1/{p}", "door": "", "kid": "00" * 8, "key": "00" * 32}
        for p in placements
    ]
    calls = {f"{__name__}:twice_placed": {"raises": [], "routes": routes}}
    return wiring.Wiring({"app": "a", "stage": "dev", "self": "laptop@local", "calls": calls, "callers": {}})


class Scripted:
    """A transport that fails as told and records where calls went."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.urls: list[str] = []

    def send(self, request: Request, timeout: float) -> Response:
        self.urls.append(request.url)
        raise self.errors.pop(0)


def placed(monkeypatch: pytest.MonkeyPatch, transport: Scripted) -> Function[[int], int]:
    made = Session(document("aws", "gcp"), frozenset(), "dev")
    monkeypatch.setattr(made, "_transport", transport)
    monkeypatch.setattr(remote, "session", lambda: made)
    return twice_placed


def test_the_second_placement_takes_over_where_the_first_did_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Scripted(Unavailable("down", executed=0), Unavailable("down too", executed=0))
    with pytest.raises(Unavailable, match="down too"):
        placed(monkeypatch, transport)(1)
    assert transport.urls == ["http://127.0.0.1/aws", "http://127.0.0.1/gcp"]


def test_nothing_is_sent_twice_where_the_first_may_have_run(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Scripted(hyfn.OutcomeUnknown("cut"))
    with pytest.raises(hyfn.OutcomeUnknown):
        placed(monkeypatch, transport)(1)
    assert transport.urls == ["http://127.0.0.1/aws"]


def test_a_call_that_the_build_did_not_see_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "session", session(given=document("aws")))
    with pytest.raises(Forbidden, match='calls=\\["double"\\]'):
        double(1)


def test_a_call_is_never_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    given = document("aws")
    given.calls[f"{__name__}:twice_placed"].routes[0].endpoint.url = "http://127.0.0.1.example.com/aws"
    monkeypatch.setattr(remote, "session", session(given=given))
    with pytest.raises(Forbidden, match="no TLS"):
        twice_placed(1)
