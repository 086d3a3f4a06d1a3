"""The one syntax of `on.schedule`: a cron expression of five fields, or a rate. Pure.

Cron as POSIX has it (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/crontab.html), with steps and the names
of months and days that all platforms take. Where day of the month and day of the week are both given, platforms differ
on whether both must hold: that is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hyfn.model import FunctionSpec, Problem

RATE = re.compile(r"every (?:(\d{1,4}) )?(minute|hour|day)s?", re.IGNORECASE)
MINUTES = {"minute": 1, "hour": 60, "day": 1440}
FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
PART = re.compile(r"(\*|(\w+)(?:-(\w+))?)(?:/(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Schedule:
    """`cron` are the five fields as text, names of months and days made numbers, Sunday 0. `minutes` is the rate's
    distance, 0 where it is no rate; then `cron` is the same rate where cron can say it, else ()."""

    cron: tuple[str, ...]
    minutes: int = 0

    @property
    def text(self) -> str:
        """The cron expression; "" for a rate that cron cannot say."""
        return " ".join(self.cron)


def read(when: str) -> Schedule:
    """Raises ValueError that says what is wrong."""
    if rate := RATE.fullmatch(when.strip()):
        return _rate(int(rate[1] or 1), rate[2].lower())
    fields = when.split()
    if len(fields) != len(FIELDS):
        raise ValueError(f"{when!r} is no schedule")
    cron = tuple(_field(text, *of) for text, of in zip(fields, FIELDS, strict=True))
    if cron[2] != "*" and cron[4] != "*":
        raise ValueError(
            f"{when!r} names days of the month and days of the week, which platforms understand differently"
        )
    return Schedule(cron)


def numbers(field: str, least: int, most: int) -> set[int]:
    """All numbers that one field of a cron expression means, of those between `least` and `most`."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{least}-{most}" if span == "*" else span).partition("-")
        end = int(last or (most if step else first))
        found |= set(range(int(first), end + 1, int(step or 1)))
    return found


def beyond_cron(function: FunctionSpec, platform: str) -> Iterator[Problem]:
    """Rates that a cron expression cannot say, where `platform` (in words) takes nothing else."""
    for trigger in function.triggers:
        if trigger.kind == "schedule" and not read(trigger.resource).text:
            said = f"{platform} takes cron expressions, and none says {trigger.resource!r}"
            yield Problem("error", said, trigger.place, "minutes that divide 60, hours that divide 24, or every day")


def _rate(count: int, unit: str) -> Schedule:
    if count < 1:
        raise ValueError(f"a rate is every 1 {unit} or more")
    minutes = count * MINUTES[unit]
    if minutes < 60 and 60 % minutes == 0:
        return Schedule((f"*/{minutes}" if minutes > 1 else "*", "*", "*", "*", "*"), minutes)
    hours, rest = divmod(minutes, 60)
    if rest == 0 and hours < 24 and 24 % hours == 0:
        return Schedule(("0", f"*/{hours}" if hours > 1 else "*", "*", "*", "*"), minutes)
    return Schedule(("0", "0", "*", "*", "*") if minutes == MINUTES["day"] else (), minutes)


def _field(text: str, what: str, least: int, most: int) -> str:
    return ",".join(_part(part, what, least, most) for part in text.split(","))


def _part(text: str, what: str, least: int, most: int) -> str:
    found = PART.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no {what}")
    step = f"/{found[4]}" if found[4] else ""
    if found[4] and not 1 <= int(found[4]) <= most:
        raise ValueError(f"{text!r} is no {what}: the step is 1 to {most}")
    if found[1] == "*":
        return f"*{step}"
    first, last = _number(found[2], what, least, most), _number(found[3] or found[2], what, least, most)
    if last < first:
        raise ValueError(f"{text!r} is no {what}: it ends before it begins")
    return f"{first}-{last}{step}" if found[3] else f"{first}{step}"


def _number(text: str, what: str, least: int, most: int) -> int:
    names = {"month": MONTHS, "day of the week": DAYS}.get(what, ())
    named = [number for number, name in enumerate(names, least) if name == text.upper()]
    number = named[0] if named else int(text) if text.isdecimal() else -1
    if not least <= number <= most:
        raise ValueError(f"{text!r} is no {what}: {least} to {most}")
    return 0 if what == "day of the week" and number == 7 else number
