"""What Azure's packer writes and refuses, and how the functions host speaks HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hyfn.cloud import Caller, Emulator, Packer
from hyfn.clouds.azure import emulate, pack
from hyfn.clouds.azure.call import MAX_REQUEST, AzureCaller, caller
from hyfn.clouds.azure.pack import packer
from hyfn.clouds.azure.runtime import front
from hyfn.errors import BuildError, NoSuchFunction, OutcomeUnknown, TooLarge
from hyfn.model import FunctionSpec, Place, Signature, Staged, Target
from hyfn.wire.carrier import Endpoint, Request, Response

PLACE = Place("app.py", 7)


def _target(**options: object) -> Target:
    return Target("azure", "azure", options, PLACE)


def _function(name: str = "app:ingest", target: Target | None = None) -> FunctionSpec:
    module, _, qualname = name.partition(":")
    return FunctionSpec(name, module, qualname, PLACE, Signature((), None), None, False, [target or _target()])


def _staged(code: Mapping[str, bytes], name: str = "app:ingest", **options: object) -> Staged:
    target = _target(**options)
    own = {"hyfn/__init__.py": b"", "hyfn.json": b"{}"}
    function = _function(name, target)
    [runtime] = packer.runtimes(target)
    return Staged("shops", function, target, runtime, code, own, ["msgpack==1.1.1", "numpy==2.2.6"])


def _packed(staged: Staged) -> dict[str, str]:
    return {name: content.decode() for name, content in packer.tree(staged).files.items()}


def test_azure_has_all_that_a_cloud_must_provide() -> None:
    parts: tuple[Packer, Caller, Emulator] = (packer, caller, emulate.emulator)
    assert None not in parts


def test_an_artifact_is_laid_out_as_azure_expects_it() -> None:
    files = _packed(_staged({"app.py": b"x = 1\n"}, timeout=90.5))
    assert sorted(files) == [
        ".python_packages/lib/site-packages/hyfn.json",
        ".python_packages/lib/site-packages/hyfn/__init__.py",
        "app.py",
        "function_app.py",
        "host.json",
        "requirements.txt",
    ]
    assert json.loads(files["host.json"]) == {"version": "2.0", "functionTimeout": "00:01:31"}
    assert files["requirements.txt"].splitlines()[1:] == ["msgpack==1.1.1", "numpy==2.2.6"]
    assert "hyfn_function_app('ingest', 'function')" in files["function_app.py"]


def test_unpacking_gives_the_import_roots_in_azures_order(tmp_path: Path) -> None:
    assert packer.roots(tmp_path) == [tmp_path, tmp_path / ".python_packages/lib/site-packages"]
    assert packer.tree(_staged({"app.py": b""})).site == ".python_packages/lib/site-packages/"


def test_a_users_function_app_keeps_its_lines() -> None:
    own = b"def ingest(): ...\n\n\nlast = 1"
    script = _packed(_staged({"function_app.py": own}, "function_app:ingest"))["function_app.py"]
    assert script.startswith(own.decode() + "\n")
    compile(script, "function_app.py", "exec")


@pytest.mark.parametrize("path", ["azure.py", "azure/tools.py", "function_app/__init__.py", "host.json"])
def test_a_file_in_azures_way_is_refused(path: str) -> None:
    with pytest.raises(BuildError) as raised:
        packer.tree(_staged({path: b""}))
    assert raised.value.hint


@pytest.mark.parametrize(
    "options",
    [
        {"memory": 1024},
        {"memory": "big"},
        {"timeout": 231},
        {"timeout": 0},
        {"timeout": "1m"},
        {"python": "3.9"},
        {"python": "3"},
        {"auth_level": "none"},
        {"name": "a"},
        {"name": "-shop"},
        {"name": "shop_a"},
        {"name": "x" * 61},
    ],
    ids=str,
)
def test_what_azure_would_refuse_is_a_problem_with_its_line(options: dict[str, object]) -> None:
    target = _target(**options)
    [problem] = packer.check(_function(target=target), target)
    assert (problem.level, problem.place) == ("error", PLACE)
    assert problem.hint


def test_what_azure_takes_is_no_problem() -> None:
    target = _target(memory=512, timeout=230, python="3.11", auth_level="anonymous", name="Shop-1")
    assert list(packer.check(_function(target=target), target)) == []
    assert list(packer.check(_function(), _target())) == []


def test_a_module_named_azure_is_a_problem() -> None:
    [problem] = packer.check(_function("azure.jobs:run"), _target())
    assert "azure" in problem.message


@pytest.mark.parametrize(("options", "python", "glibc"), [({}, "3.13", "2.36"), ({"python": "3.11"}, "3.11", "2.31")])
def test_the_runtime_follows_the_python(options: dict[str, object], python: str, glibc: str) -> None:
    [runtime] = packer.runtimes(_target(**options))
    assert (runtime.python, runtime.machine, runtime.glibc) == (python, "x86_64", glibc)


def test_a_derived_name_fits_azure_and_tells_functions_apart() -> None:
    def name(identity: str, stage: str = "dev") -> str:
        return packer.platform_name("a-very-long-application", stage, _function(identity), _target())

    names = {name("app:ingest"), name("other:ingest"), name("app:ingest", "prod"), name("app:" + "x" * 90)}
    assert len(names) == 4
    assert all(pack.APP.fullmatch(one) and len(one) <= pack.HOST_ID for one in names)
    assert name("app:ingest") == name("app:ingest")


def test_a_given_name_is_taken() -> None:
    target = _target(name="my-app")
    assert packer.platform_name("shops", "dev", _function(target=target), target) == "my-app"


@pytest.mark.parametrize(
    ("qualname", "name"),
    [("ingest", "ingest"), ("Shop.sell", "Shop-sell"), ("_hidden", "f-_hidden"), ("host", "f-host"), ("größe", "gr-e")],
)
def test_a_functions_name_is_one_that_azure_takes(qualname: str, name: str) -> None:
    assert pack.function_name(_function(f"app:{qualname}")) == name


ENDPOINT = Endpoint("azure", "app:ingest", "https://shop.azurewebsites.net/api/ingest")


def test_a_call_is_a_post_to_the_functions_route() -> None:
    request = caller.request(ENDPOINT, b"frame")
    assert (request.method, request.url, request.body) == ("POST", ENDPOINT.url, b"frame")


def test_a_key_is_added_by_the_seam() -> None:
    def with_key(request: Request) -> Request:
        return Request(request.method, request.url, {**request.headers, "x-functions-key": "k"}, request.body)

    assert AzureCaller(with_key).request(ENDPOINT, b"frame").headers["x-functions-key"] == "k"


def test_a_frame_over_azures_limit_is_not_sent() -> None:
    with pytest.raises(TooLarge):
        caller.request(ENDPOINT, bytes(MAX_REQUEST + 1))


@pytest.mark.parametrize(("status", "error"), [(404, NoSuchFunction), (500, OutcomeUnknown), (502, OutcomeUnknown)])
def test_azures_own_answers_are_errors(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        caller.reply(Response(status, {}, b""))


def _talk(*chunks: bytes, answer: Callable[[front.Request], Any] | None = None) -> bytes:
    """What a connection writes after it was given `chunks`, until it closes."""

    async def echo(request: front.Request) -> front.Response:
        return front.Response(200, {"X-Path": request.target}, request.body)

    async def talk() -> bytes:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: front.Connection(answer or echo), "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(0)
            received = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            await writer.wait_closed()
            return received

    return asyncio.run(talk())


LAST = b"POST /last HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def test_a_request_may_come_in_pieces() -> None:
    received = _talk(*(LAST[at : at + 1] for at in range(len(LAST))))
    assert received == b"HTTP/1.1 200 OK\r\nX-Path: /last\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def test_requests_sent_at_once_are_answered_in_order() -> None:
    async def slower_first(request: front.Request) -> front.Response:
        await asyncio.sleep(0.05 if request.target == "/a" else 0)
        return front.Response(200, {}, request.target.encode())

    received = _talk(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n" + LAST, answer=slower_first)
    assert [part.rpartition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"/a", b"/b", b"/last"]


def test_a_client_that_asks_before_it_sends_is_told_to() -> None:
    received = _talk(LAST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: 210000001\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_and_the_connection_ends(sent: bytes, status: int) -> None:
    assert _talk(sent).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_failure_of_the_host_itself_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    async def broken(request: front.Request) -> front.Response:
        raise ZeroDivisionError

    assert _talk(LAST, answer=broken).startswith(b"HTTP/1.1 500 ")
    assert "ZeroDivisionError" in capsys.readouterr().err
