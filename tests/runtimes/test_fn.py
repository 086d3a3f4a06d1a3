"""Fn's own fdk runs our artifacts, in processes that stand for containers."""

from __future__ import annotations

import functools
import http.client
import importlib
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest

from hyfn import project, remote, wiring
from hyfn.clouds.fn.call import caller
from hyfn.clouds.fn.emulate import FnEmulator, FnRunning, emulator
from hyfn.clouds.fn.pack import SIZE
from hyfn.dev.application import Application
from hyfn.errors import (
    EXECUTED,
    NOT_EXECUTED,
    UNKNOWN,
    DeadlineExceeded,
    OutcomeUnknown,
    Overloaded,
    ProjectError,
    TooLarge,
)
from hyfn.model import Artifact
from hyfn.remote import Session
from hyfn.wire.carrier import Request, Response
from hyfn.wire.frame import CONTENT_TYPE
from tests.commands import written

pytestmark = pytest.mark.runtime

SOURCE = """
import asyncio
import logging
import os
import time

from hyfn import fn, oracle

if os.environ.get("INK") == "none":
    raise OSError("no ink left")


class Unpaid(Exception):
    def __init__(self, amount: int) -> None:
        super().__init__(f"{amount} are missing")
        self.amount = amount


@fn(group="all")
def settle(amount: int) -> int:
    if amount < 0:
        raise Unpaid(-amount)
    return amount + fee(amount)


@oracle
def fee(amount: int) -> int:
    return amount // 10


@oracle
def copies(page: bytes, times: int) -> bytes:
    return page * times


@fn(group="all")
def place() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("FN_")}


@fn(group="all")
def wait(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


@fn(timeout=1)
def hurry(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


@fn(group="all")
def own_loop(text: str) -> str:
    async def twice() -> str:
        await asyncio.sleep(0)
        return text * 2

    return asyncio.run(twice())


@fn(group="all")
async def loop() -> int:
    await asyncio.sleep(0)
    return id(asyncio.get_running_loop())


@fn(group="all")
def tell() -> None:
    print("a printed line")
    logging.getLogger("shop").info("a logged line")
"""


def shop(folder: Path, module: str, source: str = SOURCE) -> Path:
    pyproject = '[project]\nname = "shop"\ndependencies = []\n'
    return written(folder, {f"{module}.py": source, "pyproject.toml": pyproject})


@dataclass(frozen=True)
class Up:
    application: Application
    module: ModuleType
    session: Session
    printed: Sequence[tuple[str, str]]
    """Who printed, and a line."""

    def running(self, party: str) -> FnRunning:
        found = self.application.running[f"{self.module.__name__}:{party}"]
        assert isinstance(found, FnRunning)
        return found


@contextmanager
def running(folder: Path, module: str, source: str = SOURCE) -> Iterator[Up]:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.syspath_prepend(str(shop(folder, module, source)))
        printed: list[tuple[str, str]] = []
        read = project.read(folder)
        say = functools.partial(_note, printed)
        application = stack.enter_context(Application(read, lambda text: None, say=say))
        session = Session(wiring.read(application.laptop()), frozenset(), "dev")
        patch.setattr(remote, "session", lambda: session)
        yield Up(application, importlib.import_module(module), session, printed)
        session.transport.close()
    sys.modules.pop(module, None)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("shop"), "shop_on_fn") as up:
        yield up


def exchange(
    url: str, body: bytes = b"", headers: dict[str, str] | None = None, method: str = "POST"
) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
        connection.request(method, parts.path, body, headers or {})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def test_a_call_goes_from_fn_to_oracle_and_back(up: Up) -> None:
    assert up.module.settle(100) == 110


def test_each_says_what_runs_it(up: Up) -> None:
    for party in ("settle@fn", "fee@oracle"):
        assert re.fullmatch(r"fdk 0\.1\.\d+ on CPython 3\.1[12]\.\d+", up.running(party).runtime)
        assert up.running(party).evidence == "runtime"


def test_an_exception_is_raised_as_its_own_class(up: Up) -> None:
    with pytest.raises(up.module.Unpaid, match="7 are missing") as raised:
        up.module.settle(-7)
    assert raised.value.amount == 7


def test_a_container_is_told_what_fn_tells_it(up: Up) -> None:
    told = up.module.place()
    assert told["FN_FORMAT"] == "http-stream"
    assert told["FN_LISTENER"].startswith("unix:/")
    assert (told["FN_MEMORY"], told["FN_TYPE"], told["FN_FN_NAME"]) == ("128", "sync", "settle")
    assert {"FN_APP_ID", "FN_APP_NAME", "FN_FN_ID"} <= told.keys()


