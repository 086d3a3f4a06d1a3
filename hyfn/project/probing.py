"""Calling every edge of what has no traffic yet, without running a function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hyfn import clouds
from hyfn.call.transport import default
from hyfn.cloud import Caller
from hyfn.errors import CallError, ShipError
from hyfn.project.desired import Desired
from hyfn.ship import probing
from hyfn.trust.edges import LAPTOP
from hyfn.wire.carrier import Endpoint
from hyfn.wiring import Callee, Route, Wiring

if TYPE_CHECKING:
    from hyfn.project.shipping import Site

SECONDS = 60.0
"""For one probe: the version starts cold."""
AT_ONCE = 16


def probe(parties: Sequence[str], site: Site, desired: Desired, urls: Mapping[str, str]) -> None:
    """Call each edge whose callee is one of `parties`, at `urls` (by party; those that have none cannot be probed).

    Raises ShipError for the edges that do not answer as they should: then nothing has traffic that had none before.
    """
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hyfn-probe") as pool:
        edges = list(_edges([party for party in parties if party in urls], site, desired, urls))
        said = [job.result() for job in [pool.submit(_probe, *edge) for edge in edges]]
    failed = [each for each in said if each]
    if failed:
        more = f" (and {len(failed) - 1} more edges)" if len(failed) > 1 else ""
        raise ShipError(f"{failed[0]}{more}", hint="nothing was switched over: what was live before still is")


def _edges(
    parties: Sequence[str], site: Site, desired: Desired, urls: Mapping[str, str]
) -> Iterator[tuple[str, str, Route]]:
    """Each caller, what people call its callee, and the way there."""
    graph = desired.graph
    located = {
        (name, party.rpartition("@")[2]): Endpoint(graph.endpoints[party].cloud, name, urls[party])
        for party in parties
        for name in graph.parties[party]
    }
    callers = {caller for caller, callee in graph.edges() if callee in parties}
    for caller in (LAPTOP, *sorted(callers)):
        holds = () if caller == LAPTOP else graph.parties[caller]
        wiring = Wiring(graph.keyed(site.stage, site.secret).wiring(caller, holds, located))
        for name, callee in wiring.calls.items():
            yield from ((wiring.issuer, name, route) for route in _routes(callee))


def _routes(callee: Callee) -> Sequence[Route]:
    return callee.routes


def _probe(issuer: str, name: str, route: Route) -> str:
    """What is wrong with the edge, "" where nothing is."""
    caller: Caller = clouds.get(route.endpoint.cloud, "call").caller
    sent = probing.frame(issuer, route, SECONDS)
    try:
        response = default().send(caller.request(route.endpoint, sent.frame), SECONDS)
        probing.check(caller.reply(response), sent)
    except CallError as error:
        return f"{issuer.rpartition('/')[2]} cannot call {name}@{route.placement}: {error.message}"
    return ""
