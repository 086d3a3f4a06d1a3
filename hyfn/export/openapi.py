"""An OpenAPI 3.1 document of the functions under @on.http: https://spec.openapis.org/oas/v3.1.1.html.

A document is of one server. Functions of several artifacts, each of which has a URL of its own, stand in one as long as
no two answer the same; where each is found is not in it, since a project is read before it is anywhere.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyfn.discover import names
from hyfn.errors import ConfigError, HyfnError, SourceError
from hyfn.export import signatures
from hyfn.export.schemas import PROBLEM as PROBLEM_NAME
from hyfn.export.schemas import Components, Schema, Types, has_null, without_null
from hyfn.model import FunctionSpec, Project, Trigger

VERSION = "3.1.1"
REQUEST, RESPONSE = "hyfn.Request", "hyfn.Response"
IN_QUERY = ("GET", "HEAD", "DELETE", "OPTIONS")
ONE_SEGMENT = r"^[^/\x00-\x1f\x7f]+$"
ALL_THAT_FOLLOWS = r"^[^\x00-\x1f\x7f]+$"
PROBLEMS: Mapping[int, str] = {
    400: "What was sent does not fit.",
    404: "Nothing is at this path.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    500: "The function failed.",
    503: "There is no room at the moment.",
    504: "The function did not answer in time.",
}
PROBLEM: Schema = {
    "title": "Problem",
    "description": "RFC 9457",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}


@dataclass(frozen=True, slots=True)
class Page:
    """One @on.http of a function, and the function's contract."""

    function: FunctionSpec
    trigger: Trigger
    contract: Mapping[str, Any]


def document(
    source: Project, only: Sequence[str] = (), report: Callable[[str], None] = lambda _: None
) -> tuple[dict[str, Any], list[str]]:
    """The document, and what it leaves out, in words. `only` names functions, as users do; none for all.

    Raises ProjectError where the project cannot be built, or where two functions answer the same.
    """
    chosen = _chosen(source, only)
    notes = [_note(function) for function in chosen if any(map(_is_mount, function.triggers))]
    described = [each for each in chosen if any(_is_page(trigger) for trigger in each.triggers)]
    contracts = signatures.read(source, described, report) if described else {}
    pages = [
        Page(function, trigger, contracts[function.name])
        for function in described
        for trigger in function.triggers
        if _is_page(trigger)
    ]
    components = Components()
    paths = _paths(pages, components, names.short_names(source))
    info = {"title": source.app, "version": _version(source)}
    schemas = {PROBLEM_NAME: PROBLEM, **dict(sorted(components.schemas.items()))}
    return {"openapi": VERSION, "info": info, "paths": paths, "components": {"schemas": schemas}}, notes


def _chosen(source: Project, only: Sequence[str]) -> list[FunctionSpec]:
    wanted = {names.resolve(source, name) for name in only}
    found = [each for each in source.functions if not wanted or each.name in wanted]
    without = [each for each in found if not any(trigger.kind == "http" for trigger in each.triggers)]
    if only and without:
        raise ConfigError(f"{without[0].qualname} takes no plain HTTP", hint="put @on.http below its platform's @")
    if len(without) == len(found):
        raise HyfnError(f"no function of {source.app} has @on.http", hint="put it below the platform's @")
    return found


def _is_page(trigger: Trigger) -> bool:
    return trigger.kind == "http" and not trigger.options["mount"]


def _is_mount(trigger: Trigger) -> bool:
    return trigger.kind == "http" and bool(trigger.options["mount"])


def _note(function: FunctionSpec) -> str:
    return f"{function.qualname} ({function.place}) mounts an application, which describes itself"


def _version(source: Project) -> str:
    """The project's own, "0" where it has none."""
    try:
        table = tomllib.loads((source.root / "pyproject.toml").read_text()).get("project", {})
    except (OSError, ValueError):
        return "0"
    return str(table.get("version", "0"))


def _paths(pages: Sequence[Page], components: Components, shorts: Mapping[str, str]) -> dict[str, Any]:
    """By path. Two that differ in the names of their parameters alone are one to OpenAPI: it has those of the first."""
    paths: dict[str, Any] = {}
    seen: dict[tuple[str, str], Page] = {}
    templates: dict[str, str] = {}
    for page in pages:
        written = page.trigger.resource.replace("...}", "}")
        path = templates.setdefault(re.sub(r"\{\w+\}", "{}", written), written)
        for method in page.trigger.options["methods"]:
            first = seen.setdefault((path, method), page)
            if first is not page:
                raise _twice(page, first, method, shorts)
            operation = _Operation(page, method, path, Types(page.contract["types"], components))
            paths.setdefault(path, {})[method.lower()] = _described(operation, page, method, shorts[page.function.name])
    return paths


def _twice(page: Page, first: Page, method: str, shorts: Mapping[str, str]) -> SourceError:
    return SourceError(
        f"{page.function.qualname} and {first.function.qualname} ({first.trigger.place}) both answer"
        f" {method} {page.trigger.resource}",
        where=str(page.trigger.place),
        hint=f"one document has one of them: --function {shorts[page.function.name]}",
    )


