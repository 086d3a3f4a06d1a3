"""hyfn.lock: the exact files that each runtime gets. Holds no place of an index, so that every mirror serves it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hyfn.errors import ConfigError
from hyfn.model import Project, Runtime, Wheel
from hyfn.pack.wheels import toml
from hyfn.toolchain import scratch

NAME = "hyfn.lock"
VERSION = 1
TITLE = "# The exact files that each target gets. Written by hyfn: commit it, and change it with `hyfn lock`."
OWN_KEYS = frozenset({"version", "settings", "target", "files"})
MEND = "remove it, or take an older one from version control, and run hyfn lock"
CONFLICT = re.compile(r"^(<{7}|>{7}|={7}$|\|{7})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lack:
    """A declared requirement that a target cannot have, and why."""

    requirement: str
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class Locked:
    """What one runtime gets. `platforms` says who has it, `requires` what the wheels were chosen for, in normal form.

    `wheels` have a url only where the project itself refers to one.
    """

    platforms: Sequence[str]
    requires: Sequence[str]
    wheels: Sequence[Wheel]
    lacking: Sequence[Lack] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lock:
    """`settings` is a digest of uv's settings that decided. `foreign` are the tables of other tools and of a later
    hyfn, as text."""

    targets: Mapping[Runtime, Locked] = field(default_factory=dict)
    settings: str = ""
    foreign: str = ""


def path(project: Project) -> Path:
    """In the project's root; of a script beside it and named for it, since several may share a folder."""
    return project.root / (f"{project.script}.{NAME}" if project.script else NAME)


