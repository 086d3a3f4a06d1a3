"""Who may call whom in a running application, as a file for each party that only its owner can read."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hyfn.model import Project
from hyfn.project import Unit
from hyfn.trust.edges import LAPTOP, Edges, nodes
from hyfn.wire.carrier import Endpoint

DOOR = "dev@local"
"""The party that the JSON door of `hyfn dev` is."""
STAGE = "dev"


class Wires:
    """The keys live as long as this object: endings and beginnings of functions do not change them."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made, and is for these files alone."""
        folder.mkdir(mode=0o700)
        self._folder = folder
        self._secret = secrets.token_bytes(32)
        self._written: dict[str, dict[str, Any]] = {}
        self.door: dict[str, Any] = {}
        """The wiring of the JSON door."""

    def env(self, party: str) -> dict[str, str]:
        """What tells a process who it is. The file is there after the next `write`."""
        return {"HYFN_WIRING": str(self._file(party)), "HYFN_STAGE": STAGE}

    def laptop(self) -> dict[str, str]:
        """What tells a script on this machine that it may call every function."""
        return self.env(LAPTOP)

    def write(self, project: Project, units: Sequence[Unit], endpoints: Mapping[str, Endpoint]) -> set[str]:
        """Write each party's wiring, nobody's with another's keys. `endpoints` by party.

        The parties whose wiring is not what it was: who runs must start anew to see it.
        """
        parties = {(function.name, unit.target.platform): unit.party for unit in units for function in unit.functions}
        edges = Edges(project.app, STAGE, self._secret, nodes(project.functions), parties)
        found = {placed: endpoints[party] for placed, party in parties.items() if party in endpoints}
        documents = {
            unit.party: edges.wiring(unit.party, [each.name for each in unit.functions], found, is_json=[DOOR])
            for unit in units
        }
        self.door = edges.wiring(DOOR, [], found, is_json=[DOOR])
        for party, document in {**documents, LAPTOP: edges.wiring(LAPTOP, [], found)}.items():
            self._write(party, document)
        before, self._written = self._written, documents
        return {party for party, document in documents.items() if party in before and before[party] != document}

    def _file(self, party: str) -> Path:
        return self._folder / f"{party.replace(':', '.')}.json"

    def _write(self, party: str, document: Mapping[str, Any]) -> None:
        path = self._file(party)
        descriptor = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file)
        path.with_suffix(".new").replace(path)
