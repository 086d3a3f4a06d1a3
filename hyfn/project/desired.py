"""All that a stage is to have: which things, and who calls whom. As a document, it is what a release is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hyfn.resource import Json, Key, Outputs, Phase, Resource, Stage, digest, ref
from hyfn.trust.edges import LAPTOP, Edges, Node
from hyfn.wire.carrier import Endpoint


@dataclass(frozen=True, slots=True)
class Graph:
    """Who calls whom. `parties` are the artifacts and what each holds; `endpoints` where each is called: the thing
    whose outputs say so."""

    nodes: Sequence[Node]
    parties: Mapping[str, Sequence[str]]
    endpoints: Mapping[str, Key]

    def edges(self) -> set[tuple[str, str]]:
        """Each caller and each callee, as parties."""
        placed = self._placed()
        calls = {node.name: node.calls for node in self.nodes}
        return {
            (caller, callee)
            for caller, holds in self.parties.items()
            for name in holds
            for called in calls[name]
            for (function, _), callee in placed.items()
            if function == called and callee != caller
        }

    def _placed(self) -> dict[tuple[str, str], str]:
        return {(name, party.rpartition("@")[2]): party for party, holds in self.parties.items() for name in holds}

    def keyed(self, stage: Stage, secret: bytes) -> Edges:
        """The edges with their keys."""
        return Edges(stage.app, stage.name, secret, self.nodes, self._placed())

    def wiring(self, party: str, stage: Stage, secret: bytes, outputs: Mapping[Key, Outputs]) -> dict[str, Any]:
        """The document of `party`, or of LAPTOP. Endpoints that `outputs` does not know are left out."""
        holds = () if party == LAPTOP else self.parties[party]
        return self.keyed(stage, secret).wiring(party, holds, self.located(outputs))

    def located(self, outputs: Mapping[Key, Outputs], output: str = "url") -> dict[tuple[str, str], Endpoint]:
        """Where each placed function is called."""
        found = {}
        for (name, platform), party in self._placed().items():
            key = self.endpoints.get(party)
            said = outputs.get(key, {}) if key else {}
            if key and said.get(output):
                found[name, platform] = Endpoint(key.cloud, name, said[output], said.get("door", ""))
        return found

    def fingerprint(self, party: str, stage: Stage, secret: bytes) -> str:
        """Of its edges and which keys they have: it changes where a callee is called, a class may be raised or a key is
        another, and tells no key."""
        nowhere = {placed: Endpoint("", placed[0], "") for placed in self._placed()}
        document = self.keyed(stage, secret).wiring(party, self.parties[party], nowhere)
        for callee in document["calls"].values():
            for route in callee["routes"]:
                del route["key"], route["url"], route["door"], route["cloud"]
        for caller in document["callers"].values():
            del caller["key"]
        return digest(document)[:16]


@dataclass(frozen=True, slots=True)
class Desired:
    """`resources` are complete: what is wired has its edges in its body. `artifacts` are digests by party."""

    graph: Graph
    resources: Sequence[Resource]
    artifacts: Mapping[str, str]

    def document(self) -> Json:
        """As JSON, without the files: those are kept by their digests."""
        return {
            "nodes": [asdict(node) for node in self.graph.nodes],
            "parties": {party: list(holds) for party, holds in self.graph.parties.items()},
            "endpoints": {party: str(key) for party, key in self.graph.endpoints.items()},
            "artifacts": dict(self.artifacts),
            "resources": [_document(each, self.artifacts) for each in self.resources],
        }


def read(document: Json, files: Mapping[str, Path]) -> Desired:
    """The inverse; `files` are those of the artifacts, by digest."""
    graph = Graph(
        [Node(**node) for node in document["nodes"]],
        document["parties"],
        {party: Key.parse(key) for party, key in document["endpoints"].items()},
    )
    return Desired(graph, [_resource(each, files) for each in document["resources"]], document["artifacts"])


def _document(resource: Resource, artifacts: Mapping[str, str]) -> Json:
    return {
        "key": str(resource.key),
        "phase": resource.phase.name,
        "party": resource.party,
        "body": resource.body,
        "needs": [str(key) for key in resource.needs],
        "file": artifacts[resource.party] if resource.file else "",
        "is_wired": resource.is_wired,
        "is_endpoint": resource.is_endpoint,
    }


def _resource(document: Json, files: Mapping[str, Path]) -> Resource:
    return Resource(
        Key.parse(document["key"]),
        Phase[document["phase"]],
        document["party"],
        document["body"],
        [Key.parse(key) for key in document["needs"]],
        files[document["file"]] if document["file"] else None,
        document["is_wired"],
        document["is_endpoint"],
    )


def linked(graph: Graph, resources: Sequence[Resource], stage: Stage, secret: bytes) -> list[Resource]:
    """The resources, with its edges in the body of each that is wired, and flips in the order of the call graph."""
    return [_flipped(_wired(each, graph, stage, secret), graph, resources) for each in resources]


def _wired(resource: Resource, graph: Graph, stage: Stage, secret: bytes) -> Resource:
    if not resource.is_wired:
        return resource
    callees = sorted({callee for caller, callee in graph.edges() if caller == resource.party})
    own = {
        "edges": graph.fingerprint(resource.party, stage, secret),
        "endpoints": {each: ref(graph.endpoints[each], "url") for each in callees if each in graph.endpoints},
    }
    return replace(resource, body={**resource.body, **own})


def _flipped(resource: Resource, graph: Graph, resources: Sequence[Resource]) -> Resource:
    """Callees before callers."""
    if resource.phase is not Phase.FLIP:
        return resource
    callees = {callee for caller, callee in graph.edges() if caller == resource.party}
    before = [each.key for each in resources if each.phase is Phase.FLIP and each.party in callees]
    return replace(resource, needs=[*resource.needs, *before])
