"""Each party's wiring: the endpoints it may call and the keys of its own edges. See hyfn/wiring.py for the document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyfn.model import FunctionSpec
from hyfn.trust.keys import derive
from hyfn.wire.carrier import Endpoint

LAPTOP = "laptop@local"
"""The party that scripts on a developer's machine are. It may call every function."""

Placed = tuple[str, str]
"""(identity, platform)."""


@dataclass(frozen=True, slots=True)
class Node:
    """What edges need to know of a function: see FunctionSpec. It outlives the source that it was read from."""

    name: str
    calls: Sequence[str]
    raises: Sequence[str]
    platforms: Sequence[str]


def nodes(functions: Iterable[FunctionSpec]) -> list[Node]:
    """What edges need to know of the functions."""
    return [
        Node(each.name, list(each.calls), list(each.raises), [target.platform for target in each.targets])
        for each in functions
    ]


class Edges:
    """The edges of one stage: who may call whom."""

    def __init__(
        self, app: str, stage: str, secret: bytes, functions: Sequence[Node], parties: Mapping[Placed, str]
    ) -> None:
        """`parties` says which artifact's party each placed function belongs to."""
        self._parties = parties
        self._app = app
        self._stage = stage
        self._secret = secret
        self._functions = {function.name: function for function in functions}

    def wiring(
        self,
        party: str,
        holds: Iterable[str],
        endpoints: Mapping[Placed, Endpoint],
        is_json: Iterable[str] = (),
    ) -> dict[str, Any]:
        """The document of `party` ("function@placement", or LAPTOP), whose artifact holds the functions `holds`.

        Callees without an endpoint are left out. Parties in `is_json` call with values as JSON has them.
        """
        held = list(holds)
        callees = self._functions if party in (LAPTOP, *is_json) else self._callees(held)
        return {
            "app": self._app,
            "stage": self._stage,
            "self": party,
            "calls": {name: self._callee(party, name, endpoints) for name in sorted(callees)},
            "callers": dict(sorted(self._callers(party, held, is_json))),
        }

    def _callees(self, held: Sequence[str]) -> set[str]:
        return {callee for name in held for callee in self._functions[name].calls}

    def _callee(self, party: str, name: str, endpoints: Mapping[Placed, Endpoint]) -> dict[str, Any]:
        function = self._functions[name]
        return {
            "raises": list(function.raises),
            "routes": [
                self._route(party, name, platform, endpoints[name, platform])
                for platform in function.platforms
                if (name, platform) in endpoints
            ],
        }

    def _route(self, party: str, name: str, placement: str, endpoint: Endpoint) -> dict[str, str]:
        key = derive(self._secret, self._app, self._stage, party, f"{name}@{placement}")
        return {
            "placement": placement,
            "cloud": endpoint.cloud,
            "url": endpoint.url,
            "door": endpoint.door,
            "kid": key.id.hex(),
            "key": key.secret.hex(),
        }

    def _callers(self, party: str, held: Sequence[str], is_json: Iterable[str]) -> Iterable[tuple[str, dict[str, Any]]]:
        placement = party.rpartition("@")[2]
        for callee in held:
            for caller in (*self._parties_calling(callee), LAPTOP, *is_json):
                key = derive(self._secret, self._app, self._stage, caller, f"{callee}@{placement}")
                yield (
                    key.id.hex(),
                    {
                        "iss": f"{self._app}/{self._stage}/{caller}",
                        "aud": callee,
                        "key": key.secret.hex(),
                        "json": caller in is_json,
                    },
                )

    def _parties_calling(self, callee: str) -> Iterable[str]:
        return sorted(
            {
                self._parties[function.name, platform]
                for function in self._functions.values()
                if callee in function.calls
                for platform in function.platforms
                if (function.name, platform) in self._parties
            }
        )
