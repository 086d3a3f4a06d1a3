"""Types for the codec's tests, and the way of a value through a function's codec."""

from __future__ import annotations

import enum
from collections import namedtuple
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, NewType, NotRequired, Required, TypedDict, TypeVar

from hyfn.wire import codec

T = TypeVar("T")
Bounded = TypeVar("Bounded", bound=int)
UserId = NewType("UserId", int)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Shape(enum.Enum):
    """By name: its values are no scalars."""

    POINT = (0, 0)
    LINE = (1, 0)


@dataclass
class Line:
    price: float
    count: int = 1


@dataclass
class Invoice:
    id: str
    lines: list[Line]
    parent: Invoice | None = None
    tags: dict[str, int] = field(default_factory=dict)
    currency: ClassVar[str] = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    id: int
    note: str = ""


@dataclass
class Derived:
    """`total` is not a parameter of __init__."""

    a: int
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = self.a * 2


@dataclass
class Growing:
    """Its __post_init__ changes what it was given; a positive one is refused."""

    a: int

    def __post_init__(self) -> None:
        if self.a > 100:
            raise ValueError("too much")
        self.a += 1


@dataclass
class Seeded:
    """Made with a value that it does not keep."""

    a: int
    seed: InitVar[int]

    def __post_init__(self, seed: int) -> None:
        self.a += seed


@dataclass
class Cat:
    name: str


@dataclass
class Dog:
    name: str


@dataclass
class Box(Generic[T]):
    content: T
    others: list[T] = field(default_factory=list)


@dataclass
class IntBox(Box[int]):
    label: str = ""


@dataclass
class Tree:
    value: int
    children: list[Tree] = field(default_factory=list)


class Point(NamedTuple):
    x: int
    y: float = 0.0


Pair = namedtuple("Pair", "a b")


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class Partial(TypedDict, total=False):
    title: Required[str]
    colour: Colour


def typed(annotation: object) -> Callable[..., Any]:
    """A function of one parameter and a result of this type."""

    def given(x: Any) -> Any:
        return x

    given.__annotations__ = {"x": annotation, "return": annotation}
    return given


def through(annotation: object, value: object) -> Any:
    """`value` as an argument, then as a result: both ways must agree."""
    function = typed(annotation)
    arguments, result = codec.arguments(function), codec.result(function)
    [argument], keywords = arguments.unpack(arguments.pack((value,), {}))
    assert keywords == {}
    returned = result.unpack(result.pack(value))
    assert type(returned) is type(argument)
    return argument


def from_json(annotation: object, value: object) -> Any:
    """What an argument is made of a value that JSON has."""
    from hyfn.wire.packing import pack

    [argument], _ = codec.arguments(typed(annotation)).unpack(pack([[value], {}]), is_json=True)
    return argument
