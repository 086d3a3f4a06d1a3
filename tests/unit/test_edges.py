"""Wiring: each party is given the keys of its own edges and of no other."""

from __future__ import annotations

from hyfn.model import FunctionSpec, Place, Signature, Target
from hyfn.trust.edges import LAPTOP, Edges, nodes
from hyfn.wire.carrier import Endpoint
from hyfn.wiring import Wiring

CALLS = {"app:a": ["app:b"], "app:b": ["app:c"], "app:c": []}
PLACED = {("app:a", "aws"): "app:a@aws", ("app:b", "gcp"): "app:b@gcp", ("app:c", "aws"): "app:c@aws"}
ENDPOINTS = {placed: Endpoint(placed[1], placed[0], f"http://127.0.0.1/{placed[0]}") for placed in PLACED}


def edges() -> Edges:
    functions = [
        FunctionSpec(
            name,
            "app",
            name[-1],
            Place("app.py", 1),
            Signature([], None),
            None,
            False,
            [Target(platform, platform, {}, Place("app.py", 1))],
            calls,
        )
        for (name, platform), calls in zip(PLACED, CALLS.values(), strict=True)
    ]
    return Edges("shop", "dev", bytes(32), nodes(functions), PLACED)


def wiring(party: str, *holds: str) -> Wiring:
    return Wiring(edges().wiring(party, holds, ENDPOINTS))


def test_both_ends_of_an_edge_hold_the_same_key() -> None:
    caller, callee = wiring("app:a@aws", "app:a"), wiring("app:b@gcp", "app:b")
    [route] = caller.calls["app:b"].routes
    assert callee.callers[route.key_id].key == route.key
    assert callee.callers[route.key_id].issuer == caller.issuer
    assert route.audience == callee.issuer


def test_a_party_holds_no_key_of_other_edges() -> None:
    first, last = wiring("app:a@aws", "app:a"), wiring("app:c@aws", "app:c")
    assert set(first.calls) == {"app:b"}
    assert {key.issuer for key in last.callers.values()} == {"shop/dev/app:b@gcp", f"shop/dev/{LAPTOP}"}


def test_the_laptop_may_call_everything_and_nobody_calls_it() -> None:
    laptop = wiring(LAPTOP)
    assert set(laptop.calls) == set(CALLS)
    assert laptop.callers == {}


def test_a_callee_without_an_endpoint_has_no_route() -> None:
    document = edges().wiring("app:a@aws", ["app:a"], {})
    assert document["calls"]["app:b"]["routes"] == []
