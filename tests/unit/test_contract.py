"""Contracts: equal for a function and its stub, different for every change that a caller could notice."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import textwrap
import types as module_types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hyfn import contract
from hyfn.toolchain import environments, pythons
from hyfn.toolchain.processes import clean_env

PRELUDE = """
import dataclasses, datetime, decimal, enum, typing, collections.abc
from typing import *
from dataclasses import dataclass
"""


def defined(source: str, module: str = "app", future: bool = False) -> Callable[..., Any]:
    """The function `f` of a module with this source."""
    made = module_types.ModuleType(module)
    before = sys.modules.get(module)
    sys.modules[module] = made
    try:
        lines = "from __future__ import annotations\n" if future else ""
        code = compile(lines + PRELUDE + textwrap.dedent(source), module, "exec", dont_inherit=True)
        exec(code, vars(made))
        function: Callable[..., Any] = made.f
        contract.digest(function)
    finally:
        if before is None:
            del sys.modules[module]
        else:
            sys.modules[module] = before
    return function


RICH = """
    class Colour(enum.Enum):
        RED = "red"
        BLUE = "blue"
    @dataclass
    class Line:
        price: decimal.Decimal
        colour: Colour = Colour.RED
    @dataclass
    class Invoice:
        id: str
        lines: list[Line]
        parent: Optional["Invoice"] = None
    class Point(NamedTuple):
        x: int
    class Movie(TypedDict):
        title: str
    async def f(
        inv: Invoice, /, p: Point = Point(1), *rest: int, m: Movie | None = None, **kw: float
    ) -> dict[str, Invoice]:
        return {}
