"""Whether an artifact is small enough for its platform: by how much it is not, and what weighs most. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hyfn.model import Limit, Limits, Part, Place, Problem

NEARLY = 0.9
"""The share of a limit above which a warning is due: the next release of a dependency may be a tenth larger."""
HEAVIEST = 3
OWN = "the project's own code and data"


@dataclass(frozen=True, slots=True)
class _Measure:
    """One size of an artifact, how it is measured, its limit, and what makes it up."""

    size: int
    how: str
    limit: Limit
    weights: Sequence[tuple[int, str]]


def check(
    name: str, platform: str, packed: int, unpacked: int, parts: Sequence[Part], limits: Limits, where: Place
) -> Iterator[Problem]:
    """An error for each size that is over its limit, a warning for each that nearly is, or for which there is a way
    around it. Just at the limit is within.

    `name` is the artifact's, `platform` the decorator's; sizes are in bytes: of the zip, or of an image's layers as
    they are pushed, and of all files in it. `parts` are its distributions, `where` is the decorator's line.
    """
    for measure in _measures(packed, unpacked, parts, limits):
        if measure.size > NEARLY * measure.limit.most:
            is_over = measure.size > measure.limit.most
            said = f"{name} for {platform}: {_judged(measure, limits, is_over)}; {_heaviest(measure)}"
            around = f"; it has to go by {measure.limit.around}" if is_over and measure.limit.around else ""
            level = "error" if is_over and not around else "warning"
            yield Problem(level, said + around, where, _advice(limits))


def _measures(packed: int, unpacked: int, parts: Sequence[Part], limits: Limits) -> Iterator[_Measure]:
    zipped = [(part.packed, part.name) for part in parts]
    plain = [(part.unpacked, part.name) for part in parts]
    for size, how, limit, weights in (
        (packed, "zipped", limits.packed, zipped),
        (unpacked, "unpacked", limits.unpacked, plain),
        (unpacked, "unpacked, without its base,", limits.image, plain),
    ):
        if limit:
            own = size - sum(weight for weight, _ in weights)
            yield _Measure(size, how, limit, [*weights, (own, OWN)])


def _judged(measure: _Measure, limits: Limits, is_over: bool) -> str:
    most, theirs = measure.limit.most, f"{limits.platform}'s {in_words(measure.limit.most)}"
    size = f"{in_words(measure.size)} {measure.how}"
    if is_over:
        return f"{size} is {in_words(measure.size - most)} over {theirs}"
    return f"{size} is {100 * measure.size // most} % of {theirs}"


def _heaviest(measure: _Measure) -> str:
    found = [each for each in sorted(measure.weights, reverse=True)[:HEAVIEST] if each[0] > 0.01 * measure.size]
    listed = ", ".join(f"{name} {in_words(weight)}" for weight, name in found)
    return f"{listed} {'weigh' if len(found) > 1 else 'weighs'} most"


def _advice(limits: Limits) -> str:
    smaller = "in [tool.hyfn.build]: exclude what is not needed, or pyc = false"
    return f"{limits.way_out} takes more; or {smaller}" if limits.way_out else smaller


def in_words(size: int) -> str:
    """A size as vendors write it, with 1024 of each unit in the next: "70.2 MB", "50 MB", "1 byte"."""
    if size < 1024:
        return f"{size} byte{'s' if size != 1 else ''}"
    scaled, unit = next((size / scale, unit) for scale, unit in _UNITS if size >= scale)
    return f"{scaled:.1f}".removesuffix(".0") + f" {unit}"


_UNITS = ((2**30, "GB"), (2**20, "MB"), (2**10, "KB"))
