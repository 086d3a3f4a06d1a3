"""Which types travel, by their names, and what kind of class a class of the project is."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from hyfn.discover.scope import External, Found, Scopes, dotted


def _names(module: str, names: str) -> set[str]:
    return {f"{module}.{name}" for name in names.split()}


_ABSTRACT = "Collection Iterable Mapping MutableMapping MutableSequence MutableSet Reversible Sequence"

CONTAINERS = frozenset(
    _names("builtins", "dict frozenset list set tuple")
    | _names(
        "typing", f"AbstractSet Counter Deque Dict FrozenSet List Optional OrderedDict Set Tuple Union {_ABSTRACT}"
    )
    | _names("collections", "Counter OrderedDict deque")
    | _names("collections.abc", f"Set {_ABSTRACT}")
)
"""They travel if all their arguments do."""

_QUALIFIERS = "Annotated Final NotRequired ReadOnly Required Unpack"
EVENTS = frozenset(("hyfn.Event", "hyfn.event.Event"))
UNWRAPPED = frozenset(_names("typing", _QUALIFIERS) | _names("typing_extensions", _QUALIFIERS)) | EVENTS
"""They travel if their first argument does."""

ALIAS_CALLS = frozenset(_names("typing", "NewType TypeAliasType") | {"typing_extensions.TypeAliasType"})
"""Calls whose second argument is the type."""

_NUMPY = "bool bool_ bytes_ datetime64 float16 float32 float64 floating generic int16 int32 int64 int8 integer"

TRAVELS = frozenset(
    _names("builtins", "None bool bytearray bytes complex float int object str")
    | _names("typing", "Any AnyStr LiteralString Never NoReturn Text")
    | _names("typing_extensions", "Any LiteralString Never")
    | _names("datetime", "date datetime time timedelta")
    | _names("http", "HTTPMethod HTTPStatus")
    | _names("pathlib", "Path PurePath PurePosixPath PureWindowsPath")
    | _names("numpy", f"{_NUMPY} complex128 complex64 ndarray number str_ timedelta64 uint16 uint32 uint64 uint8")
    | _names("pandas", "DataFrame Series")
    | _names("polars", "DataFrame Series")
    | _names("pyarrow", "RecordBatch Table")
    | {"hyfn.Blob", "hyfn.event.Blob"}
    | {"decimal.Decimal", "numpy.typing.NDArray", "types.NoneType", "uuid.UUID"}
)

_CODE = ("is code", "send a name, and look the code up where it runs")
_ONCE = ("is read once, while it is made", "send a list")
_FILE = ("is an open file", "send its bytes")
_FACTORY = ("has a factory, which stays behind", "annotate dict")
_SOON = ("is not a value yet", "await it, and send the value")

_LIVE: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(_names("typing", "Callable Type") | {"collections.abc.Callable", "builtins.type"}, _CODE),
    **dict.fromkeys(_names("typing", "AsyncGenerator AsyncIterable AsyncIterator Generator Iterator"), _ONCE),
    **dict.fromkeys(_names("collections.abc", "AsyncGenerator AsyncIterable AsyncIterator Generator Iterator"), _ONCE),
    **dict.fromkeys(_names("typing", "Awaitable Coroutine"), _SOON),
    **dict.fromkeys(_names("collections.abc", "Awaitable Coroutine"), _SOON),
    **dict.fromkeys(_names("typing", "IO BinaryIO TextIO"), _FILE),
    **dict.fromkeys(("collections.defaultdict", "typing.DefaultDict"), _FACTORY),
}
_PROCESS = (
    "asyncio concurrent contextvars logging multiprocessing queue selectors socket sqlite3 ssl subprocess tempfile"
    " threading types weakref"
)
"""Standard modules whose objects belong to one process."""

_DATACLASSES = frozenset({"dataclasses.dataclass", "pydantic.dataclasses.dataclass"})
_ATTRS = frozenset(
    _names("attrs", "define frozen mutable") | _names("attr", "attrs attributes dataclass define frozen mutable s")
)
_BASES: Mapping[str, str] = {
    "pydantic.BaseModel": "pydantic",
    "pydantic.RootModel": "pydantic",
    "msgspec.Struct": "msgspec",
    **dict.fromkeys(_names("typing", "NamedTuple TypedDict"), "fields"),
    **dict.fromkeys(_names("typing_extensions", "NamedTuple TypedDict"), "fields"),
    **dict.fromkeys(_names("enum", "Enum Flag IntEnum IntFlag StrEnum"), "enum"),
}
_PLAIN = frozenset(
    _names("typing", "Generic Protocol")
    | _names("abc", "ABC")
    | _names("typing_extensions", "Protocol")
    | {"builtins.object"}
)


def live(name: str) -> tuple[str, str] | None:
    """Why a known type outside the project never travels, and what to do; None where that is not known."""
    if name in _LIVE:
        return _LIVE[name]
    if name.startswith("io."):
        return _FILE
    if name.partition(".")[0] in _PROCESS.split():
        return "lives in one process", "make it where it is used"
    return None


def kind_of_class(scopes: Scopes, node: ast.ClassDef, module: str) -> str:
    """fields, pydantic, msgspec (all have typed fields), enum, exception, plain, or unknown: made by something that
    reading cannot see through."""
    if kind := _by_decorator(scopes, node, module):
        return kind
    kinds = [_by_base(scopes, base, module) for base in node.bases]
    for kind in ("exception", "enum", "pydantic", "msgspec", "fields", "unknown"):
        if kind in kinds:
            return kind
    return "plain" if not node.keywords else "unknown"


def _by_decorator(scopes: Scopes, node: ast.ClassDef, module: str) -> str | None:
    for name in _resolved(scopes, node.decorator_list, module):
        if name in _DATACLASSES or name in _ATTRS:
            return "fields"
        if name is None or name.partition(".")[0] not in ("builtins", "functools", "typing", "enum"):
            return "unknown"
    return None


def _resolved(scopes: Scopes, expressions: list[ast.expr], module: str) -> Iterator[str | None]:
    for expression in expressions:
        name = dotted(expression.func if isinstance(expression, ast.Call) else expression)
        meaning = scopes.find(module, name) if name else None
        yield meaning.name if isinstance(meaning, External) else None


def _by_base(scopes: Scopes, base: ast.expr, module: str) -> str:
    name = dotted(base.value if isinstance(base, ast.Subscript) else base)
    meaning = scopes.find(module, name) if name else None
    if isinstance(meaning, Found) and isinstance(meaning.binding, ast.ClassDef):
        return kind_of_class(scopes, meaning.binding, meaning.module)
    if not isinstance(meaning, External):
        return "unknown"
    if is_exception(meaning.name):
        return "exception"
    if meaning.name in _PLAIN or meaning.name in CONTAINERS or meaning.name in TRAVELS - _BASES.keys():
        return "plain"
    return _BASES.get(meaning.name, "unknown")


def is_exception(name: str) -> bool:
    """Whether it is one of Python's own exceptions."""
    import builtins

    found = getattr(builtins, name.removeprefix("builtins."), None) if name.startswith("builtins.") else None
    return isinstance(found, type) and issubclass(found, BaseException)
