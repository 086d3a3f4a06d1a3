"""Secrets and keys that would travel in an artifact, found by file, line and rule; none is ever shown.

The rules are its own because detect-secrets 1.5.0 of 2024 keeps its settings in a global that threads share, reads
files only by path, takes 0.45 s to import and 54 ms for 10 KB of code, and finds two of five of the planted secrets.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hyfn.errors import BuildError, HyfnError, ProjectErrors
from hyfn.pack import globs
from hyfn.pack.secrets import names, scan

_FILES = {
    names.ENV_FILE: "a file of settings for one machine",
    names.KEY_FILE: "a file of keys",
    names.CREDENTIALS_FILE: "a file of credentials",
}
_WHAT = scan.WHAT | _FILES
RULES = frozenset(_WHAT)
"""Every rule's name."""

Where = Callable[[str, int], str | None]
"""A path in the artifact and a line of it → "file:line" of the source, or None where it has none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of a file and the rule that it falls under; `hint` says how to mend it. The secret is not in it."""

    path: str
    line: int
    rule: str
    hint: str


def find(files: Mapping[str, bytes]) -> list[Finding]:
    """What looks like a secret or a key in the files (path → content), by path and line.

    A line says that it may travel with the comment "hyfn: allow(rule)". Safe to call at once; what was found in a
    content is kept, so that it is read once.
    """
    return [
        Finding(path, line, rule, _hint(path, rule))
        for path, content in sorted(files.items())
        for line, rule in _hits(path, content)
    ]


def refuse(files: Mapping[str, bytes], allowed: Sequence[str], where: Where | None = None) -> list[str]:
    """BuildError, or ProjectErrors where there are several, for each finding that no "glob:rule" of `allowed` matches.

    Globs are those of hyfn.pack.globs, of paths in the artifact. Returned are the entries that match nothing.
    """
    entries = [(entry, globs.matching([entry.rpartition(":")[0]]), entry.rpartition(":")[2]) for entry in allowed]
    used: set[str] = set()
    errors: list[HyfnError] = []
    for finding in find(files):
        matching = {entry for entry, is_matched, rule in entries if rule == finding.rule and is_matched(finding.path)}
        used |= matching
        if not matching:
            errors.append(_error(finding, where))
    if errors:
        raise errors[0] if len(errors) == 1 else ProjectErrors(errors)
    return [entry for entry in allowed if entry not in used]


def _hits(path: str, content: bytes) -> list[scan.Hit]:
    rule = names.rule_of(path, content)
    return [(1, rule)] if rule else list(scan.hits(path, content))


def _error(finding: Finding, where: Where | None) -> BuildError:
    place = (where and where(finding.path, finding.line)) or f"{finding.path}:{finding.line}"
    what = f"{_WHAT[finding.rule]} would travel in the artifact (rule {finding.rule})"
    return BuildError(what, where=place, hint=finding.hint)


def _hint(path: str, rule: str) -> str:
    entry = f'allow = ["{glob.escape(path)}:{rule}"] under [tool.hyfn.build]'
    if rule in _FILES:
        return f"leave it out with exclude, or let it travel with {entry}"
    return f'read it from the environment, or let it travel with the comment "hyfn: allow({rule})" or {entry}'
