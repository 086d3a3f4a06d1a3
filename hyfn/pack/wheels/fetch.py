"""Wheels as files in the user's cache, by the SHA-256 of what they came as. What is there is not fetched again."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from hyfn.errors import BuildError, MachineError
from hyfn.model import Runtime, Wheel
from hyfn.toolchain import cache
from hyfn.toolchain.workers import Workers

if TYPE_CHECKING:
    from hyfn.pack.wheels.download import Line

Watch = Callable[[int, int], None]

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+!-]*")
SHA256 = re.compile(r"[0-9a-f]{64}")
LOOK = 0.1
"""Seconds between two words to whoever watches."""
ABANDONED_SECONDS = 3600.0
"""A file under way that has not grown for so long is what a killed process left."""


def nobody(done: int, total: int) -> None:
    """Watches nothing."""


def fetch(
    wheels: Sequence[Wheel],
    runtime: Runtime,
    root: Path | None,
    watch: Watch = nobody,
    table: Mapping[str, Any] | None = None,
) -> dict[Wheel, Path]:
    """Each one's wheel file, verified when it came: SHA-256, and size where it is known. Never to be written to.

    What lacks is fetched, eight at once, and a wheel is built of what is a source distribution. `table` is the
    project's [tool.uv], for a lock does not say which index has what. `watch` is told the bytes that are there and
    those that are wanted, at most ten times a second, from this thread. With nothing to fetch no socket opens. Safe
    to call at once from threads and processes; an interruption ends it promptly. BuildError, sdist.Unbuildable or
    MachineError name the file.
    """
    home = cache.home()
    there = {wheel: _kept(wheel, runtime, home) for wheel in wheels}
    lacking = [wheel for wheel, path in there.items() if path is None]
    if lacking:
        _obtain(
            [wheel for wheel in lacking if not _is_whole(wheel, place(wheel, home))], home, runtime, root, watch, table
        )
        there |= _ready(lacking, runtime, root, home)
    return {wheel: path for wheel, path in there.items() if path is not None}


def place(wheel: Wheel, home: Path) -> Path:
    """Where the file is, or would be, in the cache `home`. BuildError for a name or a hash that is none."""
    if not PLAIN.fullmatch(wheel.file) or not SHA256.fullmatch(wheel.sha256):
        raise BuildError(f"{wheel.name} {wheel.version} is locked without a file name and a SHA-256")
    return Path(f"{home}/files/{wheel.sha256[:2]}/{wheel.sha256}/{wheel.file}")


def _kept(wheel: Wheel, runtime: Runtime, home: Path) -> Path | None:
    path = place(wheel, home)
    if wheel.is_source:
        from hyfn.pack.wheels import sdist  # few projects have any

        return sdist.kept(wheel, runtime, home)
    return path if _is_whole(wheel, path) else None


def _is_whole(wheel: Wheel, path: Path) -> bool:
    try:
        size = os.stat(path).st_size  # noqa: PTH116 half of a Path's cost, fifty times in a build
    except OSError:
        return False
    if wheel.size and size != wheel.size:
        return False
    cache.used(path)
    return True


def _ready(wheels: Sequence[Wheel], runtime: Runtime, root: Path | None, home: Path) -> dict[Wheel, Path | None]:
    paths: dict[Wheel, Path | None] = {wheel: place(wheel, home) for wheel in wheels}
    sources = [(wheel, path) for wheel, path in paths.items() if wheel.is_source and path is not None]
    if not sources:
        return paths
    from hyfn.pack.wheels import sdist

    with Workers(os.cpu_count() or 1, "hyfn-sdist") as workers:
        built = {wheel: workers.submit(sdist.wheel_of, wheel, path, runtime, root) for wheel, path in sources}
        return paths | {wheel: future.result() for wheel, future in built.items()}


def _obtain(
    wheels: Sequence[Wheel],
    home: Path,
    runtime: Runtime,
    root: Path | None,
    watch: Watch,
    table: Mapping[str, Any] | None,
) -> None:
    from hyfn.pack.wheels import credentials, download, indexes
    from hyfn.pack.wheels import locate as locating

    settings = indexes.settings(root)
    one_each = list({place(wheel, home): wheel for wheel in locating.locate(wheels, runtime, root, table)}.values())
    afar = [wheel for wheel in one_each if download.local(wheel, root) is None]
    if settings.is_offline and afar:
        raise locating.away(afar, "uv is set to be offline")
    with download.Line(settings, credentials.Credentials(settings)) as line:
        _all(one_each, _Errand(line, home, root, dict.fromkeys(one_each, 0)), watch)


@dataclass(frozen=True, slots=True)
class _Errand:
    """`done` is how many bytes of each are there: one thread writes one of them."""

    line: Line
    home: Path
    root: Path | None
    done: dict[Wheel, int]


def _all(wheels: Sequence[Wheel], errand: _Errand, watch: Watch) -> None:
    from hyfn.pack.wheels import download
    from hyfn.pack.wheels import locate as locating

    largest_first = sorted(wheels, key=lambda wheel: -wheel.size)
    with Workers(download.AT_ONCE, "hyfn-fetch") as workers:
        try:
            jobs = [workers.submit(_one, wheel, errand) for wheel in largest_first]
            while wait(jobs, LOOK, FIRST_EXCEPTION).not_done and not _failed(jobs):
                _tell(watch, errand)
            for job in _failed(jobs) or jobs:
                job.result()
        except download.Unreached as error:
            errand.line.cut()
            rest = [wheel for wheel in wheels if not _is_whole(wheel, place(wheel, errand.home))]
            raise (locating.away(rest, str(error)) if len(rest) > 1 else error) from error
        except BaseException:
            errand.line.cut()
            raise
    _tell(watch, errand)


def _failed(jobs: Sequence[Future[None]]) -> list[Future[None]]:
    return [job for job in jobs if job.done() and job.exception() is not None]


def _tell(watch: Watch, errand: _Errand) -> None:
    # A file whose size nobody told counts as it comes.
    watch(sum(errand.done.values()), sum(max(wheel.size, done) for wheel, done in errand.done.items()))


def _one(wheel: Wheel, errand: _Errand) -> None:
    from hyfn.pack.wheels import download

    def count(more: int) -> None:
        errand.done[wheel] += more

    source = download.local(wheel, errand.root)
    with _partial(place(wheel, errand.home)) as opened:
        coming = download.Download(wheel, opened, count)
        if source is None:
            errand.line.fetch(coming)
        else:
            download.copy(source, coming)


@contextmanager
def _partial(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when the block ends well, and vanishes otherwise."""
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(6)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        with unfinished.open("xb") as opened:
            yield opened
        unfinished.replace(path)
    except OSError as error:
        raise MachineError(f"{path.name} cannot be written to the cache: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    for left in folder.glob("*.partial"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
                left.unlink()
