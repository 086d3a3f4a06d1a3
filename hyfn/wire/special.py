"""Annotations of typing and collections.abc. Asked by name, so that typing's and typing_extensions' are alike."""

from __future__ import annotations

import collections
import collections.abc as abc

from hyfn.wire import choice
from hyfn.wire.annotation import CannotTravel, Scope, module_names
from hyfn.wire.builtin import collection
from hyfn.wire.form import Form, Misfit
from hyfn.wire.table import ANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hyfn.wire.annotation import Forms

_WRAPPERS = frozenset(("Required", "NotRequired", "ReadOnly", "Final", "ClassVar"))
_LISTS = (abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable, abc.Reversible)
_SETS = (abc.Set, abc.MutableSet)
_DICTS = (abc.Mapping, abc.MutableMapping)
_EXACT_DICTS = (collections.OrderedDict, collections.Counter)


def of(forms: Forms, annotation: Any, scope: Scope) -> Form:
    """The form of one of typing's annotations. Raises CannotTravel."""
    kind, origin = type(annotation).__name__, getattr(annotation, "__origin__", None)
    if hasattr(annotation, "__metadata__"):
        return forms.of(origin, scope)
    if kind == "ForwardRef":
        return forms.of(annotation.__forward_arg__, _scope_of_reference(annotation, scope))
    if kind == "NewType":
        return forms.of(annotation.__supertype__, scope)
    if kind == "TypeVar":
        return _variable(forms, annotation, scope)
    if kind == "TypeAliasType" or type(origin).__name__ == "TypeAliasType":
        return _alias(forms, annotation, scope)
    return _named(forms, annotation, origin, scope)


def _named(forms: Forms, annotation: Any, origin: Any, scope: Scope) -> Form:
    name = getattr(origin, "_name", None) or getattr(annotation, "_name", None)
    args = getattr(annotation, "__args__", ())
    if name in ("Union", "Optional") and args:
        return choice.union([forms.of(arg, scope) for arg in args], forms.is_json)
    if name == "Literal" and args:
        return choice.literal(args)
    if name in _WRAPPERS and args:
        return forms.of(args[0], scope)
    if name == "LiteralString":
        return forms.of(str, scope)
    if name in ("Never", "NoReturn"):
        return _never()
    raise CannotTravel(f"a value annotated {str(annotation).removeprefix('typing.')} cannot travel")


def _scope_of_reference(reference: Any, scope: Scope) -> Scope:
    module = getattr(reference, "__forward_module__", None)
    if module is None:
        return scope
    names = module_names(type("", (), {"__module__": module})) if isinstance(module, str) else vars(module)
    return Scope(names, scope.locals, scope.bound)


def _variable(forms: Forms, variable: Any, scope: Scope) -> Form:
    """A type variable that nothing binds: whatever it may be."""
    if variable.__constraints__:
        return choice.union([forms.of(kind, scope) for kind in variable.__constraints__], forms.is_json)
    return ANY if variable.__bound__ is None else forms.of(variable.__bound__, scope)


def _alias(forms: Forms, annotation: Any, scope: Scope) -> Form:
    known = forms.known.get(annotation)
    if known is not None:
        return known
    alias = getattr(annotation, "__origin__", annotation)
    args = getattr(annotation, "__args__", ()) if alias is not annotation else ()
    bound = {**scope.bound, **dict(zip(alias.__type_params__, args, strict=False))}

    def fill(form: Form) -> Form:
        target = forms.of(alias.__value__, Scope(module_names(alias), scope.locals, bound))
        if not form.is_deep:
            return target
        form.accepts, form.kinds, form.members, form.is_named = target.accepts, target.kinds, target.members, True
        return form.ready(target.shape, target.pack, target.unpack)

    return forms.make(annotation, Form(alias.__name__), fill)


def _never() -> Form:
    def refuse(value: object) -> object:
        raise Misfit("nothing at all", value)

    return Form("Never").ready("never", refuse, refuse)


def container(forms: Forms, origin: type, args: tuple[Any, ...], scope: Scope) -> Form | None:
    """The form of a container class of collections or collections.abc, or None."""
    if origin in _LISTS:
        return collection("list", (origin,), forms.item(args, scope), None)
    if origin in _SETS:
        return collection("set", (origin,), forms.item(args, scope), set)
    if origin in _DICTS:
        key, value = args or (object, object)
        return forms.mapping("dict", (origin,), key, value, None, scope)
    if origin is collections.deque:
        return collection("deque", (origin,), forms.item(args, scope), collections.deque)
    if origin in _EXACT_DICTS:
        key, value = args if len(args) == 2 else (*(args or (object,)), _second(origin))
        return forms.mapping(origin.__name__, (origin,), key, value, origin, scope)
    if origin is collections.defaultdict:
        raise CannotTravel("a defaultdict cannot travel: its factory stays behind (annotate dict)")
    return None


def _second(origin: type) -> type:
    return int if origin is collections.Counter else object