def _described(operation: _Operation, page: Page, method: str, short: str) -> dict[str, Any]:
    function = page.function
    several = len(page.trigger.options["methods"]) > 1
    made: dict[str, Any] = {"operationId": f"{short}-{method.lower()}" if several else short}
    if function.doc:
        summary, _, rest = function.doc.partition("\n")
        made["summary"] = summary.strip()
        made |= {"description": rest.strip()} if rest.strip() else {}
    made["parameters"] = [*operation.parameters()]
    body = operation.body()
    made |= {"requestBody": body} if body else {}
    made["responses"] = operation.responses()
    made["x-hyfn"] = {"function": function.name, "platforms": [target.platform for target in function.targets]}
    return made


class _Operation:
    """What one method of a page takes and gives."""

    def __init__(self, page: Page, method: str, path: str, types: Types) -> None:
        self._types = types
        self._called = dict(zip(_named(page.trigger.resource), _named(path), strict=True))
        self._result = page.contract["result"]
        self._in_path = {name.removesuffix("..."): name for name in _named(page.trigger.resource)}
        own = [each for each in page.contract["parameters"] if each[3] != REQUEST]
        self._given = {name: (has_default, kind) for name, how, has_default, kind in own if not how.startswith("var-")}
        self._more = next((kind for _, how, _, kind in own if how == "var-keyword"), None)
        self._is_query = method in IN_QUERY

    def parameters(self) -> Iterator[dict[str, Any]]:
        for name, written in self._in_path.items():
            _, kind = self._given.get(name, (False, "str"))
            pattern = ALL_THAT_FOLLOWS if written.endswith("...") else ONE_SEGMENT
            yield self._parameter(self._called[written], "path", True, kind, pattern)
        if self._is_query:
            for name, (has_default, kind) in self._others().items():
                yield self._parameter(name, "query", not has_default, kind)

    def body(self) -> dict[str, Any] | None:
        others = self._others()
        if self._is_query or not (others or self._more):
            return None
        required = [name for name, (has_default, _) in others.items() if not has_default]
        schema: Schema = {
            "type": "object",
            "properties": {name: self._types.of(kind) for name, (_, kind) in others.items()},
            "additionalProperties": self._types.of(self._more) if self._more else False,
        }
        schema |= {"required": required} if required else {}
        return {"required": bool(required), "content": {"application/json": {"schema": schema}}}

    def responses(self) -> dict[str, Any]:
        result, has_response = _without_response(self._result)
        made: dict[str, Any] = {}
        value = without_null(result)
        if value not in (None, "never"):
            content = {"application/json": {"schema": self._types.of(value)}}
            made["200"] = {"description": "What the function returns.", "content": content}
        if has_null(result):
            made["204"] = {"description": "The function returns None."}
        made |= {str(status): _problem(status) for status in self._problems()}
        return made | ({"default": {"description": "What the function answers itself."}} if has_response else {})

    def _problems(self) -> list[int]:
        found = [400, 500, 503, 504]
        found += [404] if self._in_path else []
        return sorted(found + ([413, 415] if self.body() else []))

    def _others(self) -> dict[str, tuple[bool, Any]]:
        return {name: each for name, each in self._given.items() if name not in self._in_path}

    def _parameter(self, name: str, place: str, required: bool, kind: Any, pattern: str = "") -> dict[str, Any]:
        about = {"name": name, "in": place, "required": required}
        kind = without_null(kind) or "str"
        if not _is_written(kind):
            return about | {"content": {"application/json": {"schema": self._types.of(kind)}}}
        schema = self._types.of("str" if kind == "any" else kind)
        if pattern and schema == {"type": "string"}:
            schema["pattern"] = pattern
        if required and schema.get("type") == "array":
            schema["minItems"] = max(1, schema.get("minItems", 0))  # none of it would be an absent parameter
        return about | {"schema": schema}


def _named(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _is_written(kind: Any) -> bool:
    """Whether text stands for it in a URL; what has parts is written there as JSON."""
    if isinstance(kind, str):
        return kind != "complex"
    return kind[0] in ("literal", "list", "set", "frozenset", "tuple", "deque") or (
        kind[0] == "union" and all(map(_is_written, kind[1:]))
    )


def _without_response(kind: Any) -> tuple[Any, bool]:
    """The result's type without hyfn.Response ("never" where nothing is left), and whether it was there."""
    if kind == RESPONSE:
        return "never", True
    if not isinstance(kind, list) or kind[0] != "union" or RESPONSE not in kind:
        return kind, False
    left = [part for part in kind[1:] if part != RESPONSE]
    return (left[0] if len(left) == 1 else ["union", *left]), True


def _problem(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": PROBLEMS[status], "content": content}


def text(made: Mapping[str, Any]) -> str:
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"
