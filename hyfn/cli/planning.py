"""How a plan is shown, asked about and reported; what the commands that change what is live have in common."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

import click

from hyfn.cli import output
from hyfn.errors import ConfigError
from hyfn.project import shipping
from hyfn.project.desired import Desired
from hyfn.project.shipping import Planned, Site
from hyfn.ship.plan import Change

SIGNS = {"create": "+", "update": "~", "delete": "-"}
DONE = {"create": "made", "update": "changed", "delete": "removed"}
WAITING = 2
"""The exit status of --plan where changes wait."""

stage_option = click.option("--stage", default="", metavar="STAGE", help="Default: HYFN_STAGE, or the project's own.")
yes_option = click.option("-y", "--yes", "is_agreed", is_flag=True, help="Ask nothing.")
plan_option = click.option(
    "--plan", "is_plan", is_flag=True, help="Only say what would change: exit status 2 if it would."
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Undo what somebody else changed.")


def use(stage: str) -> None:
    """Let the stage be the active one."""
    if stage:
        os.environ["HYFN_STAGE"] = stage


class Dialogue:
    """Shows a plan, asks whether it is to be done, says what is done of it, and what it came to."""

    def __init__(
        self, progress: output.Progress, *, is_plan: bool, is_agreed: bool, overwrites: bool, is_json: bool
    ) -> None:
        self._progress = progress
        self._is_plan, self._is_agreed, self._overwrites, self._is_json = is_plan, is_agreed, overwrites, is_json
        self._lock = threading.Lock()
        self._done = self._total = 0

    def run(self, site: Site, desired: Desired) -> Planned:
        """Ship what is desired, or with --plan only say what that would change."""
        self._progress.step("looking at what is live")
        if not self._is_plan:
            return shipping.ship(site, desired, self.agrees, self._progress.step, self.watch)
        planned = shipping.planned(site, desired)
        self.agrees(planned)
        return planned

    def agrees(self, planned: Planned) -> bool:
        """Raises ShipError for a plan that cannot be done, ConfigError where nobody can be asked."""
        self._progress.done()
        self._total = len(planned.plan.changes)
        if not self._is_json:
            for line in lines(planned):
                output.result(line)
        if self._is_plan:
            return False
        shipping.check(planned, self._overwrites)
        if planned.plan.is_empty or self._is_agreed:
            return True
        if not sys.stdin.isatty():
            raise ConfigError("nobody is there to agree to this plan", hint="--yes agrees to it, --plan only shows it")
        return click.confirm("Do this?", err=True)

    def watch(self, event: str, change: Change) -> None:
        """Of one change: it "begins", "ends" or "fails"."""
        with self._lock:
            self._done += event == "ends"
            done = self._done
        what = f"{change.key.cloud} {change.key.kind} {change.key.name}"
        if event == "ends":
            self._progress.step(f"{done} of {self._total}  {DONE[change.action]} {what}")
        elif event == "fails":
            output.note(f"failed: {what}")

    def conclude(self, planned: Planned, said: str) -> None:
        """`said` is what is true now. With --plan it ends the command, with status 2 where changes wait."""
        self._progress.done()
        if self._is_json:
            output.document(document(planned))
        elif not self._is_plan:
            output.result(said if self._done == self._total else "nothing was done")
        if self._is_plan and not planned.plan.is_empty:
            sys.exit(WAITING)


def lines(planned: Planned) -> list[str]:
    """The plan for people."""
    found = [_line(change) for change in planned.plan.changes]
    found += [f"+ edge {caller} → {callee}" for caller, callee in planned.new_edges]
    found += [f"- edge {caller} → {callee}" for caller, callee in planned.old_edges]
    found += [
        f"! {drift.key.cloud} {drift.key.kind} {drift.key.name}: somebody else changed it: {', '.join(drift.said)}"
        for drift in planned.plan.drift
    ]
    return found or ["nothing to change"]


def _line(change: Change) -> str:
    reasons = f": {', '.join(change.reasons)}" if change.reasons else ""
    return f"{SIGNS[change.action]} {change.key.cloud} {change.key.kind} {change.key.name}{reasons}"


def document(planned: Planned) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "changes": [
            {"action": one.action, "key": str(one.key), "party": one.party, "reasons": list(one.reasons)}
            for one in planned.plan.changes
        ],
        "drift": [
            {"key": str(one.key), "party": one.party, "reasons": list(one.said), "in_the_way": one.is_in_the_way}
            for one in planned.plan.drift
        ],
        "new_edges": _edges(planned.new_edges),
        "old_edges": _edges(planned.old_edges),
    }


def _edges(edges: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"caller": caller, "callee": callee} for caller, callee in edges]
