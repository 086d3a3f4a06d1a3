"""What a cloud must provide. Each protocol is implemented once in a folder of hyfn/clouds.

A folder's `__init__.py` declares its decorators (`platform`), and these modules provide, by these names:

    pack.py      packer: Packer        host.py   the entry point that the platform calls (uses hyfn.host)
    call.py      caller: Caller        emulate.py  emulator: Emulator   (optional)
    capabilities.py  capabilities: Describe: what the platform can do, for people; from what pack and call refuse by
    on.py        delivery, answer: see hyfn.host.events; loaded in artifacts whose functions have triggers
    emit.py      emitter: Emitter      (where the platform has triggers)
    ship.py      shipper: Shipper      (where functions can be shipped)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hyfn.model import (
    Artifact,
    Capabilities,
    Container,
    FunctionSpec,
    Limits,
    Offer,
    Problem,
    Runtime,
    Staged,
    Target,
    Tree,
    Trigger,
)
from hyfn.resource import Key, Live, Order, Resource, Stage, Wanted
from hyfn.wire.carrier import Answer, Endpoint, Request, Response


class Packer(Protocol):
    """Makes artifacts for one cloud. Never talks to it."""

    def runtimes(self, target: Target) -> Sequence[Runtime]:
        """The Python, machine and glibc that `target` runs on, by its options or the cloud's defaults. One for a zip;
        an image may be for several machines."""
        ...

    def check(self, function: FunctionSpec, target: Target) -> Iterable[Problem]:
        """What the platform would refuse in the options: values out of range, a wrong name."""
        ...

    def limits(self, target: Target) -> Limits:
        """What the platform takes of an artifact for `target`, each figure with the vendor's page. Options that `check`
        refuses give limits nonetheless."""
        ...

    def platform_name(self, app: str, stage: str, function: FunctionSpec, target: Target) -> str:
        """The name on the platform: from `name=` or derived, within its rules; the same on every machine."""
        ...

    def tree(self, staged: Staged) -> Tree:
        """The artifact's files, and where its wheels belong. BuildError for a project's file that is in the way."""
        ...

    def container(self, target: Target) -> Container | None:
        """How an image of it starts; None where the platform takes a zip."""
        ...

    def roots(self, unpacked: Path) -> list[Path]:
        """The import roots, in order, of an artifact that was laid out in `unpacked` as the platform does."""
        ...

    def provided(self, target: Target) -> Sequence[str]:
        """Distributions that the platform has in place, such as its own SDK: they need not travel."""
        ...

    def entry(self, target: Target) -> str:
        """Python statements that load the artifact as the platform does, for the check in a clean interpreter."""
        ...

    def manifest(self, function: FunctionSpec, target: Target, name: str, image: str) -> Mapping[str, Any] | None:
        """The platform's own description of one artifact as its tools take it, as one JSON document; None where the
        artifact says it all.

        `name` is as `platform_name` gave it, `image` the reference of the artifact's image, "" for a zip. The same for
        the same arguments, on every machine. Never holds a secret: it names where the platform keeps it.
        """
        ...

    def offers(self, target: Target) -> Mapping[str, Offer]:
        """The kinds of hyfn.on that `target`'s platform has, each by its own name there; {} where it has none."""
        ...


Describe = Callable[[Target], Capabilities]
"""`capabilities` of a cloud: what `target`'s platform can do, by its options or their defaults."""


@runtime_checkable
class Serving(Protocol):
    """A Packer whose artifacts must hold what serves them, since the platform has it nowhere."""

    def serving(self, target: Target) -> Sequence[str]:
        """Requirements, each of a distribution that travels whatever the code imports. What they declare to need does
        not come with them: all that is needed is named."""
        ...


class Host(Protocol):
    """Two translations inside a platform. `event` is whatever the platform hands to its handler."""

    def receive(self, event: Any) -> bytes:
        """The frame in it. Raises Malformed or UnsupportedEncoding."""
        ...

    def answer(self, answer: Answer) -> Any:
        """The platform's own form of a reply."""
        ...


