"""A plan, made true: phase by phase, each change written down before it is made and after it.

What does not depend on one another is done at once. An error ends it where it is: what is under way comes to its end,
nothing more begins. A plan that is made anew then has what is left. Nothing here is undone, since that could fail too:
before FLIP the old versions serve as they did.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from hyfn.cloud import Shipper
from hyfn.errors import HyfnError, ShipError, raise_all
from hyfn.resource import Json, Key, Live, Order, Outputs, Phase, Resource, Stage, digest, refs, resolved
from hyfn.ship.ledger import Ledger
from hyfn.ship.plan import Change, Plan, needs, ordered, whole
from hyfn.ship.state import Record

AT_ONCE = 16
"""Changes under way at the same time. Control planes allow some ten calls a second."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a ship does things with.

    `shipper` gives a cloud's. `wiring` gives the document of a party, once the outputs of all endpoints are known;
    `probe` calls each edge of the versions that have no traffic yet, and raises ShipError for one that does not answer.
    `report` hears of each change: with "begins", "ends" or "fails".
    """

    stage: Stage
    shipper: Callable[[str], Shipper]
    wiring: Callable[[str, Mapping[Key, Outputs]], Json]
    probe: Callable[[Sequence[Change], Mapping[Key, Outputs]], None]
    report: Callable[[str, Change], None]


@dataclass(slots=True)
class Applying:
    """One run of it. `outputs` are those of everything that is there."""

    means: Means
    ledger: Ledger
    outputs: dict[Key, Outputs]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, plan: Plan, live: Mapping[Key, Live]) -> None:
        self._adopt(plan, live)
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hyfn-ship")
        try:
            for phase in Phase:
                if phase is Phase.FLIP:
                    self._probe(plan)
                self._waves(pool, [one for one in plan.changes if one.phase is phase and one.action != "delete"])
            for phase in reversed(Phase):
                self._waves(pool, [one for one in plan.changes if one.phase is phase and one.action == "delete"])
        finally:
            pool.shutdown(cancel_futures=True)

    def _adopt(self, plan: Plan, live: Mapping[Key, Live]) -> None:
        """Write down what stands as it is wanted, and was not written down before hyfn ended, or the record was lost;
        and forget what an earlier run meant to do, came to nothing and is not wanted any more."""
        for resource in plan.adopted:
            there = live[resource.key]
            record = Record(resource.phase, resource.party, needs(resource), there.body, there.outputs)
            self.ledger.done(resource.key, record)
        changing = {change.key for change in plan.changes}
        if idle := {key for key in self.ledger.state.intents if key not in changing}:
            self.ledger.forget_intents(idle)
        for key in [key for key in self.ledger.state.records if key not in live and key not in changing]:
            self.ledger.done(key, None)

    def _probe(self, plan: Plan) -> None:
        wired = [one for one in plan.changes if one.resource is not None and one.resource.is_wired]
        if wired:
            self.means.probe(wired, self.outputs)

    def _waves(self, pool: ThreadPoolExecutor, changes: Sequence[Change]) -> None:
        for wave in ordered(changes):
            self.ledger.intend({change.key: self._intent(change) for change in wave})
            _all([pool.submit(self._make, change) for change in wave])

    def _intent(self, change: Change) -> Record:
        body = change.resource.body if change.resource else (change.live.body if change.live else {})
        return Record(change.phase, change.party, change.needs, body, {}, change.action, _token(change))

    def _make(self, change: Change) -> None:
        self.ledger.check()
        self.means.report("begins", change)
        shipper = self.means.shipper(change.key.cloud)
        try:
            self.ledger.done(change.key, self._made(shipper, change))
        except BaseException:
            self.means.report("fails", change)
            raise
        self.means.report("ends", change)

    def _made(self, shipper: Shipper, change: Change) -> Record | None:
        if change.resource is not None:
            return self._put(shipper, change, change.resource)
        if change.live is not None:
            shipper.remove(change.live)
        return None

    def _put(self, shipper: Shipper, change: Change, resource: Resource) -> Record:
        with self.lock:
            outputs = dict(self.outputs)
        body = resolved(resource.body, outputs)
        missing = [f"{key} ({output})" for key, output in refs(body)]
        if missing:
            raise ShipError(f"{resource.key} needs {missing[0]}, which is not there")
        wiring = self.means.wiring(resource.party, outputs) if resource.is_wired else None
        live = shipper.put(Order(self.means.stage, resource, body, change.live, wiring, _token(change)))
        with self.lock:
            self.outputs[resource.key] = live.outputs
        return Record(resource.phase, resource.party, change.needs, whole(live, [body]).body, live.outputs)


def _token(change: Change) -> str:
    """The same in every attempt at the same change of the same thing."""
    body = change.resource.body if change.resource else None
    return digest([str(change.key), change.action, body, change.live.etag if change.live else ""])[:32]


def _all(futures: Iterable[Future[None]]) -> None:
    """Wait for all. After the first failure those that did not begin never do; every failure is raised."""
    left = set(futures)
    failed: list[BaseException] = []
    while left:
        done, left = wait(left, return_when=FIRST_COMPLETED)
        failed += [error for each in done if not each.cancelled() and (error := each.exception()) is not None]
        if failed:
            left = {each for each in left if not each.cancel()}
    others = [error for error in failed if not isinstance(error, HyfnError)]
    if others:
        raise others[0]
    raise_all(_distinct([error for error in failed if isinstance(error, HyfnError)]))


def _distinct(errors: Sequence[HyfnError]) -> list[HyfnError]:
    return list({str(error): error for error in errors}.values())
