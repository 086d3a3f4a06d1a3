"""What wakes a function besides a call. Each stands as a decorator beside the platform's; the build reads it.

    @azure
    @on.blob("invoices", prefix="in/")
    def ingest(event: Event[Blob]) -> None: ...

A function takes the event itself (`Event[T]`, its data converted to T), or its data's fields by name. With `batch`, a
parameter of the type `list[Event[T]]` takes all of a batch at once; otherwise each event is a call of its own. Either
way one that fails is told to the platform by itself, as far as the platform has a way; `hyfn.PartialFailure` says which
of a list failed.

When a module is imported, nothing happens here: a platform's trigger is set up from what the build has read.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Literal, TypeVar, overload

    F = TypeVar("F", bound=Callable[..., Any])
else:

    def overload(function: object) -> object:
        return function


class Trigger:
    """What `on.…(…)` gives: it leaves the function as it is."""

    __slots__ = ()

    def __call__(self, function: F, /) -> F:
        return function


_TRIGGER = Trigger()


@overload
def http(path: F, /) -> F: ...


@overload
def http(
    path: str = "/",
    *,
    methods: Sequence[str] = ("POST",),
    mount: Literal["", "asgi", "wsgi"] = "",
) -> Trigger: ...


def http(path: Any = "/", *, methods: Sequence[str] = ("POST",), mount: str = "") -> Any:
    """HTTP requests of anybody, without hyfn's own protocol: people, browsers, other languages.

    `path` may hold parameters: "/orders/{id}", and "{rest...}" at its end for all that follows. They, the query (of
    GET, HEAD, DELETE and OPTIONS) or the JSON object of the body (of all other methods) become the function's
    parameters, by name and converted to their types; a parameter of the type `hyfn.Request` gets the request itself.
    What is returned is sent as JSON, a `hyfn.Response` as it is. `mount`: the function takes nothing and returns an
    ASGI or WSGI application, once at start, which gets every request below `path`, whatever its method.
    """
    return path if callable(path) else _TRIGGER


def schedule(when: str, *, timezone: str = "UTC") -> Trigger:
    """At set times. `when` is a cron expression of five fields ("0 6 * * 1-5": minute, hour, day of the month, month,
    day of the week, 0 is Sunday) or a rate ("every 5 minutes", minute(s), hour(s) or day(s)); `timezone` is a name of
    the IANA database."""
    return _TRIGGER


def blob(
    container: str,
    *,
    prefix: str = "",
    suffix: str = "",
    change: Literal["created", "deleted"] = "created",
    connection: str = "",
) -> Trigger:
    """A file that was written to, or deleted from, a container (a bucket) of the platform's store, if its name begins
    with `prefix` and ends in `suffix`. `connection` names the setting by which the platform reaches the store, where it
    wants one; it is no secret."""
    return _TRIGGER


def queue(name: str, *, batch: int = 1, connection: str = "") -> Trigger:
    """Messages of a queue, `batch` at most at a time. `connection`: see `blob`."""
    return _TRIGGER


def topic(name: str, *, connection: str = "") -> Trigger:
    """Messages of a topic, each given to everyone who subscribes. `connection`: see `blob`."""
    return _TRIGGER


def stream(
    name: str,
    *,
    batch: int = 100,
    start: Literal["latest", "earliest"] = "latest",
    via: Literal["platform", "kafka"] = "platform",
    connection: str = "",
) -> Trigger:
    """Records of a stream, in order within a partition, `batch` at most at a time. `via` is the platform's own kind of
    stream, or Kafka. A record that fails stops its partition: the platform delivers it and what follows again.
    `connection`: see `blob`; of Kafka its bootstrap servers ("host:port, ...") or the setting that holds them."""
    return _TRIGGER


def event(type: str, *, source: str = "") -> Trigger:
    """CloudEvents of one type, from one source if it is given, as the platform's own event bus has them."""
    return _TRIGGER


KINDS = ("http", "schedule", "blob", "queue", "topic", "stream", "event")
