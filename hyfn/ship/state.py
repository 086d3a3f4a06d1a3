"""What is recorded of one stage: what hyfn made of it, what it is about to do, who is at it, and its releases.

One JSON document. It holds no secret. "schema" is its version: hyfn reads what an older one wrote, and refuses to touch
what a newer one did.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hyfn.errors import ShipError
from hyfn.resource import Json, Key, Outputs, Phase

SCHEMA = 1
KEPT_RELEASES = 10


@dataclass(frozen=True, slots=True)
class Record:
    """One thing: as it was made (`action` ""), or, of an intent, as it is to be (create or update) or to go (delete).
    `body` has no ref left, but in an intent."""

    phase: Phase
    party: str
    needs: Sequence[Key]
    body: Json
    outputs: Outputs = field(default_factory=dict)
    action: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """What a ship made live: `artifacts` are digests by party; `desired` is all that was wanted, so that it can be
    wanted again (see project/desired.py). `at` is UTC, ISO 8601."""

    number: int
    at: str
    by: str
    artifacts: Mapping[str, str]
    desired: Json


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may write. `fence` grows with every new holder and never falls; `beat` grows with every sign of life."""

    holder: str
    fence: int
    beat: int


@dataclass(frozen=True, slots=True)
class State:
    app: str
    stage: str
    records: Mapping[Key, Record] = field(default_factory=dict)
    intents: Mapping[Key, Record] = field(default_factory=dict)
    releases: Sequence[Release] = ()
    lease: Lease | None = None
    fence: int = 0
    secret: str = ""
    """A fingerprint of the stage's secret: which one, not what it is."""

    @property
    def number(self) -> int:
        """Of the newest release, 0 before the first."""
        return self.releases[-1].number if self.releases else 0


def dumped(state: State) -> bytes:
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "app": state.app,
        "stage": state.stage,
        "fence": state.fence,
        "lease": asdict(state.lease) if state.lease else None,
        "secret": state.secret,
        "records": {str(key): _record(each) for key, each in sorted(state.records.items())},
        "intents": {str(key): _record(each) for key, each in sorted(state.intents.items())},
        "releases": [asdict(each) for each in state.releases],
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def loaded(content: bytes, where: str) -> State:
    """The inverse. `where` names the document in errors."""
    try:
        document = json.loads(content)
        schema = document["schema"]
    except (ValueError, KeyError, TypeError) as error:
        raise ShipError(f"{where} is no record of a stage", hint="restore it, or name another state") from error
    if schema != SCHEMA:
        said = f"{where} was written by another hyfn, in form {schema}; this one knows {SCHEMA}"
        raise ShipError(said, hint="upgrade hyfn")
    try:
        return _state(document)
    except (ValueError, KeyError, TypeError) as error:
        raise ShipError(f"{where} is damaged: {error!r}", hint="restore it") from error


def _state(document: Mapping[str, Any]) -> State:
    return State(
        document["app"],
        document["stage"],
        {Key.parse(key): _read(each) for key, each in document["records"].items()},
        {Key.parse(key): _read(each) for key, each in document["intents"].items()},
        [Release(**each) for each in document["releases"]],
        Lease(**document["lease"]) if document["lease"] else None,
        document["fence"],
        document["secret"],
    )


def _record(record: Record) -> Json:
    return {**asdict(record), "phase": record.phase.name, "needs": [str(key) for key in record.needs]}


def _read(document: Mapping[str, Any]) -> Record:
    needs = [Key.parse(key) for key in document["needs"]]
    return Record(**{**document, "phase": Phase[document["phase"]], "needs": needs})
