"""hyfn export openapi: what the document says is what plain HTTP takes and gives."""

from __future__ import annotations

import enum
import importlib
import json
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from hyfn import contract, project
from hyfn.errors import ConfigError, HyfnError, SourceError
from hyfn.export import openapi, signatures
from hyfn.export.schemas import Components, Types
from hyfn.wire import codec, json_text, plain
from hyfn.wire.packing import unpack
from tests.commands import hyfn
from tests.unit import index

ID = "12345678-1234-5678-1234-567812345678"


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Extra(TypedDict, total=False):
    gift: bool


@dataclass
class Line:
    sku: str
    count: int = 1
    inner: list[Line] = field(default_factory=list)


def _takes(kind: object) -> Callable[..., Any]:
    def function(value: Any) -> Any:
        return value

    function.__annotations__ = {"value": kind, "return": kind}
    return function


TYPES: list[tuple[object, list[object], list[object]]] = [
    (str, ["", "ü"], [1, None, ["a"]]),
    (int, [0, -1, 10**30], ["1", 1.5, True, None]),
    (float, [0.5, 1, -1e300], ["1", True, None]),
    (bool, [True, False], [0, "true", None]),
    (bytes, ["", "AAE=", "AAECAw=="], ["A", 1, "===="]),
    (None, [None], [0, ""]),
    (datetime, ["2030-01-02T03:04:05Z", "2030-01-02T03:04:05.5+01:00"], [1, "noon"]),
    (date, ["2030-01-02"], [1, "2030-13-01"]),
    (time, ["03:04", "03:04:05.123456+01:00", "23:59:59Z"], [1, "24:00", "noon"]),
    (timedelta, [90, 1.5, -3], ["1", None]),
    (UUID, [ID], [1, "7"]),
    (Decimal, ["1.50", "-1", 7, "1E+3"], [1.5, "x", None]),
    (complex, [[1, 2.5]], [[1], [1, 2, 3], "1", [1, "2"]]),
    (Colour, ["red"], ["RED", 1, None]),
    (Level, [1, 2], [3, "1"]),
    (Rights, [0, 3], [4, "READ"]),
    (Literal["a", 7], ["a", 7], ["7", "b"]),
    (Path, ["/tmp/x", ""], [1]),
    (list[int], [[], [1]], [["a"], {}, "1"]),
    (set[str], [["a"]], [[1]]),
    (tuple[int, str], [[1, "a"]], [[1], ["a", 1], [1, "a", 2]]),
    (dict[str, int], [{}, {"a": 1}], [{"a": "1"}, []]),
    (dict[int, str], [{"7": "a"}], [{"x": "a"}, {"7": 1}]),
    (dict[bool, int], [{"true": 1}], [{"yes": 1}]),
    (dict[Colour, int], [{"red": 1}], [{"green": 1}]),
    (Counter[str], [{"a": 1}], [{"a": "b"}]),
    (OrderedDict[str, bool], [{"a": True}], [{"a": 1}]),
    (int | None, [1, None], ["a"]),
    (int | str, [1, "a"], [None, 1.5]),
    (Point, [[1.0], [1.0, 2]], [[], [1, 2, 3], ["a"]]),
    (Extra, [{}, {"gift": True}], [{"gift": 1}, {"other": 1}]),
    (Line, [{"sku": "a"}, {"sku": "a", "inner": [{"sku": "b"}]}], [{}, {"sku": 1}, {"sku": "a", "more": 1}, []]),
    (object, [1, "a", None, {"a": [1]}], []),
]


