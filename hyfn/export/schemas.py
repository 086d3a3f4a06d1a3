"""JSON Schema for the types of signatures, as hyfn.contract describes them and plain HTTP takes and gives them. Pure.

Schemas are of draft 2020-12, which OpenAPI 3.1 uses. What a class checks when it is made (a pydantic validator, a
__post_init__) is in none: a value may fit its schema and be refused.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

PROBLEM = "Problem"
"""A name that every document has taken."""
NULL: Schema = {"type": "null"}
ANY: Schema = {}
BASE64: Schema = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
SCALARS: Mapping[str, Schema] = {
    "None": NULL,
    "any": ANY,
    "never": {"not": {}},
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "bytes": BASE64,
    "bytearray": BASE64,
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "time": {
        "type": "string",
        "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-5][0-9])?$",
    },
    "timedelta": {"type": "number", "description": "seconds", "minimum": -8.6e13, "maximum": 8.6e13},
    "UUID": {"type": "string", "format": "uuid"},
    "Decimal": {
        "type": ["string", "integer"],
        "pattern": r"^-?[0-9]{1,100}(\.[0-9]{1,100})?([Ee][+-]?[0-9]{1,3})?$",
    },
    "complex": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
}
"""By hyfn.contract's names. Others that are no list are text (paths) or, of libraries, have no schema."""
PATHS = frozenset(("Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath"))
NUMPY = re.compile(r"numpy\.(?:(u?int)[0-9]*|(float)[0-9]*|(bool)|(str|datetime64|timedelta64))")
KEYS: Mapping[str, str] = {
    "int": r"^-?(0|[1-9][0-9]*)$",
    "float": r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?$",
    "bool": "^(true|false)$",
    "None": "^null$",
}
"""What the keys of an object are, which JSON has as text only."""


