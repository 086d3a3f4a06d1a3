"""What a user may not write. Every line that ends in the mark is an error to mypy and to pyright, and no other is."""

# ruff: noqa: B018, F401, I001

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import hyfn
from hyfn import AsyncFunction, Blob, Call, Event, Function, aws, azure, gcp, knative, local, on, openshift
from hyfn import lambdas  # error


@dataclass
class Invoice:
    id: str
    text: str


@aws(memory=1024)
def ocr(page: bytes, *, language: str = "en") -> str:
    return page.decode() + language


@gcp
def count(invoice: Invoice) -> int:
    return len(invoice.text)


@azure
async def ingest(id: str, page: bytes) -> Invoice:
    return Invoice(id, await ocr.aio(page))


@knative
@openshift
async def settle(n: int, /) -> int:
    return n


# Options.


@aws(memroy=1024)  # error
def misspelt_option(n: int) -> int:
    return n


@aws(memory="1024")  # error
def wrong_type_of_option(n: int) -> int:
    return n


@aws(env={"WORKERS": 4})  # error
def wrong_type_of_variable(n: int) -> int:
    return n


@aws(architecture="sparc")  # error
def wrong_choice_of_option(n: int) -> int:
    return n


@aws(min_instances=0)  # error
def an_option_of_another_platform(n: int) -> int:
    return n


@gcp(memroy=1024)  # error
def misspelt_option_on_gcp(n: int) -> int:
    return n


@azure(regoin="westeurope")  # error
async def misspelt_option_on_azure(n: int) -> int:
    return n


@knative(min_instances="none")  # error
def wrong_type_of_option_on_knative(n: int) -> int:
    return n


@openshift(memroy=1024)  # error
def misspelt_option_on_openshift(n: int) -> int:
    return n


@aws(idempotent="yes")  # error
def wrong_type_of_promise(n: int) -> int:
    return n


@aws(calls="ocr", timeout="1 minute")  # error
def wrong_type_of_timeout(n: int) -> int:
    return n


@aws("eu-west-1")  # error
def a_positional_option(n: int) -> int:
    return n


@hyfn.awz  # error
def unknown_platform(n: int) -> int:
    return n


@aws(memory=1024)(lambda page: page)  # error
def decorated_twice(n: int) -> int:
    return n


# Arguments.


def arguments() -> None:
    ocr("page")  # error
    ocr()  # error
    ocr(b"", b"")  # error
    ocr(b"", lang="en")  # error
    ocr(b"", language=3)  # error
    ocr.remote("page")  # error
    ocr.local("page")  # error
    ocr.spawn("page")  # error
    ocr.spawn()  # error
    ocr.options(timeout=5)("page")  # error
    ocr.options(timeout="5")  # error
    ocr.options(timeuot=5)  # error
    ocr.map(3)  # error
    ocr.map([b""], concurency=3)  # error
    ocr.map([b""], ordered="no")  # error
    ocr.starmap([3])  # error
    ocr.launch(b"")  # error
    count({"id": "1", "text": ""})  # error
    count(Invoice("1"))  # error


async def arguments_awaited() -> None:
    await ocr.aio("page")  # error
    await ocr.aio()  # error
    await ingest("1")  # error
    await ingest("1", "page")  # error
    await ingest(id=1, page=b"")  # error
    await ingest.aio("1")  # error
    await ingest.options(timeout=1)("1")  # error
    await settle(n=1)  # error


# Results.


def results() -> None:
    _number: int = ocr(b"")  # error
    _text: str = count(Invoice("1", ""))  # error
    _call: Call[int] = ocr.spawn(b"")  # error
    _value: int = ocr.spawn(b"").result()  # error
    _no_value: str = ocr.spawn(b"")  # error
    _items: list[int] = list(ocr.map([b""]))  # error
    _maybe: list[str] = list(ocr.map([b""], return_exceptions=True))  # error
    _first: str = ocr.map([b""])[0]  # error
    _rows: list[str] = list(count.starmap([(Invoice("1", ""),)]))  # error
    _local_value: int = ocr.local(b"")  # error
    _seconds: str = ocr.spawn(b"").exception()  # error
    ocr(b"").id  # error
    ocr.spawn(b"").wait()  # error
    ocr.spawn(b"").result("60")  # error
    _function: Function[[str], str] = ocr  # error
    _later: AsyncFunction[[bytes], str] = ocr  # error


# Async and not.


def not_awaited() -> None:
    _invoice: Invoice = ingest("1", b"")  # error
    ingest("1", b"").text  # error
    _text: str = ocr.aio(b"")  # error
    _far: Invoice = ingest.remote("1", b"")  # error
    asyncio.run(ocr(b""))  # error
    for _piece in ingest("1", b""):  # error
        pass


async def awaited() -> None:
    await ocr(b"")  # error
    await ocr.remote(b"")  # error
    _forgotten: Invoice = ingest("1", b"")  # error
    _wrong: str = await ingest("1", b"")  # error
    _number: int = await ocr.spawn(b"")  # error
    ingest("1", b"")  # error
    async for _text in ocr(b""):  # error
        pass
    async for text in ocr.map([b""]):
        _size: int = text  # error


async def a_result_of_another_type() -> int:
    return await ingest("1", b"")  # error


# The rest of the public names.


def names() -> None:
    with hyfn.aws():  # error
        pass
    with local:  # error
        pass
    raise hyfn.NotSent  # error


# Triggers.


@aws
@on.queue("orders", batches=3)  # error
def misspelt_option_of_a_trigger(event: Event[Invoice]) -> None: ...


@aws
@on.blob("invoices", change="moved")  # error
def wrong_choice_of_a_trigger(event: Event[Blob]) -> None: ...


@aws
@on.queue("orders")
def woken(event: Event[Invoice]) -> None: ...


woken(Event("type", "/source", "text", id="1"))  # error