class Caller(Protocol):
    """Two translations in a caller. Never opens a socket. The inverse of Host."""

    def request(self, endpoint: Endpoint, frame: bytes) -> Request: ...

    def reply(self, response: Response) -> bytes:
        """The reply's frame. Raises a CallError for a platform's own answer: OutcomeUnknown unless the answer proves
        that the function did not run."""
        ...


class Running(Protocol):
    """One artifact up in a runtime on this machine."""

    endpoint: Endpoint
    runtime: str
    """The runtime and its version: "awslambdaric 4.2.2 on CPython 3.13.0"."""
    evidence: str
    """runtime: the vendor's own component runs it; spec: our stand-in, written from the specification."""

    events: Endpoint | None
    """Where the platform's own events come in; None where its functions wait for none. Only a platform sends there."""

    def stop(self) -> None:
        """End every process of it. Safe to repeat."""
        ...


@runtime_checkable
class Paged(Protocol):
    """A Running whose platform takes plain HTTP for functions under @on.http."""

    @property
    def pages(self) -> str:
        """The URL that the paths of such functions follow, without a "/" at its end."""
        ...


@dataclass(frozen=True, slots=True)
class Notification:
    """One request by which a platform tells an artifact of events; `ids` are theirs."""

    request: Request
    ids: Sequence[str]


class Emitter(Protocol):
    """A platform's own notifications, for `hyfn emit`. Never opens a socket. The inverse of the cloud's `on`."""

    def notify(
        self, endpoint: Endpoint, trigger: Trigger, events: Sequence[Mapping[str, Any]]
    ) -> Sequence[Notification]:
        """What the platform would send to `endpoint` (a Running's `events`), in order, as its runtime gets it.

        `events` are as hyfn.event.occurrence makes them, with the types and sources that hyfn.event lists; `trigger` is
        the one that waits for them.
        """
        ...

    def failed(self, notification: Notification, response: Response) -> Sequence[str]:
        """The ids of those that the platform would deliver again, by its own reading of the response."""
        ...


class Emulator(Protocol):
    """Starts the vendor's own runtime for an artifact on this machine."""

    def python(self, target: Target) -> str:
        """The minor version ("3.13") that this machine will run `target` with: the target's own where an interpreter
        is at hand, else the nearest that the vendor's runtime accepts. Raises MachineError where there is none."""
        ...

    def prepare(self, target: Target, report: Callable[[str], None]) -> None:
        """Make the runtime's environment in the user's cache, if it is not there. Safe to repeat and to run at once."""
        ...

    def start(self, artifact: Artifact, unpacked: Path, env: Mapping[str, str], log: Path, port: int = 0) -> Running:
        """Start it and wait until it can be called. `port` 0 takes a free one. Standard output and error go to `log`.

        `env` is added to the process's environment: it carries HYFN_WIRING, the path of a file that may be written
        later than `start` but is there before the first call.
        """
        ...


class Shipper(Protocol):
    """One cloud's control plane. Each verb is safe to repeat, in any order with others, and may run in many threads.

    Only a cloud's ship.py imports its vendor's SDK, and not before it is needed: without it each verb raises
    MachineError with the pip command. Credentials come from the vendor's own chain. What the platform refuses is a
    ShipError; Changed where a condition on `etag` did not hold.
    """

    def resources(self, wanted: Wanted) -> Sequence[Resource]:
        """What must be there for it to be live. Pure: talks to nobody. Raises ConfigError where a setting lacks."""
        ...

    def observe(self, stage: Stage, keys: Collection[Key]) -> Iterable[Live]:
        """Those of `keys` that are there, and everything else with the tags of the stage in their scopes, as far as
        the platform can list by tag."""
        ...

    def put(self, order: Order) -> Live:
        """Create it or change it, wait until the platform has done so, and give what is there then."""
        ...

    def remove(self, live: Live) -> None:
        """Take it away, and wait until it is gone. One that is not there is no error."""
        ...