def test_calls_overlap_each_in_a_container_of_its_own(up: Up) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(up.module.wait, [1.0] * 4))) == 4
    assert up.module.wait(0) == up.module.wait(0)


def test_a_body_may_have_an_event_loop_of_its_own(up: Up) -> None:
    assert up.module.own_loop("ab") == "abab"


def test_async_bodies_of_a_container_share_one_loop(up: Up) -> None:
    assert up.module.loop.spawn().result(timeout=30) == up.module.loop.spawn().result(timeout=30)


def test_the_timeout_ends_the_call_and_its_container(up: Up) -> None:
    first = up.module.hurry(0)
    with pytest.raises(DeadlineExceeded, match="504") as raised:
        up.module.hurry(20)
    assert raised.value.executed == UNKNOWN
    assert not _is_alive(first)
    assert up.module.hurry(0) != first


def test_after_a_container_was_killed_another_answers(up: Up) -> None:
    first = up.module.wait(0)
    os.kill(first, signal.SIGKILL)
    _until(lambda: not _is_alive(first))
    assert up.module.wait(0) != first


def test_whether_a_call_ran_is_unknown_where_its_container_ends(up: Up) -> None:
    busy = up.module.wait(0)
    call = up.module.wait.spawn(20)
    _until(lambda: busy not in [each.pid for each in up.running("settle@fn").fleet.idle])
    os.kill(busy, signal.SIGKILL)
    with pytest.raises(OutcomeUnknown, match="error receiving function response") as raised:
        call.result(timeout=15)
    assert raised.value.executed == UNKNOWN


def test_what_a_function_prints_and_logs_is_in_the_log(up: Up) -> None:
    up.module.tell()
    _until(lambda: any("a logged line" in line for _, line in up.printed))
    assert ("settle@fn", "a printed line") in up.printed
    [logged] = [line for who, line in up.printed if "a logged line" in line]
    assert re.fullmatch(r"[0-9a-f]{32} - shop - INFO - a logged line", logged)  # fdk's form: the call's id first


@pytest.mark.parametrize(
    ("more", "method", "status", "said"),
    [
        ("", "POST", 200, b"UNSUPPORTED_ENCODING"),  # to Fn itself, a refusal is an answer
        ("/elsewhere", "POST", 404, b'{"message": "Fn not found"}'),
        ("", "GET", 405, b'{"message": "Method not allowed"}'),
    ],
)
def test_what_carries_no_call_is_refused(up: Up, more: str, method: str, status: int, said: bytes) -> None:
    answered, _, body = exchange(up.running("settle@fn").endpoint.url + more, method=method)
    assert (answered, body) == (status, said)


