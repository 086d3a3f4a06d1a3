"""What `hyfn.on` says of a function: its triggers, and what in them is wrong whatever the platform."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from hyfn import on
from hyfn.discover import schedules
from hyfn.discover.signature import Function, arguments
from hyfn.errors import SourceError
from hyfn.model import Place, Trigger

BATCHES = ("queue", "stream")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATH = re.compile(r"/(?:[^{}?#\s]|\{[a-zA-Z_]\w*\})*(?:\{[a-zA-Z_]\w*\.\.\.\})?", re.ASCII)
SEGMENT = re.compile(r"[^{}]*|\{\w+(?:\.\.\.)?\}")
PARAMETER = re.compile(r"\{(\w+)(?:\.\.\.)?\}")
NAMES = re.compile(r"\bEvent\b")
MAX_BATCH = 10_000
"""The most that any platform hands over at once: Kinesis to AWS Lambda
(https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html)."""


UNREAD = object()
"""Stands for an option that something is wrong with, which has been said."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A function of hyfn.on, as discovery sees a decorator."""

    name: str
    accepts: Callable[..., Any]
    cloud: str = ""

    @property
    def kind(self) -> str:
        return self.name.partition(".")[2]

    @property
    def by_position(self) -> int:
        """How many options may be given without their names: the first."""
        return 1


TRIGGERS: Mapping[str, Any] = {f"hyfn.on.{kind}": Kind(f"on.{kind}", getattr(on, kind)) for kind in on.KINDS}


def made(
    function: Function, platform: Any, given: Mapping[str, Any], place: Place
) -> tuple[Trigger | None, list[SourceError]]:
    """The trigger that stands at `place`, None where it has not all that it needs, and everything wrong with it."""
    kind: Kind = platform
    parameters = inspect.signature(kind.accepts).parameters
    options = {name: given.get(name, parameter.default) for name, parameter in parameters.items()}
    if UNREAD in options.values():
        return None, []
    missing = [name for name, value in options.items() if value is inspect.Parameter.empty]
    if missing:
        return None, [_error(f"@{kind.name} needs {missing[0]}", place, f'@{kind.name}("...")')]
    trigger = Trigger(kind.kind, options, place)
    return trigger, [_error(message, place, hint) for message, hint in _wrong(trigger, function)]


def is_batch(function: Function) -> bool:
    """Whether it takes all events of a batch at once."""
    return any(_is_list(argument.annotation) for argument, _, _ in arguments(function))


Wrong = Iterator[tuple[str, str]]


def _wrong(trigger: Trigger, function: Function) -> Wrong:
    if not isinstance(trigger.resource, str) or not trigger.resource.strip():
        yield f"@on.{trigger.kind} needs to know of what", f'@on.{trigger.kind}("...")'
        return
    yield from {"http": _http, "schedule": _schedule}.get(trigger.kind, _event)(trigger, function)


def _http(trigger: Trigger, function: Function) -> Wrong:
    path, mount = trigger.options["path"], trigger.options["mount"]
    if not PATH.fullmatch(str(path)) or not all(map(SEGMENT.fullmatch, str(path).split("/"))):
        hint = 'such as "/orders/{id}", and "{rest...}" only at its end'
        yield f"{path!r} is no path", hint
        return
    wrong = [method for method in trigger.options["methods"] if method not in METHODS]
    if wrong or not trigger.options["methods"]:
        yield f"HTTP has no method {wrong[0] if wrong else ''!r}", f"methods are {', '.join(METHODS)}"
    named = PARAMETER.findall(str(path))
    known = [argument.arg for argument, _, _ in arguments(function)]
    if mount:
        yield from _mounted(function, known, named)
    if not mount and not _takes_request(function):
        for name in named:
            if name not in known:
                yield (
                    f"the path has {{{name}}}, which {function.name} does not take",
                    f"def {function.name}({name}: str)",
                )


def _mounted(function: Function, known: Sequence[str], named: Sequence[str]) -> Wrong:
    if known or isinstance(function, ast.AsyncFunctionDef):
        said = f"{function.name} mounts an application: it is a plain def without parameters"
        yield said, f"def {function.name}() returns it"
    if named:
        yield f"{{{named[0]}}} stands in the path of an application", "it reads the paths below its own itself"


def _takes_request(function: Function) -> bool:
    return any(_text(argument.annotation).endswith("Request") for argument, _, _ in arguments(function))


def _schedule(trigger: Trigger, function: Function) -> Wrong:
    try:
        schedules.read(str(trigger.options["when"]))
    except ValueError as error:
        yield str(error), '"0 6 * * 1-5" (minute, hour, day, month, weekday) or "every 5 minutes"'
    zone = trigger.options["timezone"]
    if zone != "UTC" and zone not in available_timezones():
        yield f"no time zone is called {zone!r}", 'such as "Europe/Berlin"'
    for argument, _, default in arguments(function):
        if not _names_event(argument.annotation) and default is None:
            yield (
                f"{argument.arg} of {function.name} gets no value on a schedule",
                "give it a default, or take an Event",
            )


def _event(trigger: Trigger, function: Function) -> Wrong:
    batch = trigger.options.get("batch")
    if batch is not None and not 1 <= batch <= MAX_BATCH:
        yield f"a batch is 1 to {MAX_BATCH} events, not {batch}", "leave batch= out"
    takes = [argument for argument, _, _ in arguments(function) if _names_event(argument.annotation)]
    others = [argument.arg for argument, _, default in arguments(function) if argument not in takes and default is None]
    if len(takes) > 1:
        yield f"{function.name} takes {len(takes)} events", "take one event, or a list of them"
    if takes and others:
        yield f"{others[0]} of {function.name} gets no value from an event", "give it a default"
    if takes and _is_list(takes[0].annotation) and trigger.kind not in BATCHES:
        yield f"@on.{trigger.kind} brings one event at a time", f"def {function.name}({takes[0].arg}: Event[...])"


def _names_event(annotation: ast.expr | None) -> bool:
    return bool(NAMES.search(_text(annotation)))


def _is_list(annotation: ast.expr | None) -> bool:
    return _names_event(annotation) and re.match(r"(\w+\.)*(list|List|Sequence)\[", _text(annotation)) is not None


def _text(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return "" if annotation is None else ast.unparse(annotation)


def _error(message: str, place: Place, hint: str) -> SourceError:
    return SourceError(message, where=str(place), hint=hint)
