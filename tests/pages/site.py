"""One application whose functions take plain HTTP, written for a platform by its decorator."""

from __future__ import annotations

from pathlib import Path

APP = "site"
SOURCE = '''
import asyncio
import enum
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple, TypedDict
from uuid import UUID

import fastapi
import flask

import hyfn
from hyfn import Request, Response, on

AT = hyfn.PLATFORM


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Extra(TypedDict, total=False):
    gift: bool


@dataclass
class Line:
    sku: str
    count: int = 1
    size: Size = Size.SMALL
    inner: list["Line"] = field(default_factory=list)


@dataclass
class Order:
    id: UUID
    lines: list[Line]
    due: date | None = None
    paid: Decimal = Decimal(0)
    at: Point = Point(0.0)
    raw: bytes = b""
    extra: Extra = field(default_factory=Extra)
    by_number: dict[int, str] = field(default_factory=dict)


@AT
@on.http("/orders/{id}", methods=["GET"])
async def show(id: int, deep: bool = False, tag: list[str] | None = None, size: Size = Size.SMALL) -> dict[str, str]:
    """Say what was asked for.

    Nothing is kept.
    """
    await asyncio.sleep(0)
    return {"id": str(id), "deep": str(deep), "tag": ",".join(tag or []), "size": size.value}


@AT
@on.http("/orders/{number}", methods=["PUT"])
def put(number: int, order: Order) -> Order:
    return order


@AT
@on.http("/orders")
def create(order: Order, note: str | None = None, ratio: float = 1.0) -> Order | None:
    return None if note == "none" else order


@AT
@on.http("/search", methods=["GET", "DELETE"])
def search(
    q: str, since: date, at: datetime | None = None, kind: Literal["a", "b", 7] = 7, limit: int | None = None,
    ids: tuple[int, ...] = (), where: dict[str, int] | None = None, share: float = 0.5, who: UUID | None = None,
) -> list[str]:
    given = [q, since, at, kind, limit, ids, where, share, who]
    return [str(each) for each in given]


@AT
@on.http("/files/{rest...}", methods=["GET"])
def files(rest: str) -> str:
    return rest


@AT
@on.http("/raw", methods=["GET", "POST", "PATCH"])
def raw(request: Request) -> Response:
    said = f"{request.method} {request.path} {request.query} {request.headers.get('x-one', '')} {len(request.body)}"
    return Response(said, 201, {"x-two": "2"}, ["a=1; Path=/", "b=2; Path=/; HttpOnly"])


@AT
@on.http("/ping", methods=["GET"])
def ping() -> None: ...


@AT
@on.http("/fail", methods=["GET"])
def fail() -> str:
    raise LookupError("s3cret")


@AT
def double(n: int) -> int:
    return 2 * n


EVENTS = []


@asynccontextmanager
async def lifespan(app):
    EVENTS.append("up")
    yield
    if path := os.environ.get("SITE_LOG"):
        with open(path, "a") as log:
            log.write("down")


@AT
@on.http("/fast", mount="asgi")
def fast() -> fastapi.FastAPI:
    app = fastapi.FastAPI(lifespan=lifespan)

    @app.get("/items/{item}")
    async def item(item: int, q: str = "") -> dict[str, object]:
        return {"item": item, "q": q, "double": double(item), "events": EVENTS}

    @app.post("/echo")
    async def echo(request: fastapi.Request, response: fastapi.Response) -> dict[str, object]:
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return {"size": len(await request.body()), "url": str(request.url_for("item", item=1).path)}

    return app


@AT
@on.http("/flask", mount="wsgi")
def flasked() -> flask.Flask:
    app = flask.Flask("site")

    @app.get("/items/<int:item>")
    def item(item: int):
        return {"item": item, "q": flask.request.args.get("q", ""), "url": flask.url_for("item", item=1)}

    return app
'''
PYPROJECT = f"""
[project]
name = "{APP}"
version = "1.2.3"
dependencies = ["fastapi", "flask"]
"""


def written(folder: Path, platform: str) -> Path:
    """The project in `folder`. `platform` is a decorator with its options: 'knative(group="all")'."""
    (folder / "site.py").write_text("")
    (folder / "app.py").write_text(SOURCE.replace("PLATFORM", platform))
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "site.py").unlink()
    return folder