class Gateway:
    """A transport as Oracle's API gateway is one: requests are wrapped for fdk, and responses unwrapped."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def send(self, request: Request, timeout: float) -> Response:
        wrapped = {f"Fn-Http-H-{name}": value for name, value in request.headers.items()}
        own = {"Fn-Intent": "httprequest", "Fn-Http-Method": request.method, "Fn-Http-Request-Url": "/settle"}
        status, headers, body = exchange(request.url, request.body, {**wrapped, **own, "Content-Type": "text/plain"})
        assert status == 200
        self.statuses.append(int(headers["fn-http-status"]))
        return Response(self.statuses[-1], headers, body)

    async def asend(self, request: Request, timeout: float) -> Response:
        raise NotImplementedError

    def close(self) -> None: ...


def test_a_frame_comes_through_a_gateway_too(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway()
    monkeypatch.setattr(up.session, "_transport", gateway)
    assert up.module.settle(100) == 110
    with pytest.raises(up.module.Unpaid):
        up.module.settle(-7)
    assert gateway.statuses == [200, 200]


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"Fn-Http-Method": "GET", "Fn-Http-H-Content-Type": CONTENT_TYPE}, "400", b"MALFORMED"),
        ({"Fn-Http-Method": "POST", "Fn-Http-H-Content-Type": "text/html"}, "415", b"UNSUPPORTED_ENCODING"),
        ({"Fn-Http-Method": "POST", "Fn-Http-H-Content-Type": CONTENT_TYPE}, "400", b"MALFORMED"),
    ],
)
def test_a_gateway_is_told_the_status(up: Up, headers: dict[str, str], status: str, said: bytes) -> None:
    url = up.running("settle@fn").endpoint.url
    answered, given, body = exchange(url, b"no frame", {"Fn-Intent": "httprequest", **headers})
    assert (answered, given["fn-http-status"], body) == (200, status, said)


def test_oracle_takes_six_megabytes_and_no_more(up: Up) -> None:
    page = bytes(SIZE - 2000)
    assert up.module.copies(page, 1) == page
    with pytest.raises(TooLarge) as refused:
        up.module.copies(bytes(SIZE), 0)
    assert refused.value.executed == NOT_EXECUTED
    with pytest.raises(TooLarge, match="response body") as ran:
        up.module.copies(b"0123456789", SIZE // 10)
    assert ran.value.executed == EXECUTED
    status, _, said = exchange(up.running("copies@oracle").endpoint.url, bytes(SIZE + 1))
    assert (status, said) == (413, b'{"message": "Request content too large"}')


def built(folder: Path, module: str, qualname: str, source: str = SOURCE) -> tuple[Artifact, Path]:
    """One artifact, and the folder that it is unpacked in."""
    read = project.read(shop(folder / "source", module, source))
    [unit] = [unit for unit in project.units(read) if unit.primary.qualname == qualname]
    wishes = project.Wishes(only=[unit.party], pythons={unit.party: emulator.python(unit.target)}, is_for_here=True)
    [artifact] = project.build(read, folder / "out", lambda text: None, wishes).artifacts
    project.unpack(artifact, folder / "root")
    return artifact, folder / "root"


def test_what_does_not_load_is_told_with_the_users_line(tmp_path: Path) -> None:
    artifact, root = built(tmp_path, "broken_on_fn", "hurry")
    with pytest.raises(ProjectError, match="hurry does not load in Fn's fdk: no ink left") as raised:
        emulator.start(artifact, root, {"INK": "none"}, tmp_path / "log")
    assert raised.value.where == f"broken_on_fn.py:{SOURCE.strip().splitlines().index(_RAISING) + 1}"


_RAISING = '    raise OSError("no ink left")'


def test_a_module_that_ends_the_process_is_told(tmp_path: Path) -> None:
    ending = SOURCE.replace(_RAISING, "    os._exit(3)")
    artifact, root = built(tmp_path, "ending_on_fn", "hurry", ending)
    with pytest.raises(ProjectError, match="fdk ended with status 3"):
        emulator.start(artifact, root, {"INK": "none"}, tmp_path / "log")


def test_a_users_own_func_py_is_kept(tmp_path: Path) -> None:
    with running(
        tmp_path, "func", "from hyfn import fn\n\n\n@fn\ndef shout(text: str) -> str:\n    return text.upper()\n"
    ) as up:
        assert up.module.shout("a") == "A"


def test_at_the_limit_the_server_is_too_busy(tmp_path: Path) -> None:
    artifact, root = built(tmp_path, "busy_on_fn", "hurry")
    one = FnEmulator(limit=1, patience=0.05).start(artifact, root, {}, tmp_path / "log")
    try:
        with one.fleet.lent(), pytest.raises(Overloaded) as raised:
            _reply(exchange(one.endpoint.url))
    finally:
        one.stop()
    assert raised.value.executed == NOT_EXECUTED


def _reply(answered: tuple[int, dict[str, str], bytes]) -> bytes:
    return caller.reply(Response(*answered))


def test_a_long_path_of_temporary_files_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact, root = built(tmp_path, "deep_on_fn", "hurry")
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    emulator.start(artifact, root, {}, tmp_path / "log").stop()


def test_stop_leaves_neither_process_nor_folder(tmp_path: Path) -> None:
    artifact, root = built(tmp_path, "stopped_on_fn", "hurry")
    running = emulator.start(artifact, root, {}, tmp_path / "log")
    [pid] = [each.pid for each in running.fleet.idle]
    listening = re.search(r"FN_LISTENER=unix:(\S+?)\0", Path(f"/proc/{pid}/environ").read_text())
    assert listening
    running.stop()
    running.stop()
    assert not _is_alive(pid)
    assert not Path(listening[1]).parent.exists()
    with pytest.raises(ConnectionRefusedError):
        exchange(running.endpoint.url)


def _note(printed: list[tuple[str, str]], who: str, line: str) -> None:
    printed.append((who, line))


def _is_alive(pid: int) -> bool:
    """A killed process has ended with the last of its threads: its first may be gone before."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" or len(os.listdir(f"/proc/{pid}/task")) > 1  # noqa: PTH208
    except OSError:
        return False


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
