"""The journey of a ship: what is live is made what is wanted, and what was done is recorded as a release."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hyfn import laptop
from hyfn.errors import ShipError
from hyfn.model import Project
from hyfn.pack import delivery
from hyfn.project import desired as desires
from hyfn.project import probing, releases, wanting
from hyfn.project.desired import Desired
from hyfn.resource import Json, Key, Live, Outputs, Resource, Stage
from hyfn.ship import ledger as ledgers
from hyfn.ship import plan as plans
from hyfn.ship import stores
from hyfn.ship.apply import Applying, Means
from hyfn.ship.ledger import Ledger
from hyfn.ship.plan import Change, Plan
from hyfn.ship.state import State
from hyfn.ship.stores import Store
from hyfn.trust import secret as secrets
from hyfn.trust.edges import LAPTOP

Report = Callable[[str], None]
Watch = Callable[[str, Change], None]

FOLDER = f"{delivery.OWN}/state"
"""Where the record is where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Site:
    """One stage of one app: where it is recorded, and its secret."""

    stage: Stage
    store: Store
    secret: bytes
    root: Path

    def state(self) -> State:
        return ledgers.read(self.store, self.stage.app, self.stage.name)

    @property
    def fingerprint(self) -> str:
        return secrets.fingerprint(self.secret, self.stage.app, self.stage.name)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a ship would do. `edges` are those that come and go, as parties; `live` is what it was compared with."""

    desired: Desired
    plan: Plan
    live: Mapping[Key, Live]
    state: State
    new_edges: Sequence[tuple[str, str]]
    old_edges: Sequence[tuple[str, str]]


def site(project: Project, stage: str) -> Site:
    """The project's stage. Raises ConfigError where its secret is elsewhere."""
    root = project.root
    own = delivery.own(root)
    store = stores.store(_setting(project, stage, "state") or FOLDER, root)
    state = ledgers.read(store, project.app, stage)
    secret = secrets.of(own / "secrets", project.app, stage, state.secret, os.environ)
    if not state.secret and "://" in store.where:
        stores.probe(store)
    return Site(Stage(project.app, stage), store, secret, root)


def registry(project: Project, stage: str) -> str:
    """Where images go, "" where nobody says."""
    return _setting(project, stage, "registry")


def _setting(project: Project, stage: str, name: str) -> str:
    table = project.config.get("stage")
    own = table.get(stage) if isinstance(table, Mapping) else None
    found = (own.get(name) if isinstance(own, Mapping) else None) or project.config.get(name)
    return str(found or "")


def planned(site: Site, desired: Desired) -> Planned:
    """Compare, and change nothing."""
    state = site.state()
    live = observe(site.stage, desired.resources, state)
    plan = plans.plan(desired.resources, live, state)
    before = releases.last(state)
    then = set(before.graph.edges()) if before else set()
    now = desired.graph.edges()
    return Planned(desired, plan, live, state, sorted(now - then), sorted(then - now))


def observe(stage: Stage, resources: Iterable[Resource], state: State) -> dict[Key, Live]:
    """Everything that is there of what is wanted, recorded, or marked as the stage's: each cloud and place at once."""
    resources = list(resources)
    keys = {*(one.key for one in resources), *state.records, *state.intents}
    places: dict[tuple[str, str], set[Key]] = {}
    for key in keys:
        places.setdefault((key.cloud, key.scope), set()).add(key)
    with ThreadPoolExecutor(max(1, len(places)), thread_name_prefix="hyfn-observe") as pool:
        jobs = [pool.submit(_observed, cloud, stage, own) for (cloud, _), own in places.items()]
        return plans.known([live for job in jobs for live in job.result()], resources, state)


def _observed(cloud: str, stage: Stage, keys: set[Key]) -> list[Live]:
    return list(wanting.shipper(cloud).observe(stage, keys))


def check(planned: Planned, overwrites: bool) -> None:
    """Raise ShipError where the plan would undo what somebody else did, or touch what is not the stage's."""
    if planned.plan.foreign:
        key = planned.plan.foreign[0]
        said = f"{key.kind} {key.name} is there already ({key.cloud}, {key.scope}), and is not of this app and stage"
        raise ShipError(said, hint="remove it, or give the function another name=")
    in_the_way = [drift for drift in planned.plan.drift if drift.is_in_the_way]
    if in_the_way and not overwrites:
        said = "; ".join(f"{drift.key.kind} {drift.key.name}: {', '.join(drift.said)}" for drift in in_the_way[:3])
        more = f"; and {len(in_the_way) - 3} more" if len(in_the_way) > 3 else ""
        raise ShipError(f"changed by somebody else: {said}{more}", hint="--overwrite has them as they were wanted")


def ship(site: Site, desired: Desired, agrees: Callable[[Planned], bool], report: Report, watch: Watch) -> Planned:
    """Make it so, under the stage's lease, and record it as a release where it differs from the last.

    `agrees` is asked once the plan is known; it raises, or says no, and then nothing was done.
    """
    with Ledger(site.store, site.stage.app, site.stage.name, report) as ledger:
        found = planned(site, desired)
        if not agrees(found):
            return found
        ledger.keep_secret(site.fingerprint)
        is_new = _is_new(found)
        if is_new:
            releases.keep_artifacts(site.store, desired)
        outputs: dict[Key, Outputs] = {key: live.outputs for key, live in found.live.items()}
        Applying(_means(site, desired, watch), ledger, outputs).run(found.plan, found.live)
        if is_new:
            ledger.release(releases.made(found.state, desired))
            releases.drop_artifacts(site.store, ledger.state, found.state)
    laptop.keep(site.root, site.stage.name, json.dumps(desired.graph.wiring(LAPTOP, site.stage, site.secret, outputs)))
    return found


def destroy(site: Site, agrees: Callable[[Planned], bool], report: Report, watch: Watch) -> Planned:
    """Take everything of the stage away, also what a lost record does not know."""
    desired = Desired(desires.Graph([], {}, {}), [], {})
    with Ledger(site.store, site.stage.app, site.stage.name, report) as ledger:
        found = planned(site, desired)
        if not agrees(found):
            return found
        Applying(_means(site, desired, watch), ledger, {}).run(found.plan, found.live)
        ledger.forget_releases()
        releases.drop_artifacts(site.store, ledger.state, found.state)
    laptop.forget(site.root, site.stage.name)
    return found


def _is_new(found: Planned) -> bool:
    last = found.state.releases[-1].desired if found.state.releases else None
    return bool(found.plan.changes) or last != found.desired.document()


def _means(site: Site, desired: Desired, watch: Watch) -> Means:
    def wiring(party: str, outputs: Mapping[Key, Outputs]) -> Json:
        return desired.graph.wiring(party, site.stage, site.secret, outputs)

    def probe(changes: Sequence[Change], outputs: Mapping[Key, Outputs]) -> None:
        probing.probe([change.party for change in changes], site, desired, _probed(changes, outputs))

    return Means(site.stage, wanting.shipper, wiring, probe, watch)


def _probed(changes: Sequence[Change], outputs: Mapping[Key, Outputs]) -> dict[str, str]:
    """Where the version of each party that has no traffic yet is called."""
    found = ((change.party, outputs.get(change.key, {}).get("probe", "")) for change in changes)
    return {party: url for party, url in found if url}
