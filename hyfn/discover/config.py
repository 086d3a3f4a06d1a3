"""What a project says about itself: pyproject.toml, a PEP 723 block, requirements.txt, each with its lines."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from hyfn.errors import ConfigError
from hyfn.model import Place

Keys = tuple[str, ...]

_BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""From PEP 723."""


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML document, and where each key of it stands. `first_line` is the line of the file that its line 1 is."""

    table: Mapping[str, Any]
    file: str
    text: str
    first_line: int = 1

    def place(self, keys: Keys) -> Place:
        """The line of `keys`, else of the nearest table around it."""
        lines = _lines(self.text)
        while keys and keys not in lines:
            keys = keys[:-1]
        return Place(self.file, self.first_line + lines.get(keys, 1) - 1)

    def entry(self, keys: Keys, text: str) -> Place:
        """The line of one string in the array under `keys`, else that of `keys`."""
        start = self.place(keys)
        for number, line in enumerate(self.text.split("\n")[start.line - self.first_line :], start.line):
            if number > start.line and re.match(r"\s*(\[[\w.\"' -]*\]\s*$|[\w.\"-]+\s*=)", line):
                break
            if f'"{text}"' in line or f"'{text}'" in line:
                return Place(self.file, number)
        return start

    def error(self, message: str, keys: Keys, hint: str | None = None) -> ConfigError:
        return ConfigError(message, where=str(self.place(keys)), hint=hint)

    def get(self, *keys: str) -> Any:
        """The value under `keys`, or None."""
        found: Any = self.table
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def typed(self, kind: type[Any], *keys: str) -> Any:
        """The value under `keys` if it is of `kind`, None if there is none. Raises ConfigError for any other."""
        value = self.get(*keys)
        if value is None or isinstance(value, kind):
            return value
        raise self.error(f"{'.'.join(keys)} must be {_NAMES[kind]}", keys)


_NAMES: Mapping[type[Any], str] = {str: "a string", list: "an array", dict: "a table"}

NOTHING = Document({}, "pyproject.toml", "")


def pyproject(folder: Path) -> Document | None:
    """The folder's pyproject.toml, or None. Raises ConfigError with the line that is no TOML."""
    path = folder / "pyproject.toml"
    if not path.is_file():
        return None
    try:
        return _parse(path.read_text(encoding="utf-8"), path.name, 1)
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8: {error}", where=f"{path.name}:1") from None


def script(text: str, file: str) -> Document | None:
    """The PEP 723 block of a script, or None. Its tables are the script's own, as in pyproject.toml."""
    blocks = [found for found in _BLOCK.finditer(text) if found["type"] == "script"]
    if not blocks:
        return None
    first_line = text.count("\n", 0, blocks[0].start()) + 2
    if len(blocks) > 1:
        line = text.count("\n", 0, blocks[1].start()) + 1
        raise ConfigError("a second `# /// script` block", where=f"{file}:{line}", hint="keep one")
    content = "".join(line[2:] if line[1:2] == " " else line[1:] for line in blocks[0]["content"].splitlines(True))
    return _parse(content, file, first_line)


def _parse(text: str, file: str, first_line: int) -> Document:
    try:
        return Document(tomllib.loads(text), file, text, first_line)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+), column \d+\)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        message = str(error).partition(" (at ")[0]
        raise ConfigError(f"is not TOML: {message}", where=f"{file}:{first_line + line - 1}") from None


@lru_cache(maxsize=8)
def _lines(text: str) -> Mapping[Keys, int]:
    """The line of each table and key. Lines inside a longer value that look like a key may be taken for one."""
    found: dict[Keys, int] = {}
    table: Keys = ()
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("["):
            keys = _path(line)
            table = keys or table
        else:
            key, equals, _ = line.partition("=")
            keys = (*table, *_path(f"{key} = 0")) if equals and key.strip() else ()
        for length in range(1, len(keys) + 1):
            found.setdefault(keys[:length], number)
    return found


def _path(line: str) -> Keys:
    """The keys that one line of TOML opens: ("tool", "hyfn") of "[tool.hyfn]"."""
    try:
        found: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    keys: list[str] = []
    while found and isinstance(found, dict | list):
        if isinstance(found, list):
            found = found[0]
            continue
        key, found = next(iter(found.items()))
        keys.append(key)
    return tuple(keys)


def dependencies(document: Document, *keys: str) -> list[str]:
    """The requirements under `keys`, each a valid PEP 508 string."""
    declared = document.typed(list, *keys) or []
    for requirement in declared:
        if not isinstance(requirement, str) or not _is_requirement(requirement):
            raise document.error(f"{requirement!r} is not a requirement", keys, 'write it as "numpy>=2"')
    return declared


_INCLUDED = re.compile(r"(?:-r|--requirement)[ =]?\s*(\S+)")


def requirements(folder: Path, file: str = "requirements.txt", seen: Sequence[str] = ()) -> list[str]:
    """The requirements of a requirements.txt and of those that it includes by `-r`. Raises ConfigError at any other
    option: it would change what is installed, and is uv's to say."""
    found: list[str] = []
    for number, line in _logical_lines(folder / file):
        where = f"{file}:{number}"
        included = _INCLUDED.fullmatch(line)
        if included:
            other = _beside(file, included[1])
            if other in (file, *seen) or not (folder / other).is_file():
                raise ConfigError(f"cannot include {included[1]}", where=where, hint="name a file that exists")
            found += requirements(folder, other, (*seen, file))
        elif line.startswith("-"):
            if line.split() not in (["-e", "."], ["--editable", "."]):
                hint = "a requirement may stand here; indexes and the like are set for uv (uv.toml, UV_DEFAULT_INDEX)"
                raise ConfigError(f"hyfn does not read {line.split()[0]}", where=where, hint=hint)
        elif not _is_requirement(line):
            raise ConfigError(f"{line!r} is not a requirement", where=where, hint="write it as numpy>=2")
        else:
            found.append(line)
    return found


def requirement_files(folder: Path, file: str = "requirements.txt", seen: Sequence[str] = ()) -> Iterator[Path]:
    """The folder's requirements.txt and those that it includes, as far as they are there."""
    if (folder / file).is_file() and file not in seen:
        yield Path(os.path.normpath(folder / file))
        for _, line in _logical_lines(folder / file):
            if included := _INCLUDED.fullmatch(line):
                yield from requirement_files(folder, _beside(file, included[1]), (*seen, file))


def _beside(file: str, name: str) -> str:
    """One name for one file: a ring of files that include each other has an end."""
    return os.path.normpath(Path(file).parent / name)


def _logical_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines without comments and hashes, those that end in a backslash joined, with the first line's number."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    joined = re.sub(r"\\\n", "\0", text)
    number = 1
    for line in joined.split("\n"):
        content = re.sub(r"(^|\s)#.*$", "", line.replace("\0", " "))
        content = re.split(r"\s--(?:hash|config-settings?)\b", content)[0].strip()
        if content:
            yield number, content
        number += 1 + line.count("\0")


def _is_requirement(text: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True
