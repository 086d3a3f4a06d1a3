"""What hyfn keeps on platforms: a thing as it is wanted, as it is live, and when in a ship its turn comes. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from hyfn.model import Artifact, FunctionSpec, Target

Json = Mapping[str, Any]
Outputs = Mapping[str, str]
REF = "$of"
DIGEST = "$digest"
"""The one name in a body of which the platform keeps no more than the digest: {"$digest": digest(body)}."""


class Phase(IntEnum):
    """When in a ship a thing is made. All of one phase stand before the next begins; what goes, goes after the last,
    in the opposite order. Between WIRING and FLIP every edge is called once."""

    IDENTITY = 1
    """Roles, accounts: what a function runs as."""
    CODE = 2
    """Functions and addresses, without traffic where the platform can."""
    WIRING = 3
    """Versions that know their edges, and the permissions of each edge."""
    FLIP = 4
    """Traffic goes to the version, callees before callers."""
    TRIGGER = 5
    """What wakes it."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Which thing: the same on every machine. `scope` is where on the cloud (a region, a namespace, a project), `kind`
    the platform's own word for it."""

    cloud: str
    scope: str
    kind: str
    name: str

    def __str__(self) -> str:
        return "/".join(quote(part, safe=":@.,") for part in (self.cloud, self.scope, self.kind, self.name))

    @classmethod
    def parse(cls, text: str) -> Key:
        """The inverse of str(). Raises ValueError."""
        cloud, scope, kind, name = (unquote(part) for part in text.split("/"))
        return cls(cloud, scope, kind, name)


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing that is wanted.

    `body` is JSON: what the platform is to hold of it, in the form that the cloud's `observe` gives it back in, so that
    both can be compared. A value may be a `ref` to an output of another. It never holds a secret: a secret is there by
    a fingerprint. `party` is whose it is ("app:ocr@aws"). `needs` are of the same phase. `file` are the bytes that it
    carries, of which `body` has the digest. `is_wired`: it takes the party's wiring; `is_endpoint`: its outputs "url"
    and "door" are where the party is called. One that is wired may have an output "probe", the URL of what has no
    traffic yet.
    """

    key: Key
    phase: Phase
    party: str
    body: Json
    needs: Sequence[Key] = ()
    file: Path | None = None
    is_wired: bool = False
    is_endpoint: bool = False


@dataclass(frozen=True, slots=True)
class Live:
    """One thing that is there.

    `body` is as Resource has it, or `{DIGEST: ...}`. `etag` is the platform's own mark of its state, for changes on a
    condition, "" where it has none. `is_ours` says whether its tags are those of the app and stage. `trouble` is the
    platform's word for why it does not work, "" where it does.
    """

    key: Key
    body: Json
    outputs: Outputs = field(default_factory=dict)
    etag: str = ""
    is_ours: bool = True
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """Which of the app's worlds."""

    app: str
    name: str

    @property
    def tags(self) -> dict[str, str]:
        """What marks each thing that is hyfn's."""
        return {"hyfn:app": self.app, "hyfn:stage": self.name}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another artifact of the same cloud that this one may call."""

    party: str
    name: str
    target: Target


@dataclass(frozen=True, slots=True)
class Wanted:
    """One artifact that is to be live.

    `name` is its name on the platform, `function` the one that it is named for, with the triggers of all that are in
    it. `image` is the reference by digest, "" for a zip. `near` are its callees on the same cloud. `is_far` says that
    another platform calls it, which the cloud's own access control cannot let in yet: where it is called must then be
    open to all, and hyfn's keys alone say who may. `is_near` says that another one of the same cloud calls it.
    """

    stage: Stage
    party: str
    name: str
    function: FunctionSpec
    target: Target
    artifact: Artifact
    image: str = ""
    near: Sequence[Neighbour] = ()
    is_far: bool = False
    is_near: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A thing to create (`live` is None) or to change. In `body` every ref is resolved. `wiring` is the document of
    hyfn/wiring.py where the resource is wired; it is secret. `token` is the same in every attempt at the same change:
    for the platform's own idempotency."""

    stage: Stage
    resource: Resource
    body: Json
    live: Live | None
    wiring: Json | None
    token: str


def ref(key: Key, output: str) -> dict[str, str]:
    """A value that the thing `key` gives once it is there."""
    return {REF: str(key), "output": output}


def refs(body: Any) -> Iterator[tuple[Key, str]]:
    """Every ref in a body."""
    if isinstance(body, Mapping):
        if REF in body:
            yield Key.parse(body[REF]), body["output"]
        else:
            for value in body.values():
                yield from refs(value)
    elif isinstance(body, list | tuple):
        for value in body:
            yield from refs(value)


def resolved(body: Any, outputs: Mapping[Key, Outputs]) -> Any:
    """The body with the values of those refs that `outputs` knows; the others stay."""
    if isinstance(body, Mapping):
        if REF in body:
            return outputs.get(Key.parse(body[REF]), {}).get(body["output"], body)
        return {name: resolved(value, outputs) for name, value in body.items()}
    if isinstance(body, list | tuple):
        return [resolved(value, outputs) for value in body]
    return body


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, as 64 hexadecimal digits: the same for equal values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
