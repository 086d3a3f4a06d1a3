"""A plain HTTP request as the arguments of a function: by name, from the path and from the query or the body.

In a path and in a query values are text. Text is what a parameter gets that takes text, or a value that is written as
text in JSON (a date, a UUID); for every other it is read as JSON: 7, true, null, {"id": 7}.
"""

from __future__ import annotations

from hyfn.errors import Malformed, UnsupportedEncoding
from hyfn.host import urls
from hyfn.wire import json_text
from hyfn.wire.form import Form, Misfit
from hyfn.wire.packing import is_within_limits, pack
from hyfn.wire.table import to_wire
from hyfn.wire.visit import REQUEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from hyfn.host.run import Hosted
    from hyfn.request import Request
    from hyfn.wire.codec import Arguments

IN_QUERY = frozenset(("GET", "HEAD", "DELETE", "OPTIONS"))
"""Methods whose bodies mean nothing (RFC 9110, 9.3): their parameters come in the query."""
_MANY = frozenset(("list", "set", "frozenset", "tuple", "deque"))
_SHOWN = 60


def arguments(function: Hosted, request: Request) -> tuple[list[Any], dict[str, Any]]:
    """By position and by name, converted. Raises Malformed, naming the parameter, or UnsupportedEncoding.

    Names in the query that the function does not take mean nothing: links gather them. In a body they are refused.
    """
    taken = function.arguments.as_json()
    whole = {name: request for name, form in taken.forms.items() if form.shape == REQUEST}
    in_path = {name: _value(name, form, request.path_parameters[name]) for name, form in _paths(taken, request)}
    others = set(taken.names) - whole.keys() - in_path.keys()
    if request.method in IN_QUERY:
        given = _query(taken, others, request.query)
    else:
        given = _body(request, {*whole, *in_path}) if others or taken.takes_more else {}
    given = {**given, **in_path, **whole}
    _check_names(taken, given)
    positional = [given.pop(name) for name in taken.positional_only if name in given]
    return taken.bind(positional, given)


def _check_names(taken: Arguments, given: Mapping[str, Any]) -> None:
    """As a client knows them: it calls no function."""
    missing = [name for name in taken.required if name not in given]
    if missing:
        raise Malformed(f"parameter {missing[0]!r} is missing")
    unknown = [name for name in given if name not in taken.names and not taken.takes_more]
    if unknown:
        raise Malformed(f"no parameter is called {unknown[0][:_SHOWN]!r}")


def _paths(taken: Arguments, request: Request) -> list[tuple[str, Form]]:
    """The path's parameters that are the function's; of one that takes the request others stand only there."""
    return [(name, taken.forms[name]) for name in request.path_parameters if name in taken.names]


def _query(taken: Arguments, names: set[str], query: str) -> dict[str, Any]:
    texts: dict[str, list[str]] = {}
    for name, text in urls.pairs(query):
        if name in names or (taken.takes_more and name not in taken.names):
            texts.setdefault(name, []).append(text)
    return {name: _values(name, taken.form(name), each) for name, each in texts.items()}


def _values(name: str, form: Form, texts: Sequence[str]) -> Any:
    """A list where the parameter is one, else the one value."""
    items = _items(form)
    if items:
        return [_value(name, items[min(index, len(items) - 1)], text) for index, text in enumerate(texts)]
    if len(texts) > 1:
        raise Malformed(f"parameter {name!r} is given {len(texts)} times")
    return _value(name, form, texts[0])


def _items(form: Form) -> list[Form]:
    """The forms of a list's items, the last one for all that follow; [] for what is no list."""
    for member in form.members or (form,):
        shape = member.shape
        if isinstance(shape, list) and shape[0] in _MANY:
            return [item for item in shape[1:] if isinstance(item, Form)]
    return []


def _value(name: str, form: Form, text: str) -> Any:
    """What JSON has for it: the text, or what the text is as JSON."""
    try:
        form.unpack(text)
    except (TypeError, ValueError) as error:
        reason = str(error)
    else:
        return text
    try:
        value = _written(text)
        form.unpack(value)
    except (TypeError, ValueError, RecursionError):
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise Malformed(f"parameter {name!r} cannot be {shown!r}: {reason}") from None
    return value


def _written(text: str) -> Any:
    if text != text.strip():
        raise ValueError("space around it")
    return json_text.read(text, is_exact=True)


def _body(request: Request, elsewhere: set[str]) -> dict[str, Any]:
    """The object in the body; an absent one is empty. `elsewhere` are the names that do not come in it."""
    if not request.body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedEncoding(f"the body must be JSON (application/json), not {kind or 'of no content type'}")
    given = _object(request.body)
    for name in given:
        if name in elsewhere:
            raise Malformed(f"parameter {name!r} does not come in the body")
    return given


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = json_text.read(body.decode(), is_exact=True)
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON") from None
    if not isinstance(given, dict):
        raise Malformed("the body must be a JSON object: parameters by their names")
    if not is_within_limits(given) or (b"\\u" in body.lower() and not _is_text(given)):
        raise Malformed("the body nests too deep, holds too much, or has half a character")
    return given


def _is_text(given: Mapping[str, Any]) -> bool:
    """Whether no text in it holds a lone surrogate, which only an escape can bring."""
    try:
        pack(to_wire(given))
    except (Misfit, UnicodeEncodeError):
        return False
    return True