"""

# Kept here as a value: a change of it is a change of the protocol, and every live caller would be refused.
RICH_DIGEST = "acbe25daa5e0f8e33a5feef430559b63"


def test_a_digest_is_16_bytes_and_stays_the_same() -> None:
    digest = contract.digest(defined(RICH))
    assert len(digest) == 16
    assert digest.hex() == RICH_DIGEST


@pytest.mark.parametrize("module", ["app", "__main__", "deep.down"])
@pytest.mark.parametrize("future", [False, True])
def test_neither_module_nor_the_form_of_annotations_matters(module: str, future: bool) -> None:
    assert contract.digest(defined(RICH, module, future)).hex() == RICH_DIGEST


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_python_computes_the_same_digest(version: str) -> None:
    if pythons.find(version) is None:
        pytest.skip(f"no CPython {version} on this machine")
    here = environments.environment(f"test-contract-{version}", ["msgpack"], version, print)
    script = f"{PRELUDE}{textwrap.dedent(RICH)}\nfrom hyfn import contract\nprint(contract.digest(f).hex())"
    environ = clean_env({"PYTHONPATH": str(Path(contract.__file__).parents[1])})
    done = subprocess.run([here.python, "-c", script], capture_output=True, text=True, timeout=60, env=environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == RICH_DIGEST


SAME: list[tuple[str, str]] = [
    ("def f(x: int) -> str: ...", "def f(x: int) -> str:\n    return str(x)"),
    ("def f(x: int) -> str: ...", "async def f(x: int) -> str: ..."),
    ("def f(x: Optional[int]): ...", "def f(x: int | None): ..."),
    ("def f(x: int | str): ...", "def f(x: Union[str, int]): ..."),
    ("def f(x: List[int]): ...", "def f(x: list[int]): ..."),
    ("def f(x: list[int]): ...", "def f(x: collections.abc.Sequence[int]): ..."),
    ("def f(x): ...", "def f(x: Any) -> object: ..."),
    ("def f(x: int = 1): ...", "def f(x: int = 2): ..."),
    ("def f(x: int = 1): ...", "def f(x: int = ...): ..."),
    ("Id = NewType('Id', int)\ndef f(x: Id): ...", "def f(x: int): ..."),
    ("def f(x: Annotated[int, 'm']): ...", "def f(x: int): ..."),
    ("T = TypeVar('T', bound=int)\ndef f(x: T) -> T: ...", "def f(x: int) -> int: ..."),
    (
        "@dataclass\nclass A:\n x: int\n y: int\ndef f(a: A): ...",
        "@dataclass\nclass A:\n y: int\n x: int\ndef f(a: A): ...",
    ),
    (
        "@dataclass\nclass A:\n x: int\n def area(self) -> int: ...\ndef f(a: A): ...",
        "@dataclass(frozen=True, slots=True)\nclass A:\n x: int\ndef f(a: A): ...",
    ),
    ("def f(x: Literal['a', 'b']): ...", "def f(x: Literal['b', 'a']): ..."),
]


@pytest.mark.parametrize("one, other", SAME)
def test_what_a_caller_cannot_notice_is_the_same_contract(one: str, other: str) -> None:
    assert contract.schema(defined(one)) == contract.schema(defined(other))
    assert contract.digest(defined(one)) == contract.digest(defined(other))


DIFFERENT: list[tuple[str, str]] = [
    ("def f(x: int): ...", "def f(y: int): ..."),
    ("def f(x: int): ...", "def f(x: str): ..."),
    ("def f(x: int): ...", "def f(x: int = 1): ..."),
    ("def f(x: int): ...", "def f(x: int, y: int): ..."),
    ("def f(x: int, y: int): ...", "def f(y: int, x: int): ..."),
    ("def f(x: int): ...", "def f(x: int, /): ..."),
    ("def f(x: int): ...", "def f(*, x: int): ..."),
    ("def f(x: int): ...", "def f(*x: int): ..."),
    ("def f(*x: int): ...", "def f(**x: int): ..."),
    ("def f() -> int: ...", "def f() -> int | None: ..."),
    ("def f() -> int: ...", "def f() -> Iterator[int]:\n    yield 1"),
    ("def f(x: list[int]): ...", "def f(x: list[str]): ..."),
    ("def f(x: list[int]): ...", "def f(x: set[int]): ..."),
    ("def f(x: tuple[int, int]): ...", "def f(x: tuple[int, ...]): ..."),
    ("def f(x: int): ...", "def f(x: float): ..."),
    ("def f(x: datetime.date): ...", "def f(x: datetime.datetime): ..."),
    ("def f(x: Literal[1]): ...", "def f(x: Literal[True]): ..."),
    ("def f(x: Literal['1']): ...", "def f(x: Literal[1]): ..."),
    ("@dataclass\nclass A:\n x: int\ndef f(a: A): ...", "@dataclass\nclass B:\n x: int\ndef f(a: B): ..."),
    ("@dataclass\nclass A:\n x: int\ndef f(a: A): ...", "@dataclass\nclass A:\n x: str\ndef f(a: A): ..."),
    ("@dataclass\nclass A:\n x: int\ndef f(a: A): ...", "@dataclass\nclass A:\n x: int = 1\ndef f(a: A): ..."),
    ("class E(enum.Enum):\n A = 1\ndef f(e: E): ...", "class E(enum.Enum):\n A = 1\n B = 2\ndef f(e: E): ..."),
    ("class M(TypedDict):\n a: int\ndef f(m: M): ...", "class M(TypedDict):\n a: NotRequired[int]\ndef f(m: M): ..."),
]


@pytest.mark.parametrize("one, other", DIFFERENT)
def test_what_a_caller_could_notice_is_another_contract(one: str, other: str) -> None:
    assert contract.schema(defined(one)) != contract.schema(defined(other))
    assert contract.digest(defined(one)) != contract.digest(defined(other))


def test_a_change_deep_in_a_recursive_type_is_seen() -> None:
    tree = "@dataclass\nclass Tree:\n value: {}\n children: list['Tree']\ndef f(t: Tree): ..."
    assert contract.digest(defined(tree.format("int"))) != contract.digest(defined(tree.format("str")))


def test_two_classes_of_one_name_are_told_apart() -> None:
    source = """
        def one():
            @dataclass
            class A:
                x: int
            return A
        def other():
            @dataclass
            class A:
                x: {}
            return A
        A, B = one(), other()
        for kind in (A, B): kind.__qualname__ = "A"
        def f(a: A, b: B): ...
    """
    schema = contract.schema(defined(source.format("str")))
    assert list(schema["types"]) == ["A", "A#2"]
    assert contract.digest(defined(source.format("str"))) != contract.digest(defined(source.format("int")))


def test_raises_count_by_the_name_of_the_class_alone() -> None:
    f = defined("def f(x: int): ...")
    assert contract.digest(f, ["app:Unreadable"]) == contract.digest(f, ["__main__:Unreadable"])
    assert contract.digest(f, ["app:A", "app:B"]) == contract.digest(f, ["app:B", "app:A"])
    assert contract.digest(f, ["app:A"]) != contract.digest(f)


def test_a_schema_is_what_json_has() -> None:
    schema = contract.schema(defined(RICH), ["app:Unreadable"])
    assert json.loads(json.dumps(schema)) == schema
    assert schema["raises"] == ["Unreadable"]
    assert schema["parameters"][0] == ["inv", "positional-only", False, ["type", "Invoice"]]
    assert set(schema["types"]) == {"Invoice", "Line", "Colour", "Point", "Movie"}


def test_a_digest_is_made_once_and_never_for_another_function() -> None:
    f = defined("def f(x: int): ...")
    assert contract.digest(f) is contract.digest(f)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return f(*args, **kwargs)

    assert contract.digest(wrapped) == contract.digest(f)

    def other(y: str) -> None: ...

    other.__dict__.update(f.__dict__)
    assert contract.digest(other) != contract.digest(f)


def test_a_type_that_cannot_travel_is_told_with_function_and_parameter() -> None:
    with pytest.raises(TypeError, match=r"^app:f: parameter 'x': "):
        defined("def f(x: Callable[[], int]): ...")
