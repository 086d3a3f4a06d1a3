"""hyfn doctor --platforms: what each platform can do, each figure with the page that says so."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from hyfn import clouds
from hyfn.errors import ConfigError
from hyfn.model import Ability, Capabilities, Figure, Limit, Place, Retirement, Span, Target
from hyfn.pack import lifecycle
from hyfn.pack.limits import in_words

WIDTH = 80
UNPUBLISHED = "–"
"""Where a vendor publishes no figure, or none was found."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line about a platform: `source` is a URL, or "" where nothing is published; `note` is what `said` holds
    for."""

    what: str
    said: str
    source: str = ""
    note: str = ""


def read(names: Sequence[str]) -> dict[str, Capabilities]:
    """Of each platform that is named, or of all, by name. Raises ConfigError for one that hyfn does not know."""
    known = clouds.platforms()
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"hyfn has no platform {unknown[0]!r}", hint=f"it has {', '.join(sorted(known))}")
    return {name: _of(known[name].cloud, name) for name in sorted(names or known)}


def _of(cloud: str, platform: str) -> Capabilities:
    try:
        told: Capabilities = clouds.get(cloud, "capabilities").capabilities(Target(cloud, platform, {}, Place("", 0)))
    except ModuleNotFoundError as error:
        if not (error.name or "").endswith(".capabilities"):
            raise
        said = f"the package of {platform!r} does not say what it can do"
        raise ConfigError(said, hint=f"it needs a module {error.name}, see hyfn.cloud") from error
    return told


def rows(told: Capabilities, today: date) -> Iterator[Row]:
    """What is known of one platform, in the order in which it is shown. Pythons are those on offer on `today`."""
    yield _span("memory", told.memory)
    yield _span("timeout", told.timeout)
    yield _figure("request", told.request)
    yield _figure("response", told.response)
    yield _figure("event", told.event)
    limits = told.limits
    yield _limit("zip", limits.packed)
    yield _limit("unpacked", limits.unpacked, limits.way_out)
    yield _limit("image", limits.image)
    yield _limit("environment", limits.environment)
    yield _limit("variable", limits.variable)
    yield Row("name", told.name)
    yield _ability("streaming", told.streaming)
    yield _ability("asynchronous", told.asynchronous)
    for python, retirement in lifecycle.offered(told.pythons, today).items():
        yield _python(python, retirement, today)
    for kind, offer in told.triggers.items():
        options = f" ({', '.join(offer.options)})" if offer.options else ""
        yield Row(f"on.{kind}", f"{offer.name}{options}", offer.source)
    yield Row("runs here by", f"{told.evidence.by} ({told.evidence.kind})")


def document(told: Capabilities, today: date) -> dict[str, Any]:
    """The same for a program: figures as numbers, a Python's end as a date."""
    found = asdict(told)
    found["pythons"] = {
        python: {"security_support": lifecycle.END_OF_LIFE.get(python), "platform": retirement and asdict(retirement)}
        for python, retirement in lifecycle.offered(told.pythons, today).items()
    }
    del found["limits"]["retirements"]  # they stand with the Pythons
    return found


def block(platform: str, told: Capabilities, today: date) -> str:
    """One platform for a terminal of 80 columns. Sources are numbered, and stand below."""
    lines, sources = [f"@{platform}  {told.platform}"], list[str]()
    for row in rows(told, today):
        if row.source and row.source not in sources:
            sources.append(row.source)
        mark = f" [{sources.index(row.source) + 1}]" if row.source else ""
        lead, rest = f"  {row.what:<14}", " " * 16
        lines += textwrap.wrap(_noted(row) + mark, WIDTH, initial_indent=lead, subsequent_indent=rest)
    return "\n".join([*lines, *(f"  [{number}] {source}" for number, source in enumerate(sources, 1))])


def markdown(found: Mapping[str, Capabilities], today: date) -> str:
    """The tables of README.md. Days that are left are not in them: they would be others tomorrow."""
    figures = {"memory": "memory", "timeout": "timeout", "request": "request", "response": "response", "event": "event"}
    figures |= {"zip": "zip", "unpacked": "unpacked", "streaming": "streaming", "asynchronous": "asynchronous calls"}
    by_name = {name: {row.what: row for row in rows(told, today)} for name, told in found.items()}
    first = [[f"`@{name}`", *(_linked(said[what]) for what in figures)] for name, said in by_name.items()]
    second = [[f"`@{name}`", _pythons(told, today), _triggers(told), _evidence(told)] for name, told in found.items()]
    return "\n\n".join(
        [
            _table(["", *figures.values()], first),
            "\\* `hyfn doctor --platforms NAME` says what holds for it. – No figure is published, or none was found.",
            _table(["", "Python, with its end there", "triggers", "runs on your machine by"], second),
        ]
    )


def _table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [headings, ["---"] * len(headings), *lines])


def _linked(row: Row) -> str:
    """A note would be too long for a cell: a star says that there is one."""
    said = f"[{row.said}]({row.source})" if row.source else row.said
    return f"{said} \\*" if row.note else said


def _pythons(told: Capabilities, today: date) -> str:
    offered = lifecycle.offered(told.pythons, today)
    return ", ".join(
        f"{python} [{retirement.refused or retirement.deprecated}]({retirement.source})" if retirement else python
        for python, retirement in offered.items()
    )


def _triggers(told: Capabilities) -> str:
    return ", ".join(f"[{kind}]({offer.source})" for kind, offer in told.triggers.items()) or UNPUBLISHED


def _evidence(told: Capabilities) -> str:
    return f"{told.evidence.by} ({told.evidence.kind})"


def _span(what: str, span: Span | None) -> Row:
    if span is None:
        return Row(what, UNPUBLISHED)
    between = f"{_number(span.least)} to {_number(span.most)}"
    values = ", ".join(map(_number, span.only)) if span.only else between
    return Row(what, f"{values} {span.unit}, else {_number(span.default)}", span.source, span.note)


def _figure(what: str, figure: Figure | None) -> Row:
    if figure is None:
        return Row(what, UNPUBLISHED)
    said = _size(int(figure.value)) if figure.unit == "B" else f"{_number(figure.value)} {figure.unit}"
    return Row(what, said, figure.source, figure.note)


def _size(size: int) -> str:
    """Some vendors count millions, not powers of two."""
    return f"{size // 1_000_000} million bytes" if size % 1024 and size % 1_000_000 == 0 else in_words(size)


def _limit(what: str, limit: Limit | None, way_out: str = "") -> Row:
    if limit is None:
        return Row(what, UNPUBLISHED)
    around = limit.around or way_out
    return Row(what, _size(limit.most), limit.source, around and f"more by {around}")


def _ability(what: str, ability: Ability | None) -> Row:
    if ability is None:
        return Row(what, UNPUBLISHED)
    return Row(what, "yes" if ability.has else "no", ability.source, ability.note)


def _python(python: str, retirement: Retirement | None, today: date) -> Row:
    if retirement is None:
        end = lifecycle.END_OF_LIFE.get(python)
        said = f"security support ends {_day(end, today)}" if end else UNPUBLISHED
        return Row(f"Python {python}", said, lifecycle.DEVGUIDE if end else "")
    refused = f"; refused from {_day(retirement.refused, today)}" if retirement.refused else ""
    return Row(f"Python {python}", f"supported to {_day(retirement.deprecated, today)}{refused}", retirement.source)


def _day(day: date, today: date) -> str:
    return f"{day} ({(day - today).days:,} days)"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def _noted(row: Row) -> str:
    return f"{row.said}; {row.note}" if row.note else row.said
