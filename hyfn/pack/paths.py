"""Which paths may stand in an archive. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote

from hyfn.errors import BuildError

MAX_PART = 255
"""Bytes in one part of a path: NAME_MAX of Linux."""
MAX_PATH = 4095
"""Bytes in a path: PATH_MAX of Linux less the NUL that ends it."""
MAX_DEPTH = 128
"""Parts of a path. The deepest of the usual wheels has 15."""

# Printable ASCII but / \ : % in any part, and no dot or space at its end, which Windows takes away.
_PART = r"[ -$&-.0-9;-\[\]-~]{0,254}[!-$&-\-0-9;-\[\]-~]"
_ORDINARY = re.compile(rf"{_PART}(?:/{_PART}){{0,{MAX_DEPTH - 1}}}")
_SLASHES = str.maketrans(dict.fromkeys("\u2044\u2215\u29f8", "/") | dict.fromkeys("\u2216\u29f5\u29f9", "\\"))
"""Signs that Windows takes for / and \\ where it squeezes Unicode into a code page."""


def refuse(names: Iterable[str], own_folders: Iterable[str] = ()) -> None:
    """BuildError unless every file's name is a plain relative path of its own, on any file system.

    No two are the same, even where case and Unicode's forms do not matter, and none is a file and a folder.
    `own_folders` are folders that the archive names itself; these it may name twice.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for folder in own_folders:
        _refuse_unplain(folder)
        _add_folders(f"{folder}/", folders)
    for name in names:
        _refuse_unplain(name)
        folded = _folded(name)
        if folded in files:
            raise BuildError(_same("file", name, files[folded]))
        files[folded] = name
        _add_folders(name, folders)
    for folded in files.keys() & folders.keys():
        raise BuildError(f"{files[folded]!r} is a file and a folder")


def _refuse_unplain(name: str) -> None:
    if not is_plain(name):
        raise BuildError(f"{name!r} is no path inside an archive")


def is_plain(name: str) -> bool:
    """Whether it is a relative path that stays inside, whoever reads it: as it is, normalised, or percent-decoded."""
    if _ORDINARY.fullmatch(name) and len(name) <= MAX_PATH:
        return True
    normal = unicodedata.normalize("NFKC", name)
    return _is_bounded(name) and all(map(_stays_inside, {name, normal, normal.translate(_SLASHES), _decoded(name)}))


def _is_bounded(name: str) -> bool:
    encoded = name.encode("utf-8", "surrogatepass")
    parts = encoded.split(b"/")
    return len(encoded) <= MAX_PATH and len(parts) <= MAX_DEPTH and len(max(parts, key=len)) <= MAX_PART


def _stays_inside(name: str) -> bool:
    if not name.isprintable() or "\\" in name or ":" in name:
        return False
    return not any(part == "" or part.endswith((".", " ")) for part in name.split("/"))


def _decoded(name: str) -> str:
    """Percent-decoded as often as it changes. Each time makes it shorter."""
    while (again := unquote(name)) != name:
        name = again
    return name


def _add_folders(name: str, folders: dict[str, str]) -> None:
    folder = name.rpartition("/")[0]
    while folder and (folded := _folded(folder)) not in folders:
        folders[folded] = folder
        folder = folder.rpartition("/")[0]
    if folder and folders[folded] != folder:
        raise BuildError(_same("folder", folder, folders[folded]))


def _same(kind: str, one: str, other: str) -> str:
    if one == other:
        return f"{one!r} is there twice"
    return f"{one!r} and {other!r} are the same {kind} where case does not matter"


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
