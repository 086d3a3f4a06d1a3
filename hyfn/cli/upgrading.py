"""The option that chooses distributions anew."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from hyfn.errors import ConfigError

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")

option = click.option(
    "--upgrade",
    metavar="[NAME]",
    is_flag=False,
    flag_value="",
    multiple=True,
    help="Choose all anew, or only this distribution. May be repeated.",
)


def names(upgrade: Sequence[str]) -> list[str] | None:
    """The distributions to choose anew, [] all of them, None none. ConfigError for what is no name."""
    for name in upgrade:
        if name and not NAME.fullmatch(name):
            raise ConfigError(f"{name!r} is no distribution's name", hint="PATH stands before --upgrade")
    if not upgrade:
        return None
    return [] if "" in upgrade else list(upgrade)