def read(file: Path) -> Lock | None:
    """None where there is none. ConfigError, with the line, for one that cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", where=file.name, hint=MEND) from error
    return _Reader(file, text).lock()


def write(file: Path, lock: Lock) -> bool:
    """Write it at once, whole or not at all. False where the file says the same already. Raises OSError."""
    file = file.resolve()
    content = text(lock, file.parent).encode()
    if file.is_file() and file.read_bytes() == content:
        return False
    with scratch.folder(f".{NAME}.partial-", file.parent) as folder:
        partial = folder / NAME
        partial.write_bytes(content)
        partial.replace(file)
    return True


def text(lock: Lock, root: Path) -> str:
    """The same for the same lock, with a line for each file, so that differences read well and merge."""
    lines = [TITLE, f"version = {VERSION}"]
    if lock.settings:
        lines.append(f"settings = {toml.quoted(lock.settings)}")
    for runtime in sorted(lock.targets, key=order):
        lines += ["", "[[target]]", *_target_lines(runtime, lock.targets[runtime])]
    wheels = {wheel.file: wheel for locked in lock.targets.values() for wheel in locked.wheels}
    lines += ["", "[files]", *(_file_line(wheels[file], root) for file in sorted(wheels, key=lambda n: n.lower()))]
    return "\n".join(lines) + "\n" + (f"\n{lock.foreign}" if lock.foreign else "")


def order(runtime: Runtime) -> tuple[list[int], str, list[int]]:
    """Of runtimes: the oldest Python first."""
    return _numbers(runtime.python), runtime.machine, _numbers(runtime.glibc)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _target_lines(runtime: Runtime, locked: Locked) -> Iterator[str]:
    yield f"python = {toml.quoted(runtime.python)}"
    yield f"machine = {toml.quoted(runtime.machine)}"
    yield f"glibc = {toml.quoted(runtime.glibc)}"
    yield f"platforms = {toml.value(sorted(locked.platforms))}"
    yield from _array("requires", map(toml.quoted, sorted(locked.requires)))
    if locked.lacking:
        yield from _array("lacking", map(_lacking_line, sorted(locked.lacking, key=lambda lack: lack.requirement)))
    yield from _array("files", (toml.quoted(wheel.file) for wheel in sorted(locked.wheels, key=lambda one: one.name)))


def _array(key: str, values: Iterator[str]) -> Iterator[str]:
    yield f"{key} = ["
    yield from (f"    {value}," for value in values)
    yield "]"


def _lacking_line(lack: Lack) -> str:
    hint = {"hint": lack.hint} if lack.hint else {}
    return toml.value({"requirement": lack.requirement, "message": lack.message, **hint})


def _file_line(wheel: Wheel, root: Path) -> str:
    said: dict[str, object] = {"name": wheel.name, "version": wheel.version}
    said |= {"size": wheel.size, "sha256": wheel.sha256}
    if wheel.url:
        said["url"] = _portable(wheel.url, root)
    return f"{toml.quoted(wheel.file)} = {toml.value(said)}"


def _portable(url: str, root: Path) -> str:
    """A file of the project by its place in it, the same for every developer."""
    parts = urlsplit(url)
    return os.path.relpath(unquote(parts.path), root) if parts.scheme == "file" else url


def _located(url: str, root: Path) -> str:
    return url if not url or "://" in url else (root / url).resolve().as_uri()


class _Reader:
    """Turns the text of a lock into one, or says which line of it is wrong."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._text = text

    def lock(self) -> Lock:
        table = self._table()
        version = table.get("version")
        if isinstance(version, int) and version > VERSION:
            hint = "python -m pip install --upgrade hyfn"
            raise self._wrong(f"was written by a newer hyfn (version {version})", "version", hint)
        if version != VERSION:
            raise self._wrong("does not say which version it has", "")
        wheels = self._wheels(self._typed(table, "files", dict))
        targets = dict(self._target(one, wheels) for one in self._typed(table, "target", list))
        return Lock(targets, self._typed(table, "settings", str), self._foreign(table))

    def _table(self) -> dict[str, Any]:
        conflict = CONFLICT.search(self._text)
        if conflict:
            hint = f"take either side (git checkout --ours {self._file.name}), then run hyfn lock"
            raise self._wrong("holds a merge conflict", conflict[0], hint)
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r" \(at line (\d+), column \d+\)", str(error))
            line = int(found[1]) if found else self._text.count("\n") + 1
            message = f"is not TOML: {str(error).partition(' (at ')[0]}"
            raise ConfigError(message, where=f"{self._file.name}:{line}", hint=MEND) from None

    def _wheels(self, files: Mapping[str, Any]) -> dict[str, Wheel]:
        return {file: self._wheel(file, entry, f"{toml.quoted(file)} =") for file, entry in files.items()}

    def _wheel(self, file: str, entry: Any, near: str) -> Wheel:
        if not isinstance(entry, dict) or not file or "/" in file or "\\" in file or file.startswith("."):
            raise self._wrong(f"{file!r} is no file's entry", near)
        name, version, sha256 = (self._typed(entry, key, str, near) for key in ("name", "version", "sha256"))
        if not (name and version and re.fullmatch(r"[0-9a-f]{64}", sha256)):
            raise self._wrong(f"{file} lacks its name, version or SHA-256", near)
        url = _located(self._typed(entry, "url", str, near), self._file.resolve().parent)
        return Wheel(name, version, file, sha256, self._typed(entry, "size", int, near), url)

    def _target(self, entry: Any, wheels: Mapping[str, Wheel]) -> tuple[Runtime, Locked]:
        if not isinstance(entry, dict):
            raise self._wrong("a target must be a table", "[[target]]")
        said = [self._typed(entry, key, str) for key in ("python", "machine", "glibc")]
        if not all(re.fullmatch(r"\d+\.\d+", one) for one in (said[0], said[2])) or not said[1]:
            raise self._wrong(f"{' '.join(said)} is no target", f'"{said[0]}"')
        platforms, requires, files = (self._texts(entry, key) for key in ("platforms", "requires", "files"))
        unknown = [file for file in files if file not in wheels]
        if unknown:
            raise self._wrong(f"{unknown[0]} is not among the [files]", toml.quoted(unknown[0]))
        lacking = [self._lack(one) for one in self._typed(entry, "lacking", list)]
        return Runtime(*said), Locked(platforms, requires, [wheels[file] for file in files], lacking)

    def _lack(self, entry: Any) -> Lack:
        if not isinstance(entry, dict):
            raise self._wrong("lacking must be an array of tables", "lacking")
        requirement, message, hint = (self._typed(entry, key, str) for key in ("requirement", "message", "hint"))
        return Lack(requirement, message, hint or None)

    def _texts(self, entry: Mapping[str, Any], key: str) -> list[str]:
        found: list[str] = self._typed(entry, key, list)
        if not all(isinstance(one, str) for one in found):
            raise self._wrong(f"{key} must be an array of strings", key)
        return found

    def _typed(self, table: Mapping[str, Any], key: str, kind: type[Any], place: str = "") -> Any:
        value = table.get(key, kind())
        if type(value) is not kind:
            raise self._wrong(f"{key} has the wrong type", place or key)
        return value

    def _foreign(self, table: Mapping[str, Any]) -> str:
        """The text of the tables that are not ours, in their order."""
        if table.keys() <= OWN_KEYS:
            return ""
        return "\n".join(
            part.strip("\n") + "\n" for part in _parts(self._text) if not tomllib.loads(part).keys() & OWN_KEYS
        )

    def _wrong(self, message: str, near: str, hint: str = MEND) -> ConfigError:
        line = self._text.count("\n", 0, max(self._text.find(near), 0)) + 1
        return ConfigError(message, where=f"{self._file.name}:{line}", hint=hint)


def _parts(text: str) -> Iterator[str]:
    """The document at its table headers, each part TOML by itself: a line in a longer string may look like a header."""
    waiting = ""
    for part in re.split(r"(?m)^(?=\[)", text):
        waiting += part
        try:
            tomllib.loads(waiting)
        except tomllib.TOMLDecodeError:
            continue
        yield waiting
        waiting = ""
