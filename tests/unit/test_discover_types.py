"""Which parameter and result types are refused before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.discovering import functions, refusal, refusals, write

APP = """
    from __future__ import annotations
    import asyncio, collections, collections.abc, dataclasses, datetime, decimal, enum, http, io, pathlib, socket
    import threading, types, typing, uuid
    import attr, attrs, msgspec, numpy, numpy as np, numpy.typing as npt, pandas as pd, PIL.Image, pydantic, unknown
    import models
    from typing import *
    from collections.abc import Callable, Iterator
    from models import Invoice
    from hyfn import aws
    Ids = list[int]
    Locks = list[threading.Lock]
    T = TypeVar("T")
    UserId = NewType("UserId", int)
    Wrapped = NewType("Wrapped", threading.Lock)
    Tree = dict[str, "Tree"] | int
    Point = collections.namedtuple("Point", "x y")
    if T:
        Either = int
    else:
        Either = Callable

    @aws
    def f(x: {}) -> None: ...
    """
LINE = 23
MODELS = """
    from __future__ import annotations
    import abc, dataclasses, enum, threading, typing
    import attr, attrs, msgspec, pydantic, unknown
    from dataclasses import dataclass, field, InitVar, KW_ONLY
    from typing import ClassVar, Generic, NamedTuple, Optional, TypedDict, TypeVar
    if typing.TYPE_CHECKING:
        from decimal import Decimal

    T = TypeVar("T")

    @dataclass
    class Invoice:
        id: str
        lines: list[Line]
        parent: Optional[Invoice] = None
        shared: ClassVar[threading.Lock] = threading.Lock()
        _: KW_ONLY
        given: InitVar[int] = 1
    @dataclass(frozen=True)
    class Line(Mixin):
        kind: Kind
        box: Box[int] = None
        def method(self, other: threading.Lock) -> None: ...
    class Mixin: ...
    class Kind(enum.StrEnum):
        A = "a"
    class Named(NamedTuple):
        x: int
    class Typed(TypedDict, total=False):
        x: typing.Required[int]
    @attrs.define
    class Attrs:
        x: int
    @attr.s(auto_attribs=True)
    class Attr:
        x: int
    class Model(pydantic.BaseModel):
        x: pydantic.HttpUrl
        _lock: threading.Lock
    class Deep(Model):
        y: Invoice
    class Struct(msgspec.Struct, frozen=True):
        x: int | msgspec.UnsetType
    @dataclass
    class Box(Generic[T]):
        item: T
    class Foreign(unknown.Model):
        x: threading.Lock
    @unknown.model
    class Made:
        x: threading.Lock
    class Plain: ...
    class Abstract(abc.ABC): ...
    class Failed(Exception): ...
    class Worse(Failed): ...
    class Child(Line):
        lock: threading.Lock
    @dataclass
    class Holds:
        inner: list[Inside]
    @dataclass
    class Inside:
        lock: threading.Lock
    @dataclass
    class Checked:
        total: Decimal
    class Outer:
        @dataclass
        class Inner:
            x: int
    """


@pytest.mark.parametrize(
    "annotation",
    """int|str|None|bytes|float|bool|complex|bytearray|object|Any|typing.Any
    list[int]|dict[str, list[bytes]]|tuple[int, ...]|set[str]|frozenset[int]|list|dict
    Optional[int]|Union[int, str]|int | None|List[Dict[str, int]]|Literal["a", 1]|Annotated[int, Callable]
    collections.abc.Sequence[int]|Mapping[str, Any]|Iterable[int]|collections.deque[int]|collections.Counter[str]
    datetime.datetime|datetime.timedelta|decimal.Decimal|uuid.UUID|pathlib.Path|http.HTTPStatus
    np.ndarray|np.ndarray[Any, np.dtype[np.float64]]|npt.NDArray[np.float64]|numpy.float32|pd.DataFrame
    Invoice|models.Invoice|models.Kind|models.Named|models.Typed|models.Attrs|models.Attr|models.Model|models.Deep
    models.Struct|models.Box[int]|models.Box[Invoice]|models.Outer.Inner|list[Invoice | None]
    "Invoice"|"list[Invoice]"|list["Invoice"]|Ids|T|UserId|Tree|Point|Either|models.Foreign|models.Made
    """.replace("\n", "|")
    .replace(" | ", "§")
    .split("|"),
)
def test_what_can_travel_is_let_through(tmp_path: Path, annotation: str) -> None:
    annotation = annotation.strip().replace("§", " | ")
    files = {"app.py": APP.replace("{}", annotation or "int"), "models.py": MODELS}
    assert list(functions(tmp_path, files)) == ["app:f"]


@pytest.mark.parametrize(
    "annotation, reason, hint",
    [
        ("models.Plain", "Plain is a plain class", "make it a dataclass"),
        ("models.Abstract", "Abstract is a plain class", "make it a dataclass"),
        ("list[models.Plain]", "Plain is a plain class", "make it a dataclass"),
        ("int | models.Plain", "Plain is a plain class", "make it a dataclass"),
        ('dict[str, "models.Plain"]', "Plain is a plain class", "make it a dataclass"),
        ("models.Outer", "Outer is a plain class", "make it a dataclass"),
        ("models.Box[models.Plain]", "Plain is a plain class", "make it a dataclass"),
        ("models.Failed", "Failed is an exception", "raise it"),
        ("models.Worse", "Worse is an exception", "raise it"),
        ("ValueError", "ValueError is an exception", "raise it"),
        ("models.Child", "field lock of Child: threading.Lock lives in one process", "make it where it is used"),
        ("models.Holds", "field inner of Holds: field lock of Inside: threading.Lock lives in", "make it where"),
        ("models.Checked", "field total of Checked: Decimal is imported only under TYPE_CHECKING", "import it without"),
        ("Callable", "collections.abc.Callable is code", "send a name"),
        ("Callable[[int], str]", "collections.abc.Callable is code", "send a name"),
        ("typing.Callable[..., Any] | None", "typing.Callable is code", "send a name"),
        ("type[int]", "type is code", "send a name"),
        ("Iterator[int]", "collections.abc.Iterator is read once", "send a list"),
        ("typing.Generator[int, None, None]", "typing.Generator is read once", "send a list"),
        ("collections.abc.AsyncIterator[int]", "collections.abc.AsyncIterator is read once", "send a list"),
        ("typing.IO[bytes]", "typing.IO is an open file", "send its bytes"),
        ("io.BytesIO", "io.BytesIO is an open file", "send its bytes"),
        ("threading.Lock", "threading.Lock lives in one process", "make it where it is used"),
        ("socket.socket", "socket.socket lives in one process", "make it where it is used"),
        ("types.ModuleType", "types.ModuleType lives in one process", "make it where it is used"),
        ("asyncio.Queue[int]", "asyncio.Queue lives in one process", "make it where it is used"),
        ("collections.defaultdict[str, int]", "collections.defaultdict has a factory", "annotate dict"),
        ("PIL.Image.Image", "hyfn does not know how to send PIL.Image.Image", "send bytes, or a dataclass"),
        ("unknown.Thing", "hyfn does not know how to send unknown.Thing", "send bytes, or a dataclass"),
        ("numpy.random.Generator", "hyfn does not know how to send numpy.random.Generator", "send bytes"),
        ("models.Invoce", "models has nothing called Invoce", "import it, or correct its name"),
        ("open", "hyfn does not know how to send open", "send bytes"),
        ("f", "f is a function", "annotate with the type of the value"),
        ('"list[int"', "'list[int' is not a type", "write the type without quotes"),
        ("Locks", "threading.Lock lives in one process", "make it where it is used"),
        ("Wrapped", "threading.Lock lives in one process", "make it where it is used"),
    ],
)
def test_what_cannot_travel_is_refused_with_its_line(tmp_path: Path, annotation: str, reason: str, hint: str) -> None:
    found = refusals(tmp_path, {"app.py": APP.replace("{}", annotation), "models.py": MODELS})
    assert len(found) == 1, found
    assert found[0].startswith(f"app.py:{LINE}: parameter 'x' of f cannot travel as {annotation}: {reason}")
    assert f"({hint}" in found[0]


@pytest.mark.parametrize(
    "signature, line, what",
    [
        ("(\n    a: int,\n    b: 'Plain',\n)", 7, "parameter 'b'"),
        ("(*rest: Plain)", 5, "parameter 'rest'"),
        ("(**more: Plain)", 5, "parameter 'more'"),
        ("(*, a: int = 1, b: Plain)", 5, "parameter 'b'"),
        ("(a: int) -> Plain", 5, "result"),
    ],
)
def test_every_parameter_and_the_result_are_checked(tmp_path: Path, signature: str, line: int, what: str) -> None:
    source = f"from hyfn import aws\nclass Plain:\n    pass\n@aws\ndef f{signature}: ...\n"
    assert refusal(tmp_path, source).startswith(f"app.py:{line}: {what} of f cannot travel as ")


def test_a_name_that_nothing_defines_is_refused(tmp_path: Path) -> None:
    found = refusal(tmp_path, "from hyfn import aws\n@aws\ndef f(x: Invoce): ...\n")
    assert found.startswith("app.py:3: parameter 'x' of f cannot travel as Invoce: app has nothing called Invoce")


@pytest.mark.parametrize("star", ["unknown", "hyfn"])
def test_what_a_star_may_have_brought_is_let_through(tmp_path: Path, star: str) -> None:
    source = f"from hyfn import aws\nfrom {star} import *\n@aws\ndef f(x: int, y: list[str]) -> Thing: ...\n"
    assert len(refusals(tmp_path, {"app.py": source})) == (star == "hyfn")


def test_a_class_that_is_found_through_a_package_is_read_where_it_stands(tmp_path: Path) -> None:
    files = {
        "app.py": "from hyfn import aws\nimport pkg\n@aws\ndef f(x: pkg.Order, y: pkg.inner.Order): ...\n",
        "pkg/__init__.py": "from .inner import Order\n",
        "pkg/inner.py": "import dataclasses as d\nfrom .plain import Plain\n@d.dataclass\nclass Order:\n    x: Plain\n",
        "pkg/plain.py": "class Plain: ...\n",
    }
    assert [line.partition(" (")[0] for line in refusals(tmp_path, files)] == [
        "app.py:4: parameter 'x' of f cannot travel as pkg.Order: field x of Order: Plain is a plain class",
        "app.py:4: parameter 'y' of f cannot travel as pkg.inner.Order: field x of Order: Plain is a plain class",
    ]


def test_a_thousand_modules_are_read_within_seconds(tmp_path: Path) -> None:
    from time import process_time

    body = "from . import m0\nclass C:\n" + "".join(
        f"    def f{i}(self, x):\n        return m0.g(x, {i})\n" for i in range(20)
    )
    write(tmp_path / "pkg", {f"m{number}.py": f"# {number}\n{body}" for number in range(1000)} | {"__init__.py": ""})
    start = process_time()
    functions(tmp_path, {"app.py": "from hyfn import aws\n@aws\ndef f(): ...\n"})
    assert process_time() - start < 6
