"""Where a build goes: a folder that is written whole or not at all."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hyfn.errors import BuildError
from hyfn.toolchain import scratch, swapping

MANIFEST = "manifest.json"
STATE = ".state.json"
"""Beside the manifest: what the next build wants to know, about this machine's files only."""
OWN = ".hyfn"
"""hyfn's own folder in a project."""
ELSEWHERE = "name an empty or a new folder with --out"


def own(root: Path) -> Path:
    """hyfn's own folder in the project at `root`, which version control passes over. Exists afterwards."""
    folder = root / OWN
    folder.mkdir(exist_ok=True)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n")
    return folder


def manifest(artifact: str) -> str:
    """The path of the description, for its platform's tools, of the artifact at the path."""
    return f"{artifact.rpartition('.')[0]}.{MANIFEST}"


def unfinished(out: Path) -> str:
    """What the names of folders beside `out` begin with that builds into it are working in."""
    return f".{out.name}.partial-"


def tidy(out: Path) -> None:
    """Remove what builds into `out` left that were killed, and write what they did not come to."""
    scratch.sweep(out.parent, unfinished(out))
    if out.parent.name == OWN:
        own(out.parent.parent)


@contextmanager
def all_or_nothing(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when all went well. When not, nothing is left of it and of what was
    made to hold it. Raises BuildError where `out` is not hyfn's to replace, or cannot be written."""
    out = out.resolve()
    with ExitStack() as stack:
        try:
            _refuse_foreign(out)
            stack.enter_context(scratch.parents(out))
            partial = stack.enter_context(scratch.folder(unfinished(out), out.parent))
        except OSError as error:
            raise BuildError(f"cannot write {out}: {error.strerror}", hint=ELSEWHERE) from error
        yield partial
        _replace(partial, out)


def _replace(partial: Path, out: Path) -> None:
    """In one step: who is killed leaves the old build or the new one, and of two at once the later one's stays.

    Where the file system cannot swap folders there is a moment without any; the next build makes it again.
    """
    partial.chmod(0o755)
    if not _is_taken(partial, out) and not swapping.swap(partial, out):
        _replace_in_steps(partial, out)


def _is_taken(partial: Path, out: Path) -> bool:
    """Whether it took its place: where nothing stands there, or an empty folder."""
    try:
        partial.rename(out)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _replace_in_steps(partial: Path, out: Path) -> None:
    old = partial.with_name(f"{partial.name}.old")

    def put_back() -> None:
        if old.exists() and not out.exists():
            old.rename(out)
        shutil.rmtree(old, ignore_errors=True)

    with scratch.afterwards(put_back):
        out.rename(old)
        partial.rename(out)


def _refuse_foreign(out: Path) -> None:
    stands = next(path for path in (out, *out.parents) if path.exists())
    if not stands.is_dir():
        raise BuildError(f"{stands} is a file", hint=ELSEWHERE)
    if not out.exists() or out.parent.name == OWN:
        return
    strangers = sorted({entry.name for entry in out.iterdir()} - _written(out))
    if strangers:
        raise BuildError(f"{out} holds {strangers[0]}, which no build of hyfn put there", hint=ELSEWHERE)


def _written(out: Path) -> set[str]:
    """What the build in `out` put into it, by its manifest, or by its state where somebody touched that."""
    found: set[str] = set()
    for name in (MANIFEST, STATE):
        try:
            artifacts = json.loads((out / name).read_text())["artifacts"]
            paths = artifacts if name == STATE else [artifact["path"] for artifact in artifacts]
            found |= {MANIFEST, STATE, *(Path(path).parts[0] for path in paths)}
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return found
