"""The application that every cloud must run alike: written to a folder with the cloud's own decorator in it."""

from __future__ import annotations

from pathlib import Path

from hyfn import clouds
from hyfn.discover import providers

SOURCE = '''
"""Everything that a function may take, give and raise."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import enum
import os
import pathlib
import time
import typing
import uuid
from dataclasses import dataclass, field

from hyfn import local
IMPORT_PLATFORM


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(typing.NamedTuple):
    x: int
    y: float


class Movie(typing.TypedDict):
    title: str
    year: typing.NotRequired[int]


@dataclass(frozen=True)
class Item:
    name: str
    price: decimal.Decimal
    tags: frozenset[str] = frozenset()


@dataclass
class Everything:
    text: str
    number: int
    big: int
    ratio: float
    flag: bool
    raw: bytes
    nothing: None
    when: dt.datetime
    day: dt.date
    clock: dt.time
    span: dt.timedelta
    ident: uuid.UUID
    amount: decimal.Decimal
    colour: Colour
    mode: typing.Literal["a", "b", 3]
    maybe: int | None
    either: int | str
    items: list[Item]
    pair: tuple[int, str]
    many: tuple[int, ...]
    names: set[str]
    table: dict[int, list[str]]
    point: Point
    movie: Movie
    path: pathlib.PurePosixPath
    wave: complex
    child: "Everything | None" = None


class Broken(Exception):
    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what} is broken")
        self.what = what
        self.code = code


@PLATFORM(group="all")
def echo(value: Everything) -> Everything:
    return value


@PLATFORM(group="all")
def echo_any(value: typing.Any) -> typing.Any:
    return value


@PLATFORM(group="all")
def text(value: str, times: int = 1, *, end: str = "") -> str:
    return value * times + end


@PLATFORM(group="all")
async def later(value: str) -> str:
    await asyncio.sleep(0)
    return value


@PLATFORM(group="all")
def fail(what: str) -> str:
    if what == "builtin":
        raise KeyError("missing")
    if what == "cause":
        try:
            raise KeyError("first")
        except KeyError as error:
            raise Broken(what, 1) from error
    raise Broken(what, 7)  # the line that the traceback shows


@PLATFORM(group="all")
def fail_privately() -> None:
    class Private(Exception):
        pass

    raise Private("not yours")


@PLATFORM(group="all")
def slow(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


@PLATFORM(group="all")
async def slow_async(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


@PLATFORM(group="all")
def data(value: bytes) -> bytes:
    return value


@PLATFORM(group="all", env={"GREETING": "grüße, ☺", "EMPTY": "", "HOME_PAGE": "a=b&c"})
def variable(name: str) -> str | None:
    return os.environ.get(name)


@PLATFORM
def alone(value: str) -> str:
    return text(value, 2)


@PLATFORM(group="all")
def outward(value: str) -> str:
    return inward(value)


@local
def inward(value: str) -> str:
    return text(value, 2)
'''


def module(platform: str) -> str:
    """Its name: one for each platform, so that many fit in one process."""
    return f"everything_{platform}"


def write(folder: Path, platform: str) -> Path:
    """The project for `platform` in `folder`."""
    brought = providers.source(platform, clouds.platforms()[platform])
    source = SOURCE.replace("IMPORT_PLATFORM", brought).replace("PLATFORM", platform)
    (folder / f"{module(platform)}.py").write_text(source)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "everything-{platform}"\ndependencies = []\n')
    return folder
