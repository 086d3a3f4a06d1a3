"""A function's parameters, read from its code object: importing inspect costs a cold start 6 ms."""

from __future__ import annotations

from _thread import RLock

from hyfn.wire.annotation import CannotTravel, Forms, Scope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import Any

    from hyfn.wire.codec import Arguments, Result
    from hyfn.wire.form import Form

_VARARGS, _VARKEYWORDS, _GENERATOR, _ASYNC_GENERATOR = 0x04, 0x08, 0x20, 0x200
_STREAMS = frozenset(("Iterator", "Iterable", "Generator", "AsyncIterator", "AsyncIterable", "AsyncGenerator"))
_MAKING = RLock()
"""Held while forms are made: another thread would take a half-made one for a type that contains itself."""
POSITIONAL_ONLY, POSITIONAL_OR_KEYWORD, VAR_POSITIONAL, KEYWORD_ONLY, VAR_KEYWORD = range(5)


class Signature:
    """`names` are the parameters in order: positional, keyword-only, then *args and **kwargs.

    `variable` and `keywords` are the names of those two, or "". `is_plain`: called by position alone, with all of
    them given, a call needs no further check. `arguments` and `returned` are the codec's, kept here once made.
    """

    __slots__ = (
        "_forms",
        "_inner",
        "_parameters",
        "_result",
        "annotations",
        "arguments",
        "function",
        "is_plain",
        "is_stream",
        "keyword_only",
        "keywords",
        "names",
        "positional",
        "positional_only",
        "returned",
        "title",
        "variable",
    )

    def __init__(self, function: Callable[..., Any], is_json: bool = False) -> None:
        inner = _unwrapped(function)
        code = inner.__code__
        self._forms = Forms(is_json)
        self._parameters: dict[str, Form] | None = None
        self._result: Form | None = None
        self.arguments: Arguments | None = None
        self.returned: Result | None = None
        self.function = function
        self._inner = inner
        self.title = function.__qualname__
        self.positional, self.positional_only = code.co_argcount, code.co_posonlyargcount
        self.keyword_only = code.co_kwonlyargcount
        end = self.positional + self.keyword_only
        names = list(code.co_varnames[:end])
        self.variable = self.keywords = ""
        if code.co_flags & _VARARGS:
            self.variable = code.co_varnames[end]
            names.append(self.variable)
            end += 1
        if code.co_flags & _VARKEYWORDS:
            self.keywords = code.co_varnames[end]
            names.append(self.keywords)
        self.names = names
        self.is_plain = len(self.required_keywords()) == 0
        self.is_stream = bool(code.co_flags & (_GENERATOR | _ASYNC_GENERATOR))
        self.annotations = _annotations(inner)

    def defaulted(self) -> frozenset[str]:
        """The parameters that have a default."""
        positional = self.names[: self.positional]
        count = len(self._inner.__defaults__ or ())
        keyword: Iterable[str] = self._inner.__kwdefaults__ or ()
        return frozenset((*positional[len(positional) - count :], *keyword))

    def required_keywords(self) -> frozenset[str]:
        names = self.names[self.positional : self.positional + self.keyword_only]
        return frozenset(names) - self.defaulted()

    def kind(self, name: str) -> int:
        """One of POSITIONAL_ONLY … VAR_KEYWORD, in inspect's order."""
        if name == self.variable:
            return VAR_POSITIONAL
        if name == self.keywords:
            return VAR_KEYWORD
        index = self.names.index(name)
        if index < self.positional_only:
            return POSITIONAL_ONLY
        return POSITIONAL_OR_KEYWORD if index < self.positional else KEYWORD_ONLY

    def _scope(self) -> Scope:
        parameters = getattr(self._inner, "__type_params__", ())
        return Scope(
            self._inner.__globals__,
            {parameter.__name__: parameter for parameter in parameters},
        )

    @property
    def parameters(self) -> dict[str, Form]:
        """The form of each parameter (of *args and **kwargs: of each item). Raises TypeError naming the parameter."""
        if self._parameters is None:
            with _MAKING:
                scope = self._scope()
                self._parameters = {name: self._parameter(name, scope) for name in self.names}
        return self._parameters

    def _parameter(self, name: str, scope: Scope) -> Form:
        return self._form(f"parameter {name!r}", self.annotations.get(name, object), scope)

    @property
    def result(self) -> Form:
        """The form of the result, of a generator of each item. Raises TypeError naming the function."""
        if self._result is None:
            with _MAKING:
                self._result = self._form("result", self.annotations.get("return", object), self._scope())
        return self._result

    def _form(self, what: str, annotation: Any, scope: Scope) -> Form:
        place = f"{self.function.__module__}:{self.title}: {what}"
        try:
            is_item = self.is_stream and what == "result"
            return self._forms.of(self._item(annotation, scope) if is_item else annotation, scope)
        except CannotTravel as error:
            raise CannotTravel(f"{place}: {error}") from None
        except Exception as error:
            raise CannotTravel(f"{place}: its type cannot be read: {type(error).__name__}: {error}") from error

    def _item(self, annotation: Any, scope: Scope) -> Any:
        while isinstance(annotation, str):
            annotation = scope.evaluate(annotation)
        origin = getattr(annotation, "__origin__", annotation)
        args = getattr(annotation, "__args__", ())
        return args[0] if args and getattr(origin, "__name__", "") in _STREAMS else object

    def form_names(self, count: int) -> list[str]:
        """The parameter that each of `count` positional arguments is for."""
        names = self.names[: self.positional]
        return names[:count] + [self.variable] * (count - len(names))

    def check(self, args: Collection[Any], kwargs: Mapping[str, Any]) -> None:
        """Raise the TypeError of a plain call unless these arguments bind."""
        count = len(args)
        by_keyword = self.names[self.positional_only : self.positional + self.keyword_only]
        taken = set(self.names[self.positional_only : min(count, self.positional)])
        missing = (set(self.names[min(count, self.positional) : self.positional]) - self.defaulted()) | set(
            self.required_keywords()
        )
        fits = (
            (count <= self.positional or self.variable)
            and not (taken & kwargs.keys())
            and (self.keywords or kwargs.keys() <= set(by_keyword))
            and missing <= kwargs.keys() & set(by_keyword)
        )
        if not fits or not all(type(name) is str for name in kwargs):
            self._call_empty(args, kwargs)

    def _call_empty(self, args: Collection[Any], kwargs: Mapping[str, Any]) -> None:
        """Call a function that has only the signature, so that Python itself says what is wrong."""
        names, defaulted = self.names, self.defaulted()
        written = [f"{name}=None" if name in defaulted else name for name in names]
        positional, keyword = written[: self.positional], written[self.positional :][: self.keyword_only]
        if self.positional_only:
            positional.insert(self.positional_only, "/")
        star = [f"*{self.variable}"] if self.variable or self.keyword_only else []
        double = [f"**{self.keywords}"] if self.keywords else []
        namespace: dict[str, Any] = {}
        exec(f"def empty({', '.join(positional + star + keyword + double)}): pass", namespace)  # noqa: S102
        namespace["empty"].__qualname__ = self.title
        namespace["empty"](*args, **kwargs)
        raise TypeError(f"{self.title}() takes other arguments")


def signature(function: Callable[..., Any]) -> Signature:
    """The Signature of a plain Python function, made once."""
    found: Signature | None = function.__dict__.get("__hyfn_signature__")
    if found is None or found.function is not function:  # functools.wraps copies what a function carries
        found = function.__dict__["__hyfn_signature__"] = Signature(function)
    return found


def _unwrapped(function: Callable[..., Any]) -> Any:
    """The function that a user's own decorators wrap (functools.wraps): its signature is the one written."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def _annotations(function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return function.__annotations__
    except NameError as error:
        raise CannotTravel(
            f"{function.__module__}:{function.__qualname__}: {error.name!r} is not defined when the program runs"
            " (a name imported only under TYPE_CHECKING cannot be used here)"
        ) from None