def _schema(kind: object) -> Draft202012Validator:
    described = contract.schema(_takes(kind))
    components = Components()
    schema = Types(described["types"], components).of(described["result"])
    whole = {**schema, "components": {"schemas": components.schemas}}
    Draft202012Validator.check_schema(whole)
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _is_taken(kind: object, value: object) -> bool:
    form = codec.arguments(_takes(kind)).as_json().forms["value"]
    try:
        form.unpack(json_text.read(json.dumps(value)))
    except (TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize(("kind", "right", "wrong"), TYPES, ids=[str(kind) for kind, _, _ in TYPES])
def test_a_schema_takes_what_the_type_takes(kind: object, right: list[object], wrong: list[object]) -> None:
    validator = _schema(kind)
    for value in right:
        assert _is_taken(kind, value), value
        assert validator.is_valid(value), (value, validator.schema)
    for value in wrong:
        assert not _is_taken(kind, value), value
        if not (isinstance(value, str) and kind in (datetime, UUID)):  # formats that jsonschema does not look at
            assert not validator.is_valid(value), (value, validator.schema)


@pytest.mark.parametrize(("kind", "right", "wrong"), TYPES, ids=[str(kind) for kind, _, _ in TYPES])
def test_what_is_given_back_fits_the_schema(kind: object, right: list[object], wrong: list[object]) -> None:
    function, validator = _takes(kind), _schema(kind)
    form = codec.arguments(function).as_json().forms["value"]
    for value in right:
        wire: Any = unpack(codec.result(function).pack(form.unpack(value)))
        assert validator.is_valid(json.loads(json_text.write(plain.as_json(wire[0]))))


def test_two_types_of_one_name_keep_apart_and_one_is_written_once() -> None:
    components = Components()
    one = {"Line": ["record", "Line", [["a", "int", True]]]}
    other = {"Line": ["record", "Line", [["a", "str", True]]]}
    found = [Types(types, components).of(["type", "Line"])["$ref"] for types in (one, other, dict(one))]
    assert [each.rpartition("/")[2] for each in found] == ["Line", "Line-2", "Line"]
    assert Components().name("Problem", "x") == "Problem-2"


SOURCE = """
from dataclasses import dataclass
from hyfn import local, on, Request, Response
from typing import Any

@dataclass
class Line:
    sku: str
    count: int = 1

@local
@on.http("/lines/{id}", methods=["GET", "PUT"])
def line(id: int, order: Line | None = None, tags: list[str] = ()) -> Line | None:
    \"\"\"One line.

    With its count.
    \"\"\"

@local
@on.http("/lines/{number}", methods=["DELETE"])
def drop(number: int, ids: list[int], where: Line | None = None) -> None: ...

@local
@on.http("/files/{rest...}", methods=["GET"])
def files(rest: str, q: str | None = None) -> str: ...

@local
@on.http("/raw")
def raw(request: Request) -> Response | str: ...

@local
@on.http("/page")
def page(request: Request) -> Response: ...

@local
@on.http("/more")
def more(a: int, **others: str) -> Any: ...

@local
@on.http("/app", mount="asgi")
def app() -> Any: ...

@local
def called(n: int) -> int: ...
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "pages_app.py").write_text(SOURCE)
    (folder / "pyproject.toml").write_text('[project]\nname = "pages"\nversion = "1.2"\ndependencies = []\n')
    return folder


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The types are read here, from the module itself, and nothing is built."""

    def read(source: Any, functions: Any, report: Any) -> dict[str, Any]:
        monkeypatch.syspath_prepend(str(source.root))
        return {
            each.name: contract.schema(getattr(importlib.import_module(each.module), each.qualname).__wrapped__)
            for each in functions
        }

    monkeypatch.setattr(signatures, "read", read)
    yield
    for name in ("pages_app", "app"):
        sys.modules.pop(name, None)


@pytest.fixture
def document(folder: Path, in_process: None) -> dict[str, Any]:
    return openapi.document(project.read(folder))[0]


def test_a_document_says_what_it_is_of(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.1"
    assert document["info"] == {"title": "pages", "version": "1.2"}
    assert list(document["paths"]) == ["/lines/{id}", "/files/{rest}", "/raw", "/page", "/more"]
    assert list(document["components"]["schemas"]) == ["Problem", "Line"]


def test_parameters_are_in_path_query_or_body(document: dict[str, Any]) -> None:
    get, put = document["paths"]["/lines/{id}"]["get"], document["paths"]["/lines/{id}"]["put"]
    line = {"$ref": "#/components/schemas/Line"}
    assert get["parameters"] == [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
        {"name": "order", "in": "query", "required": False, "content": {"application/json": {"schema": line}}},
        {"name": "tags", "in": "query", "required": False, "schema": {"type": "array", "items": {"type": "string"}}},
    ]
    assert "requestBody" not in get
    assert [each["name"] for each in put["parameters"]] == ["id"]
    assert put["requestBody"]["required"] is False
    assert put["requestBody"]["content"]["application/json"]["schema"] == {
        "type": "object",
        "properties": {
            "order": {"anyOf": [line, {"type": "null"}]},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "additionalProperties": False,
    }


def test_paths_that_are_one_to_openapi_have_one_name_for_each_parameter(document: dict[str, Any]) -> None:
    delete = document["paths"]["/lines/{id}"]["delete"]
    assert [(each["name"], each["required"]) for each in delete["parameters"]] == [
        ("id", True), ("ids", True), ("where", False)
    ]  # fmt: skip
    assert delete["parameters"][1]["schema"]["minItems"] == 1


def test_text_in_a_path_is_what_a_path_can_hold(document: dict[str, Any]) -> None:
    rest, q = document["paths"]["/files/{rest}"]["get"]["parameters"]
    assert rest["schema"]["pattern"] == openapi.ALL_THAT_FOLLOWS
    assert q == {"name": "q", "in": "query", "required": False, "schema": {"type": "string"}}


def test_responses_are_the_result_its_absence_and_the_problems(document: dict[str, Any]) -> None:
    said = {
        f"{method} {path}": sorted(operation["responses"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    assert said == {
        "get /lines/{id}": ["200", "204", "400", "404", "500", "503", "504"],
        "put /lines/{id}": ["200", "204", "400", "404", "413", "415", "500", "503", "504"],
        "delete /lines/{id}": ["204", "400", "404", "500", "503", "504"],
        "get /files/{rest}": ["200", "400", "404", "500", "503", "504"],
        "post /raw": ["200", "400", "500", "503", "504", "default"],
        "post /page": ["400", "500", "503", "504", "default"],
        "post /more": ["200", "204", "400", "413", "415", "500", "503", "504"],
    }
    problem = document["paths"]["/page"]["post"]["responses"]["400"]["content"]["application/problem+json"]
    assert problem == {"schema": {"$ref": "#/components/schemas/Problem"}}


def test_operations_say_what_their_functions_say(document: dict[str, Any]) -> None:
    get, raw = document["paths"]["/lines/{id}"]["get"], document["paths"]["/raw"]["post"]
    assert (get["operationId"], get["summary"], get["description"]) == ("line-get", "One line.", "With its count.")
    assert (raw["operationId"], "summary" in raw) == ("raw", False)
    assert raw["x-hyfn"] == {"function": "pages_app:raw", "platforms": ["local"]}
    assert "requestBody" not in raw
    more = document["paths"]["/more"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert more["additionalProperties"] == {"type": "string"}


@pytest.mark.usefixtures("in_process")
def test_what_is_mounted_describes_itself(folder: Path) -> None:
    assert openapi.document(project.read(folder))[1] == [
        "app (pages_app.py:41) mounts an application, which describes itself"
    ]


@pytest.mark.parametrize(
    ("only", "error", "words"),
    [(["called"], ConfigError, "called takes no plain HTTP"), (["none"], ConfigError, "none")],
)
def test_only_what_takes_plain_http_can_be_described(
    folder: Path, only: list[str], error: type[HyfnError], words: str
) -> None:
    with pytest.raises(error, match=words):
        openapi.document(project.read(folder), only)


def test_a_project_without_pages_has_no_document(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from hyfn import local\n@local\ndef f(n: int) -> int: ...\n")
    with pytest.raises(HyfnError, match=r"has @on\.http"):
        openapi.document(project.read(tmp_path / "app.py"))


@pytest.mark.usefixtures("in_process")
def test_two_functions_at_one_place_stand_in_two_documents(tmp_path: Path) -> None:
    pages = "".join(f"@local\n@on.http\ndef {name}() -> int: ...\n" for name in ("one", "two"))
    (tmp_path / "app.py").write_text(f"from hyfn import local, on\n{pages}")
    source = project.read(tmp_path / "app.py")
    with pytest.raises(SourceError, match=r"app\.py:6: two and one \(app\.py:3\) both answer POST /.*--function two"):
        openapi.document(source)
    assert openapi.document(source, ["two"])[0]["paths"]["/"]["post"]["operationId"] == "two"


def test_the_command_reads_types_from_artifacts_and_imports_nothing_here(folder: Path, tmp_path: Path) -> None:
    index.require()
    done = hyfn("export", "openapi", str(folder), "--function", "line", "-o", str(tmp_path / "doc.json"), cwd=tmp_path)
    assert done.status == 0, done.err
    document = json.loads((tmp_path / "doc.json").read_text())
    assert list(document["paths"]) == ["/lines/{id}"]
    assert document["components"]["schemas"]["Line"]["required"] == ["sku"]
    assert done.out == ""


def test_a_type_that_cannot_be_loaded_is_told_with_its_line(tmp_path: Path) -> None:
    index.require()
    (tmp_path / "app.py").write_text(
        "from hyfn import local, on\n\nraise RuntimeError('at import')\n\n@local\n@on.http\ndef f() -> int: ...\n"
    )
    done = hyfn("export", "openapi", str(tmp_path / "app.py"), cwd=tmp_path)
    assert done.status == 1
    assert "app.py:3" in done.err
    assert "Traceback" not in done.err
