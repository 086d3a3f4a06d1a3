"""From an annotation to its Form. Imports no typing: whoever annotates with one of typing's has imported it."""

from __future__ import annotations

import builtins
import sys

from hyfn.wire.builtin import LEAVES, collection, fixed_tuple, mapping
from hyfn.wire.form import Form
from hyfn.wire.table import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_UNION = type(int | str)
_GENERIC = type(list[int])
_EVENTS = "hyfn.event"
_REQUESTS = "hyfn.request"


class CannotTravel(TypeError):
    """No value of this annotation can be sent."""


class Scope:
    """Where an annotation's names are looked up. `bound` gives type variables their meaning."""

    __slots__ = ("bound", "globals", "locals")

    def __init__(
        self, names: dict[str, Any], local: Mapping[str, Any] | None = None, bound: Mapping[Any, Any] | None = None
    ) -> None:
        self.globals = names
        self.locals = local or {}
        self.bound = bound or {}

    def evaluate(self, text: str) -> Any:
        """The object that the source text of an annotation stands for. Raises CannotTravel."""
        for names in (self.locals, self.globals, vars(builtins)):
            if text in names:
                return names[text]
        try:
            return eval(text, self.globals, dict(self.locals))  # noqa: S307  (the function's own source text)
        except NameError as error:
            raise CannotTravel(
                f"{error.name or text!r} in {text!r} is not defined when the program runs"
                " (a name imported only under TYPE_CHECKING cannot be used here)"
            ) from None
        except Exception as error:  # noqa: BLE001  (whatever the expression raises)
            raise CannotTravel(f"{text!r} cannot be evaluated: {type(error).__name__}: {error}") from None


