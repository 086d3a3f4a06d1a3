"""hyfn status: what is live of a stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hyfn import project
from hyfn.cli import guard, output, planning
from hyfn.project import reading, releases, shipping
from hyfn.project.desired import Desired, Graph
from hyfn.resource import Key, Live
from hyfn.ship.plan import Plan
from hyfn.ship.state import State


@click.command
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@planning.stage_option
@output.json_option
@guard.command
def command(path: Path, stage: str, is_json: bool) -> None:
    """Say what is live of the project at PATH, and what somebody else changed since it was shipped."""
    planning.use(stage)
    read = project.read(path)
    name = reading.stage(read)
    site = shipping.site(read, name)
    state = site.state()
    last = releases.last(state) or Desired(Graph([], {}, {}), [], {})
    found = shipping.planned(site, last)
    document = _document(state, found.live, found.plan, last.graph)
    if is_json:
        output.document(document)
        return
    output.result(f"{read.app}, stage {name}: {_release(state)}")
    if document["functions"]:
        rows = [[each["party"], each["url"], each["state"]] for each in document["functions"]]
        output.table(["function", "called at", "state"], rows)
    for each in document["drift"]:
        output.warning(f"{each['key']}: {', '.join(each['reasons'])}")
    if state.lease:
        output.note(f"{state.lease.holder.rpartition(' ')[0]} is shipping, or was")


def _release(state: State) -> str:
    if not state.releases:
        return "nothing was shipped"
    newest = state.releases[-1]
    return f"release {newest.number} of {newest.at} by {newest.by}"


def _document(state: State, live: dict[Key, Live] | Any, plan: Plan, graph: Graph) -> dict[str, Any]:
    changed = {change.party for change in plan.changes}
    return {
        "app": state.app,
        "stage": state.stage,
        "release": state.number,
        "functions": [
            {
                "party": party,
                "url": live[key].outputs.get("url", "") if key in live else "",
                "state": _state(party, key, live, changed),
            }
            for party, key in sorted(graph.endpoints.items())
        ],
        "drift": [{"key": str(each.key), "reasons": list(each.said)} for each in plan.drift],
        "unfinished": [str(key) for key in state.intents],
    }


def _state(party: str, key: Key, live: dict[Key, Live], changed: set[str]) -> str:
    if key not in live:
        return "gone"
    return live[key].trouble or ("not as it was shipped" if party in changed else "live")
