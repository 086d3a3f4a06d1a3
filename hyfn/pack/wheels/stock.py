"""The wheels that the functions of one build may take: chosen, fetched and read, for each of their runtimes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hyfn.model import Project, Runtime, Wheel
from hyfn.pack.wheels import bytecode, fetch, wheel
from hyfn.pack.wheels.choose import Choice
from hyfn.pack.wheels.fetch import Watch
from hyfn.pack.wheels.needs import Chosen
from hyfn.pack.wheels.shelf import Shelf
from hyfn.pack.wheels.strips import Strip
from hyfn.pack.wheels.unbuildable import Unbuildable
from hyfn.toolchain.pythons import Interpreter


@dataclass(frozen=True, slots=True)
class Stock:
    """By runtime: what was chosen, and the wheels themselves."""

    chosen: Mapping[Runtime, Chosen]
    shelves: Mapping[Runtime, Shelf]


def fill(choice: Choice, project: Project, watch: Watch) -> Stock:
    """Fetch what was chosen, as far as it is not in the user's cache, and read it.

    A source distribution that cannot become a wheel is an error only for who needs it: it stands in the shelf's `lost`.
    """
    shelves = {runtime: _filled(runtime, chosen, project, watch) for runtime, chosen in choice.by_runtime.items()}
    return Stock(choice.by_runtime, shelves)


def _filled(runtime: Runtime, chosen: Chosen, project: Project, watch: Watch) -> Shelf:
    wanted, lost = list(chosen.wheels), dict[str, Unbuildable]()
    while True:
        try:
            return _shelf(runtime, fetch.fetch(wanted, runtime, project.root, watch, project.uv), lost)
        except Unbuildable as error:
            lost[error.source.name] = error
            wanted = [one for one in wanted if one != error.source]


def _shelf(runtime: Runtime, files: Mapping[Wheel, Path], lost: Mapping[str, Unbuildable]) -> Shelf:
    ordered = sorted(files, key=lambda one: one.name)
    digests = {one.name: _digest(one, files[one]) for one in ordered}
    contents = {one.name: wheel.read(files[one], digests[one.name]) for one in ordered}
    return Shelf(runtime, {one.name: one for one in ordered}, digests, contents, lost)


def _digest(one: Wheel, file: Path) -> str:
    """That of the wheel's file, which may have been built here."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if one.is_source else one.sha256


def compiled(shelf: Shelf, names: Iterable[str], interpreter: Interpreter | None) -> Mapping[str, Strip]:
    """By the distributions' names, their `.pyc` files for the shelf's Python; none where it is not at hand."""
    if interpreter is None:
        return {}
    by_digest = {shelf.digests[name]: name for name in names}
    found = bytecode.of({digest: shelf.contents[name].strips for digest, name in by_digest.items()}, interpreter)
    return {by_digest[digest]: strip for digest, strip in found.items()}
