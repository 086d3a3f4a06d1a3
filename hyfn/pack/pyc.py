"""What modules compile to: the bytes that CPython itself writes, and the same ones on every run.

marshal says of each string whether it was interned, which depends on what the process compiled before. So every piece
of work is done in a fork of one process that has compiled nothing.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hyfn.errors import BuildError
from hyfn.toolchain import cache, scratch, tools
from hyfn.toolchain.pythons import Interpreter

VERSION = "1"
"""Of the form in which compiled files are kept."""
PIECE = 512 * 1024
"""Bytes of source for one fork, which costs 2.5 ms: few enough that all cores are busy to the end."""
CRC = 4
"""Bytes of the CRC-32 before each kept file: a machine that loses power may keep a name without its content."""

# Runs in the target's interpreter. Paths come as bytes: reading them as strings could intern these.
# The header is that of PEP 552, flags 0b01: hash-based, and the source is not looked at.
COMPILER = r"""
import _imp, gc, marshal, os, sys
from _frozen_importlib_external import MAGIC_NUMBER

HEADER = MAGIC_NUMBER + b"\1\0\0\0"
KEY = int.from_bytes(MAGIC_NUMBER, "little")

def compiled(piece):
    for path, source in piece:
        try:
            code = compile(source, path.decode(), "exec", dont_inherit=True)
        except Exception:
            continue
        yield path, HEADER + _imp.source_hash(KEY, source) + marshal.dumps(code)

def start(number):
    if not os.fork():
        with open(f"{number}.made", "wb") as opened:
            marshal.dump(list(compiled(pieces[number])), opened, 2)
        os._exit(0)

def wait():
    status = os.waitstatus_to_exitcode(os.wait()[1])
    if status:
        sys.exit(f"a compiler ended with status {status}")

gc.disable()
with open("pieces", "rb") as opened:
    pieces = marshal.load(opened)
heaviest = sorted(range(len(pieces)), key=lambda number: -sum(len(source) for _, source in pieces[number]))
cores = int(sys.argv[1])
gc.freeze()
for count, number in enumerate(heaviest):
    if count >= cores:
        wait()
    start(number)
for _ in heaviest[-cores:]:
    wait()
with open("tag", "w") as opened:
    opened.write(sys.implementation.cache_tag)
"""
OPTIONS = ("-S", "-s", "-W", "ignore")
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}

Piece = Sequence[tuple[bytes, bytes]]


def compiled(groups: Mapping[str, Mapping[str, bytes]], python: Path) -> dict[str, dict[str, bytes]]:
    """Of each group, which maps the path of a module in the artifact to its source, the `.pyc` files by their paths.

    They are unchecked-hash ones (PEP 552) by the interpreter `python`; tracebacks name the source where it stands. The
    same group with the same CPython has the same bytes, whatever else is compiled. What does not compile, or cannot be
    imported by its name, is left out. Uses all cores. BuildError where the interpreter fails.
    """
    pieces = [(group, piece) for group, sources in groups.items() for piece in _pieces(sources)]
    made: dict[str, dict[str, bytes]] = {group: {} for group in groups}
    if not pieces:
        return made
    with scratch.folder("hyfn-pyc-") as folder:
        (folder / "pieces").write_bytes(marshal.dumps([piece for _, piece in pieces], 2))
        _run(python, folder)
        tag = (folder / "tag").read_text()
        for number, (group, _) in enumerate(pieces):
            # It comes from a process of ours that executed nothing of what it read.
            found: Piece = marshal.loads((folder / f"{number}.made").read_bytes())  # noqa: S302
            made[group] |= {_beside(path.decode(), tag): content for path, content in found}
    return made


def _pieces(sources: Mapping[str, bytes]) -> Iterator[Piece]:
    piece: list[tuple[bytes, bytes]] = []
    size = 0
    for path in sorted(filter(_is_module, sources)):
        if piece and size + len(sources[path]) > PIECE:
            yield piece
            piece, size = [], 0
        piece.append((path.encode(), sources[path]))
        size += len(sources[path])
    if piece:
        yield piece


def _is_module(path: str) -> bool:
    return path.endswith(".py") and path.rpartition("/")[2][:-3].isidentifier()


def _beside(path: str, tag: str) -> str:
    """Where CPython looks for what the module at `path` compiles to."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}__pycache__/{name[:-3]}.{tag}.pyc"


def source(path: str) -> str:
    """The path of the module that the `.pyc` at `path` belongs to; any other path as it is."""
    folder, found, name = path.rpartition("__pycache__/")
    return f"{folder}{name.partition('.')[0]}.py" if found else path


def _run(python: Path, folder: Path) -> None:
    argv = [str(python), *OPTIONS, "-c", COMPILER, str(os.cpu_count() or 1)]
    done = tools.run(argv, cwd=folder, env=ENVIRONMENT)
    if done.status:
        said = done.stderr.strip().rpartition("\n")[2]
        raise BuildError(f"{python} cannot compile what is packed: {said}", hint="pyc = false leaves it uncompiled")


def kept(sources: Mapping[str, bytes], interpreter: Interpreter) -> dict[str, bytes]:
    """As `compiled`, each source being a group of its own; compiled once for each user of this machine."""
    shelf, salt = f"{cache.home()}/pyc", f"{VERSION}\0{interpreter.version}"
    places = {path: _place(shelf, salt, path, sources[path]) for path in sources if _is_module(path)}
    found = {path: _read(place) for path, place in places.items()}
    lacking = {path: {path: sources[path]} for path, content in found.items() if content is None}
    for path, made in compiled(lacking, interpreter.path).items():
        content = found[path] = next(iter(made.values()), b"")
        cache.put(Path(places[path]), zlib.crc32(content).to_bytes(CRC, "big") + content)
    tag = "cpython-" + "".join(interpreter.version.split(".")[:2])
    return {_beside(path, tag): content for path, content in found.items() if content}


def _place(shelf: str, salt: str, path: str, source: bytes) -> str:
    digest = hashlib.sha256(f"{salt}\0{path}\0".encode() + source).hexdigest()
    return f"{shelf}/{digest[:2]}/{digest}"


def _read(place: str) -> bytes | None:
    """What was kept; b"" of what does not compile, None of what is not there or damaged."""
    try:
        with open(place, "rb", buffering=0) as opened:  # noqa: PTH123 half of a Path's cost, a hundred times in a build
            content = opened.read()
    except FileNotFoundError:
        return None
    return content[CRC:] if content[:CRC] == zlib.crc32(content[CRC:]).to_bytes(CRC, "big") else None
