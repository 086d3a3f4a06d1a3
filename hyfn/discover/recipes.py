"""[tool.hyfn.build]: how artifacts are made, for the project or for one function, and what in such a table is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from keyword import iskeyword
from typing import Any

from hyfn.discover.config import Document, Keys
from hyfn.discover.options import nearest
from hyfn.errors import ConfigError
from hyfn.model import Entry, Recipe

TABLE = "build"
Wrong = tuple[str, str] | None
"""What is wrong with a value, and a hint."""


def recipe(document: Document, tables: Iterable[Keys]) -> Recipe:
    """What the tables under these keys say together: lists add up, of all else the last has it.

    What is wrong in them is left out.
    """
    said: dict[str, Any] = {}
    for keys in tables:
        for key, value in _items(document, keys):
            if key in _LISTS:
                said[key] = tuple(dict.fromkeys((*said.get(key, ()), *_entries(document, (*keys, key), value))))
            elif key in _PLAIN and _PLAIN[key](value) is None:
                said[key] = value
    return Recipe(**said)


def _items(document: Document, keys: Keys) -> Iterable[tuple[str, Any]]:
    table = document.get(*keys)
    return table.items() if isinstance(table, Mapping) else ()


def _entries(document: Document, keys: Keys, value: object) -> Iterator[Entry]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, str) and _LISTS[keys[-1]](each) is None:
            yield each, document.entry(keys, each)


def problems(document: Document, keys: Keys, modules: Collection[str]) -> Iterator[ConfigError]:
    """What is wrong in the table under `keys`, each with its line. `modules` are the project's own."""
    for key, value in _items(document, keys):
        here = (*keys, key)
        if key in _PLAIN:
            if wrong := _PLAIN[key](value):
                yield document.error(wrong[0], here, wrong[1])
        elif key in _LISTS:
            yield from _of_list(document, here, value, modules)
        else:
            known = dict.fromkeys((*_LISTS, *_PLAIN))
            yield document.error(f"{TABLE} has no setting {key!r}", here, nearest(key, known))


def _of_list(document: Document, keys: Keys, value: object, modules: Collection[str]) -> Iterator[ConfigError]:
    key = keys[-1]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        yield document.error(f"{key} must be an array of strings, not {value!r}", keys, f"{key} = {_EXAMPLES[key]}")
        return
    for each in value:
        wrong = _LISTS[key](each) or (_not_there(each, modules) if key == "imports" else None)
        if wrong:
            yield ConfigError(wrong[0], where=str(document.entry(keys, each)), hint=wrong[1])


def _glob(text: str) -> Wrong:
    parts = text.split("/")
    if not text or text.startswith("/") or "\\" in text or "\0" in text or ".." in parts:
        return f"{text!r} is no glob inside the project", 'write it with /, from the root, such as "data/**/*.json"'
    return None


def _module(text: str) -> Wrong:
    if all(part.isidentifier() and not iskeyword(part) for part in text.split(".")):
        return None
    return f"{text!r} is no module", 'name it as an import does, such as "psycopg2" or "app.plugins.pdf"'


def _not_there(name: str, modules: Collection[str]) -> Wrong:
    """A module that would be the project's own if it were there."""
    top = name.partition(".")[0]
    own = {module for module in modules if module.partition(".")[0] == top}
    if not own or any(module == name or module.startswith(f"{name}.") for module in own):
        return None
    return f"the project has no module {name!r}", nearest(name, dict.fromkeys(own))


def _allowance(text: str) -> Wrong:
    glob, colon, rule = text.rpartition(":")
    if colon and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule) and _glob(glob) is None:
        return None
    return f"{text!r} names no file and rule", 'write it as "path-glob:rule", as the refusal has it'


def _flag(value: object) -> Wrong:
    return None if isinstance(value, bool) else (f"pyc must be true or false, not {value!r}", "pyc = false")


def _image(value: object) -> Wrong:
    if isinstance(value, str) and re.fullmatch(r"\S+", value):
        return None
    return f"base must be an image's reference, not {value!r}", 'base = "registry.example.com/python:3.13"'


_LISTS: Mapping[str, Callable[[str], Wrong]] = {
    "include": _glob,
    "exclude": _glob,
    "imports": _module,
    "allow": _allowance,
}
_PLAIN: Mapping[str, Callable[[object], Wrong]] = {"pyc": _flag, "base": _image}
_EXAMPLES = {
    "include": '["data/**"]',
    "exclude": '["pandas/tests/**"]',
    "imports": '["psycopg2"]',
    "allow": '["tests/key.pem:private-key"]',
}
