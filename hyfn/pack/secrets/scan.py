"""One content → the lines of it that hold a secret. Kept, so that the same content is read once."""

from __future__ import annotations

import bisect
import codecs
import functools
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hyfn.pack.secrets import named, rules
from hyfn.toolchain import cache

NAMED, LONG = "secret-value", "high-entropy"
WHAT = {rule.name: rule.what for rule in rules.RULES} | {
    NAMED: "the value of a password, token or key",
    LONG: "a long random string",
}
WORTH_KEEPING = 64 * 1024
"""Bytes from which what was found is kept in the user's cache: smaller content is read sooner than a file of it."""
BINARY_BYTES = 4 * 1024**2
"""Bytes of a binary file that are looked at, its first."""
_CODE = frozenset({
    ".py", ".pyi", ".js", ".mjs", ".cjs", ".ts", ".jsx", ".tsx", ".sh", ".rb", ".go", ".java", ".php",
    ".c", ".cc", ".cpp", ".cs", ".h", ".hpp", ".kt", ".pxd", ".pyx", ".rs", ".swift",
})  # fmt: skip
_MADE = frozenset({".css", ".html", ".htm", ".svg", ".map", ".lock", ".csv", ".tsv", ".ipynb"})
_ALLOWED = re.compile(r"hyfn:\s*allow\(([\w\s,-]*)\)")

Hit = tuple[int, str]
"""(line from 1 on, rule)."""


def hits(path: str, content: bytes) -> tuple[Hit, ...]:
    """What stands in the file, without what its lines allow."""
    suffix = PurePosixPath(path).suffix.lower()
    form = "code" if suffix in _CODE else "made" if suffix in _MADE else "settings"
    return _remembered(content, form) if len(content) < WORTH_KEEPING else _kept(content, form)


@functools.lru_cache(maxsize=4096)
def _remembered(content: bytes, form: str) -> tuple[Hit, ...]:
    return tuple(_read(content, form))


def _kept(content: bytes, form: str) -> tuple[Hit, ...]:
    digest = hashlib.sha256(content).hexdigest()
    path = cache.home() / "scanned" / _version() / digest[:2] / f"{digest}.{form}"
    try:
        return tuple((line, rule) for line, rule in json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        found = tuple(_read(content, form))
    cache.put(path, json.dumps(found).encode())
    return found


@functools.lru_cache(maxsize=1)
def _version() -> str:
    """Of the rules: they are these modules."""
    return cache.key(*(path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))))


def _read(content: bytes, form: str) -> Iterator[Hit]:
    text = _text(content)
    if text is None:
        yield from sorted({(1, rule.name) for _, rule in rules.found(content[:BINARY_BYTES].decode("latin-1"))})
        return
    lines = _Lines(text)
    found: dict[int, set[str]] = {}
    for at, rule in rules.found(text):
        found.setdefault(lines.number(at), set()).add(rule.name)
    # What is certain of a line need not be guessed.
    for at in named.found(text, form == "settings"):
        found.setdefault(lines.number(at), {NAMED})
    for at in named.long(text, lines.number) if form == "code" else ():
        found.setdefault(lines.number(at), {LONG})
    for line in sorted(found):
        yield from ((line, rule) for rule in sorted(found[line] - lines.allowed(line)))


class _Lines:
    """The lines of a text, from 1 on."""

    def __init__(self, text: str) -> None:
        self._text = text

    @functools.cached_property
    def _ends(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self._text)]

    def number(self, at: int) -> int:
        return bisect.bisect_left(self._ends, at) + 1

    def allowed(self, line: int) -> set[str]:
        """The rules that its comment allows."""
        start, end = [0, *self._ends, len(self._text)][line - 1 : line + 1]
        match = _ALLOWED.search(self._text, start, end)
        return {rule.strip() for rule in match[1].split(",")} if match else set()


def _text(content: bytes) -> str | None:
    """None for a binary file."""
    start = content[:2048]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    if b"\0" not in start:
        return content.decode("utf-8-sig", "replace")
    for order, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if zeros.count(0) > len(zeros) * 0.7 and start.count(0) < len(start) * 0.6:
            return content.decode(order, "replace")
    return None
