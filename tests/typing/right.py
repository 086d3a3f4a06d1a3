"""What a user may write. Read by mypy --strict and by pyright in strict mode, never run: no line may be an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, assert_type

import hyfn
from hyfn import AsyncFunction, Blob, Call, Event, Function, Mapped, aws, azure, gcp, knative, local, on, openshift


@dataclass
class Invoice:
    id: str
    text: str


# The forms of a decorator.


@aws
def bare(page: bytes) -> str:
    return page.decode()


@aws()
def called_without_options(page: bytes) -> str:
    return page.decode()


@aws(region="eu-west-1", memory=1024, timeout=30, architecture="arm64", idempotent=True, env={"A": "b"}, calls=["bare"])
def called(page: bytes, *, language: str = "en") -> str:
    return page.decode() + language


@azure(region="westeurope")
async def asynchronous(id: str, page: bytes) -> Invoice:
    return Invoice(id, await bare.aio(page))


@knative(min_instances=0)
async def bare_asynchronous(id: str) -> Invoice | None:
    return Invoice(id, "")


@gcp
@aws(memory=256)
@openshift
def stacked(invoice: Invoice) -> list[Invoice]:
    return [invoice]


@knative
@azure(region="westeurope")
async def stacked_asynchronous(n: int, /, *rest: int) -> int:
    return n + sum(rest)


@hyfn.local
def through_the_module(x: float = 0.5) -> None: ...


shared = aws(region="eu-central-1")


@shared
def with_shared_options(n: int) -> int:
    return n


assert_type(bare(b""), str)
assert_type(called_without_options(b""), str)
assert_type(called(b"", language="de"), str)
assert_type(stacked(Invoice("1", "")), list[Invoice])
assert_type(through_the_module(), None)
assert_type(with_shared_options(1), int)


def a_function_is_a_function() -> None:
    plain: Function[[bytes], str] = bare
    later: AsyncFunction[[str, bytes], Invoice] = asynchronous
    as_any: Function[..., Any] = asynchronous
    assert_type(plain(b""), str)
    assert_type(later.spawn("1", b""), Call[Invoice])
    assert_type(as_any.__name__ + bare.__qualname__, str)


# The verbs of a function that is not async.


def verbs() -> None:
    assert_type(bare.remote(b""), str)
    assert_type(bare.local(page=b""), str)
    coroutine: Coroutine[Any, Any, str] = bare.aio(b"")
    coroutine.close()
    assert_type(called.options(timeout=5)(b"", language="fr"), str)
    assert_type(called.options(timeout=0.5).options().spawn(b""), Call[str])

    call = stacked.spawn(Invoice("1", ""))
    assert_type(call, Call[list[Invoice]])
    assert_type(call.result(), list[Invoice])
    assert_type(call.result(timeout=60), list[Invoice])
    assert_type(call.exception(timeout=1), BaseException | None)
    assert_type(call.done(), bool)
    assert_type(call.cancel(), bool)
    assert_type(call.id, str)

    assert_type(bare.map([b"", b""]), Mapped[str])
    assert_type(iter(bare.map([b""])), Iterator[str])
    assert_type(list(bare.map((b"", b""), ordered=False, concurrency=8)), list[str])
    assert_type(list(bare.map([b""], return_exceptions=True)), list[str | BaseException])
    assert_type(list(with_shared_options.starmap([(1,), (2,)])), list[int])
    assert_type(list(with_shared_options.starmap([(1,)], return_exceptions=True)), list[int | BaseException])


# The verbs inside a coroutine, and those of an async function.


async def verbs_awaited() -> None:
    assert_type(await bare.aio(b""), str)
    assert_type(await bare.spawn(b""), str)
    assert_type(await asynchronous("1", b""), Invoice)
    assert_type(await asynchronous.remote("1", page=b""), Invoice)
    assert_type(await asynchronous.local("1", b""), Invoice)
    assert_type(await asynchronous.aio("1", b""), Invoice)
    assert_type(await asynchronous.options(timeout=1)("1", b""), Invoice)
    assert_type(await bare_asynchronous("1"), Invoice | None)
    assert_type(await stacked_asynchronous(1, 2, 3), int)
    assert_type(asynchronous.spawn("1", b"").result(), Invoice)
    assert_type(await asynchronous.spawn("1", b""), Invoice)
    assert_type([text async for text in bare.map([b""])], list[str])
    assert_type(aiter(stacked_asynchronous.map([1], [2])), AsyncIterator[int])
    both = await asyncio.gather(bare.aio(b""), asynchronous("1", b""))
    assert_type(both, tuple[str, Invoice])


def a_script_may_run_an_async_function() -> None:
    assert_type(asyncio.run(asynchronous("1", b"")), Invoice)


# Contexts and errors.


def a_local_context() -> None:
    with local():
        assert_type(bare(b""), str)
    with hyfn.local():
        assert_type(list(bare.map([b""])), list[str])


def errors() -> None:
    try:
        bare(b"")
    except hyfn.NotShipped as error:
        assert_type(error.hint, str | None)
    except hyfn.RemoteError as error:
        assert_type(error.remote_type, str)
    except (hyfn.DeadlineExceeded, hyfn.OutcomeUnknown, hyfn.TooLarge, hyfn.Unavailable, hyfn.Forbidden) as error:
        assert_type(error.executed, int)
    except TimeoutError:
        pass
    except hyfn.CallError as error:
        assert_type(error.code, str)
    except hyfn.HyfnError as error:
        assert_type(error.where, str | None)


# Triggers leave a function as it is, on either side of its platform.


@azure
@on.blob("invoices", prefix="in/")
def stored(event: Event[Blob]) -> str:
    return assert_type(event.data, Blob).name


@on.queue("invoices", batch=5)
@aws
async def queued(events: list[Event[Invoice]]) -> int:
    return sum(len(event.data.text) for event in events)


@knative
@on.http
def posted(n: int) -> int:
    return n


@knative
@on.http("/numbers/{n}", methods=["GET"])
def asked(n: int) -> int:
    return n


async def triggers() -> None:
    happened = Event("dev.hyfn.blob.created", "/blob/invoices", Blob("invoices", "in/a.pdf"), id="1")
    assert_type(happened, Event[Blob])
    assert_type(stored(happened), str)
    assert_type(await queued([]), int)
    assert_type(posted(1), int)
    assert_type(asked(n=1), int)