class Components:
    """Schemas of named types, shared by all functions of one document."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._names = {PROBLEM: PROBLEM}

    def name(self, wanted: str, digest: str) -> str:
        """For a type of that digest: its own name, unless another type has it."""
        if digest not in self._names:
            plain, count = re.sub(r"[^A-Za-z0-9._-]+", "_", wanted).strip("_") or "Type", 1
            name = plain
            while name in self._names.values():
                count += 1
                name = f"{plain}-{count}"
            self._names[digest] = name
        return self._names[digest]


class Types:
    """The schemas of one function's types. `described` is the "types" of its contract."""

    def __init__(self, described: Mapping[str, Any], components: Components) -> None:
        self._described = described
        self._components = components

    def of(self, kind: Any) -> Schema:
        """The schema of a type of the contract."""
        if isinstance(kind, str):
            return dict(_scalar(kind))
        make: Callable[[Sequence[Any]], Schema] | None = getattr(self, f"_{kind[0].replace(' ', '_')}", None)
        if make is None:  # a map of another class than dict: ["Counter", key, value]
            return self._dict(kind[1:])
        return make(kind[1:])

    def _type(self, parts: Sequence[Any]) -> Schema:
        [name] = parts
        component = self._components.name(name, self._digest(name))
        if component not in self._components.schemas:
            self._components.schemas[component] = {}  # its place: it may hold itself
            self._components.schemas[component] = self.of(self._described[name])
        return {"$ref": f"#/components/schemas/{component}"}

    def _digest(self, name: str) -> str:
        """Equal for equal types, whatever function has them."""
        reached: dict[str, Any] = {}
        waiting = [name]
        while waiting:
            each = waiting.pop()
            if each not in reached:
                reached[each] = self._described[each]
                waiting += _references(self._described[each])
        return hashlib.sha256(json.dumps([name, reached], sort_keys=True).encode()).hexdigest()

    def _list(self, parts: Sequence[Any]) -> Schema:
        return {"type": "array", "items": self.of(parts[0])}

    _deque = _list

    def _set(self, parts: Sequence[Any]) -> Schema:
        return self._list(parts)

    _frozenset = _set

    def _tuple(self, parts: Sequence[Any]) -> Schema:
        if len(parts) == 1:
            return self._list(parts)
        fixed = {"items": False, "minItems": len(parts), "maxItems": len(parts)}
        return {"type": "array", "prefixItems": [self.of(part) for part in parts], **fixed}

    def _dict(self, parts: Sequence[Any]) -> Schema:
        key, value = parts
        if key == "str":
            return {"type": "object", "additionalProperties": self.of(value)}
        if isinstance(key, list) and key[0] not in ("type", "literal", "union"):
            pair = {"type": "array", "prefixItems": [self.of(key), self.of(value)], "minItems": 2, "maxItems": 2}
            return {"type": "array", "items": pair}
        names = {"pattern": KEYS[key]} if isinstance(key, str) and key in KEYS else self.of(key)
        return {"type": "object", "propertyNames": names, "additionalProperties": self.of(value)}

    def _union(self, parts: Sequence[Any]) -> Schema:
        return {"anyOf": [self.of(part) for part in parts]}

    def _literal(self, parts: Sequence[str]) -> Schema:
        return {"enum": [_constant(part) for part in parts]}

    def _enum(self, parts: Sequence[str]) -> Schema:
        return {"title": parts[0], "enum": [_constant(part) for part in parts[1:]]}

    def _flags(self, parts: Sequence[str]) -> Schema:
        most = 0
        for part in parts[1:]:
            most |= int(part)
        return {"title": parts[0], "type": "integer", "minimum": 0, "maximum": most}

    def _record(self, parts: Sequence[Any]) -> Schema:
        name, fields = parts
        required = [field for field, _, is_required in fields if is_required]
        schema = {
            "title": name,
            "type": "object",
            "properties": {field: self.of(kind) for field, kind, _ in fields},
            "additionalProperties": False,
        }
        return schema | ({"required": required} if required else {})

    def _named_tuple(self, parts: Sequence[Any]) -> Schema:
        name, fields = parts
        fewest = sum(is_required for _, _, is_required in fields)
        items = {"prefixItems": [self.of(kind) for _, kind, _ in fields], "items": False}
        return {"title": name, "type": "array", **items, "minItems": fewest, "maxItems": len(fields)}

    def _root(self, parts: Sequence[Any]) -> Schema:
        return {"title": parts[0], **self.of(parts[1])}

    def _event(self, parts: Sequence[Any]) -> Schema:
        """One of CloudEvents' JSON format."""
        texts = ("id", "source", "type", "specversion")
        properties = {**{name: {"type": "string"} for name in texts}, "data": self.of(parts[0])}
        return {"title": "Event", "type": "object", "properties": properties, "required": list(texts)}

    def _ndarray(self, parts: Sequence[Any]) -> Schema:  # noqa: ARG002
        return {"type": "array"}


def without_null(kind: Any) -> Any:
    """A type of the contract without None; None where nothing else is left."""
    if kind == "None":
        return None
    if not isinstance(kind, list) or kind[0] != "union":
        return kind
    left = [part for part in kind[1:] if part != "None"]
    return left[0] if len(left) == 1 else ["union", *left]


def has_null(kind: Any) -> bool:
    return kind in ("None", "any") or (isinstance(kind, list) and kind[0] == "union" and "None" in kind[1:])


def _scalar(name: str) -> Schema:
    if name in SCALARS:
        return SCALARS[name]
    if name in PATHS:
        return {"type": "string"}
    found = NUMPY.fullmatch(name)
    if found is None:
        return ANY
    kind = next(text for text in found.groups() if text)
    plain = {"int": "integer", "uint": "integer", "float": "number", "bool": "boolean"}
    return {"type": plain.get(kind, "string")}


def _constant(text: str) -> Any:
    """A value by its repr, as JSON has it."""
    value = ast.literal_eval(text)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _references(description: Any) -> list[str]:
    if not isinstance(description, list):
        return []
    if len(description) == 2 and description[0] == "type" and isinstance(description[1], str):
        return [description[1]]
    return [name for part in description for name in _references(part)]