class Forms:
    """Makes the Forms of one function. `is_json`: they read values as JSON has them."""

    def __init__(self, is_json: bool = False) -> None:
        self.is_json = is_json
        self.known: dict[object, Form] = {}

    def of(self, annotation: Any, scope: Scope) -> Form:
        """Raises CannotTravel."""
        kind = type(annotation)
        if kind is str:
            return self.of(scope.evaluate(annotation), scope)
        if annotation is None:
            annotation, kind = type(None), type
        if kind is type and annotation in LEAVES:
            return self._json_leaf(LEAVES[annotation]) if self.is_json else LEAVES[annotation]
        if annotation is object or annotation is getattr(sys.modules.get("typing"), "Any", object):
            return ANY
        if kind is _UNION:
            return self._union(annotation.__args__, scope)
        if kind is _GENERIC or not isinstance(annotation, type) or hasattr(annotation, "__origin__"):
            return self._special(annotation, scope)
        return self._class(annotation, scope, {})

    def _json_leaf(self, leaf: Form) -> Form:
        from hyfn.wire import from_json

        return from_json.leaf(leaf)

    def _union(self, annotations: tuple[Any, ...], scope: Scope) -> Form:
        from hyfn.wire import choice

        return choice.union([self.of(annotation, scope) for annotation in annotations], self.is_json)

    def _special(self, annotation: Any, scope: Scope) -> Form:
        """An annotation that is no plain class: a generic one, or one of typing's."""
        bound = _bind(annotation, scope)
        if bound is not annotation:
            return self.of(bound, scope)
        origin = getattr(annotation, "__origin__", None)
        if isinstance(origin, type) and not hasattr(annotation, "__metadata__"):
            return self._generic(annotation, origin, scope)
        from hyfn.wire import special

        return special.of(self, annotation, scope)

    def _generic(self, annotation: Any, origin: type, scope: Scope) -> Form:
        args = getattr(annotation, "__args__", ())
        if origin is tuple and hasattr(annotation, "__args__"):
            return self._tuple(args, scope)
        container = self.container(origin, args, scope)
        if container is not None:
            return container
        if origin.__module__ == _EVENTS:
            return self._event(origin, args, scope)
        if origin.__module__ == "numpy":
            from hyfn.wire import array

            return array.form(origin, args, self.is_json)
        variables = getattr(origin, "__parameters__", ())
        bound = dict(zip(variables, args, strict=False)) if isinstance(variables, tuple) else {}
        return self._class(origin, scope, bound, annotation)

    def _tuple(self, args: tuple[Any, ...], scope: Scope) -> Form:
        if len(args) == 2 and args[1] is Ellipsis:
            return collection("tuple", (tuple,), self.of(args[0], scope), tuple)
        return fixed_tuple([] if args == ((),) else [self.of(arg, scope) for arg in args])

    def container(self, origin: type, args: tuple[Any, ...], scope: Scope) -> Form | None:
        """The form of a container class, its items typed by `args` or untyped; None for any other class."""
        if origin is dict:
            key, value = args or (object, object)
            return self.mapping("dict", (dict,), key, value, None, scope)
        build = _BUILTIN_COLLECTIONS.get(origin)
        if build is not None:
            name, make = build
            return collection(name, (origin,), self.item(args, scope), make)
        if origin.__module__ in ("collections", "collections.abc", "contextlib"):
            from hyfn.wire import special

            return special.container(self, origin, args, scope)
        return None

    def item(self, args: tuple[Any, ...], scope: Scope) -> Form:
        return self.of(args[0] if args else object, scope)

    def mapping(
        self, name: str, accepts: tuple[type, ...], key: Any, value: Any, build: type | None, scope: Scope
    ) -> Form:
        key_form, value_form = self.of(key, scope), self.of(value, scope)
        if self.is_json:
            from hyfn.wire import from_json

            return from_json.mapping(name, accepts, key_form, value_form, build)
        return mapping(name, accepts, key_form, value_form, build)

    def _class(self, cls: type, scope: Scope, bound: Mapping[Any, Any], key: object = None) -> Form:
        """The form of a class. `bound` are the arguments of a generic one, `key` its annotation then."""
        container = self.container(cls, (), scope)
        if container is not None:
            return container
        known = self.known.get(key or cls)
        if known is not None:
            return known
        if cls.__module__ == _EVENTS:
            return self._event(cls, (), scope)
        if cls.__module__ == _REQUESTS:
            return self._visit(cls)
        given = {variable: _in_scope(value, scope) for variable, value in bound.items()}
        return self.make(key or cls, Form(cls.__qualname__, (cls,)), lambda form: self._fill(form, cls, given))

    def _event(self, cls: type, args: tuple[Any, ...], scope: Scope) -> Form:
        from hyfn.wire import cloudevent

        return cloudevent.of(self, cls, args, scope)

    def _visit(self, cls: type) -> Form:
        from hyfn.wire import visit

        return visit.of(cls)

    def make(self, key: object, form: Form, fill: Callable[[Form], Form]) -> Form:
        """Let `fill` make `form`, which is found by `key` meanwhile, for a type that contains itself."""
        self.known[key] = form
        try:
            made = self.known[key] = fill(form)
        except CannotTravel:
            del self.known[key]
            raise
        return made

    def _fill(self, form: Form, cls: type, bound: Mapping[Any, Any]) -> Form:
        if hasattr(cls, "__dataclass_fields__"):
            from hyfn.wire import record

            return record.of_dataclass(self, form, cls, bound)
        from hyfn.wire import classes

        return classes.fill(self, form, cls, bound)


_BUILTIN_COLLECTIONS: dict[type, tuple[str, Callable[[list[Any]], Any] | None]] = {
    list: ("list", None),
    set: ("set", set),
    frozenset: ("frozenset", frozenset),
    tuple: ("tuple", tuple),
}


def _in_scope(annotation: Any, scope: Scope) -> Any:
    """A generic class's argument, evaluated where it is written: the class may stand in another module."""
    return scope.evaluate(annotation) if isinstance(annotation, str) else annotation


def _bind(annotation: Any, scope: Scope) -> Any:
    """`annotation` with the scope's type variables replaced by what they are bound to."""
    if not scope.bound:
        return annotation
    if annotation in scope.bound:
        return scope.bound[annotation]
    variables = getattr(annotation, "__parameters__", ())
    if isinstance(variables, tuple) and any(variable in scope.bound for variable in variables):
        return annotation[tuple(scope.bound.get(variable, variable) for variable in variables)]
    return annotation


def module_names(cls: type) -> dict[str, Any]:
    module = sys.modules.get(cls.__module__)
    return vars(module) if module is not None else {}
