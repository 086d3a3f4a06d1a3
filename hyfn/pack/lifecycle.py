"""How long a Python is still maintained: by those who make it, and by the platform that runs it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from hyfn.model import Limits, Place, Problem, Retirement

END_OF_LIFE = {
    "3.9": date(2025, 10, 31),
    "3.10": date(2026, 10, 31),
    "3.11": date(2027, 10, 31),
    "3.12": date(2028, 10, 31),
    "3.13": date(2029, 10, 31),
    "3.14": date(2030, 10, 31),
}
"""The end of the month in which CPython's minor versions reach the end of their life: five years after their first
release (the devguide's page of versions; PEP 602)."""
DEVGUIDE = "https://devguide.python.org/versions/"
SOON = 6
"""Months before an end in which it is told."""


def problems(python: str, limits: Limits, today: date, where: Place) -> Iterator[Problem]:
    """An error where the platform takes `python` ("3.13") no longer; a warning where its support, by the platform or
    by CPython itself, has ended or ends within six months of `today`."""
    retired = limits.retirements.get(python)
    if retired and _is_refused(retired, today):
        said = f"{limits.platform} takes Python {python} no longer, since {retired.refused}"
        yield Problem("error", said, where, _newer(python, retired.source))
        return
    for what, end, source in _ends(python, limits):
        if _is_near(end, today):
            when = "ended" if end < today else "ends"
            yield Problem("warning", f"{what} {when} on {end}", where, _newer(python, source))


def offered(pythons: Mapping[str, Retirement | None], today: date) -> dict[str, Retirement | None]:
    """Those that the platform still takes on `today`."""
    return {python: end for python, end in pythons.items() if not _is_refused(end, today)}


def _is_refused(retired: Retirement | None, today: date) -> bool:
    return bool(retired and retired.refused and retired.refused <= today)


def _ends(python: str, limits: Limits) -> Iterator[tuple[str, date, str]]:
    if retired := limits.retirements.get(python):
        yield f"{limits.platform}'s support of Python {python}", retired.deprecated, retired.source
    if end := END_OF_LIFE.get(python):
        yield f"CPython {python}'s security support", end, DEVGUIDE


def _newer(python: str, source: str) -> str:
    newest = max(END_OF_LIFE, key=lambda name: END_OF_LIFE[name])
    return f'choose a newer one with python="...": {source}' if python != newest else source


def _is_near(end: date, today: date) -> bool:
    months = 12 * (end.year - today.year) + end.month - today.month
    return months < SOON or (months == SOON and end.day <= today.day)
