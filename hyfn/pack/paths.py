"""Which paths may stand in an archive. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from hyfn.errors import BuildError


def refuse(names: Iterable[str]) -> None:
    """BuildError unless every name is a plain relative path of its own, on any file system."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        if not _is_plain(name):
            raise BuildError(f"{name!r} is no path inside an archive")
        same = seen.setdefault(_folded(name), name)
        if same is not name:
            raise BuildError(f"{name!r} and {same!r} are the same file where case does not matter")
        for folder in folders_above(name):
            before = folders.setdefault(_folded(folder), folder)
            if before != folder:
                raise BuildError(f"{folder!r} and {before!r} are the same folder where case does not matter")
    for folded in seen.keys() & folders.keys():
        raise BuildError(f"{seen[folded]!r} is a file and a folder")


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    return not ({"", ".", ".."} & {*parts}) and name.isprintable() and "\\" not in name and ":" not in parts[0]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def folders_above(name: str) -> Iterable[str]:
    return (str(parent) for parent in PurePosixPath(name).parents if str(parent) != ".")
