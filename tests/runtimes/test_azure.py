"""Artifacts for Azure in Microsoft's own azure-functions-runtime, behind our functions host."""

from __future__ import annotations

import http.client
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hyfn import remote
from hyfn.clouds.azure import emulate
from hyfn.clouds.azure.emulate import Emulated, emulator
from hyfn.clouds.azure.pack import packer
from hyfn.errors import BuildError, MachineError, OutcomeUnknown
from hyfn.model import Artifact, FunctionSpec, Place, Signature, Staged, Target
from hyfn.pack import stage
from hyfn.toolchain import environments
from hyfn.trust.edges import LAPTOP, Edges, nodes
from hyfn.wiring import Wiring

pytestmark = pytest.mark.runtime

SOURCE = """
import asyncio
import logging
import os
import time

from hyfn import azure


@azure
async def shout(text: str) -> str:
    logging.getLogger("shop").info("shouting")
    print("a printed line")
    return text.upper()


@azure
async def wait(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "waited"


@azure
def block(seconds: float) -> str:
    time.sleep(seconds)
    return "blocked"


@azure
def fail(text: str) -> str:
    raise LookupError(text)


@azure
def die() -> None:
    os._exit(3)


@azure
def pid() -> int:
    return os.getpid()
"""
FUNCTIONS = ("shout", "wait", "block", "fail", "die", "pid")


class Shop:
    """An artifact of `source` as the module `name`, made by hand, and this process as its caller."""

    def __init__(self, folder: Path, source: str = SOURCE, name: str = "shop", python: str = "3.13") -> None:
        place = Place(f"{name}.py", 1)
        target = Target("azure", "azure", {"python": python}, place)
        self.functions = [
            FunctionSpec(f"{name}:{short}", name, short, place, Signature((), None), None, True, [target])
            for short in FUNCTIONS
        ]
        self.folder = folder
        self.unpacked = folder / "artifact"
        self.log = folder / "log"
        self._secret = bytes(32)
        self.party = f"{name}:shout@azure"
        python = emulator.python(target)
        staged = Staged(
            "shops", self.functions[0], target, packer.runtimes(target)[0], {f"{name}.py": source.encode()},
            {**_msgpack(python), **stage.travelling("hyfn.clouds.azure"),
             "hyfn.json": stage.manifest("shops", self.functions, target)}, ["msgpack==1"],
        )  # fmt: skip
        for path, content in packer.tree(staged).files.items():
            (self.unpacked / path).parent.mkdir(parents=True, exist_ok=True)
            (self.unpacked / path).write_bytes(content)
        self.artifact = Artifact(
            self.functions[0].name, "shout", "azure", "azure", "zip", folder / "shop.zip", "", 0, python, ()
        )

    def start(self, port: int = 0) -> Emulated:
        return emulator.start(
            self.artifact, self.unpacked, {"HYFN_WIRING": str(self.folder / "wiring.json")}, self.log, port
        )

    def wire(self, running: Emulated) -> remote.Session:
        """Write the artifact's wiring, after its start as `hyfn run` does, and give this process its own."""
        placed = {(function.name, "azure"): self.party for function in self.functions}
        edges = Edges("shops", "dev", self._secret, nodes(self.functions), placed)
        endpoints = dict.fromkeys(placed, running.endpoint)
        held = [function.name for function in self.functions]
        (self.folder / "wiring.json").write_text(json.dumps(edges.wiring(self.party, held, endpoints)))
        return remote.Session(Wiring(edges.wiring(LAPTOP, [], endpoints)), frozenset(), "dev")


def _msgpack(python: str) -> dict[str, bytes]:
    """msgpack as it would be packed for the Python that runs here."""
    root = environments.environment("test-msgpack", ["msgpack"], python, lambda _: None).site_packages
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in (root / "msgpack").glob("*.*")}


@dataclass(frozen=True)
class Live:
    """An artifact up in the runtime, and its module in this process: a call of a function goes there."""

    shop: Shop
    emulated: Emulated
    module: Any


@contextmanager
def _live(shop: Shop) -> Iterator[Live]:
    name = shop.functions[0].module
    emulated = shop.start()
    session = shop.wire(emulated)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(remote, "session", lambda: session)
            patch.syspath_prepend(str(shop.unpacked))
            yield Live(shop, emulated, importlib.import_module(name))
    finally:
        sys.modules.pop(name, None)
        session.transport.close()
        emulated.stop()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with _live(Shop(tmp_path_factory.mktemp("azure"))) as live:
        yield live


def test_a_call_goes_through_the_vendors_library(live: Live) -> None:
    assert live.module.shout.spawn("hello").result(timeout=30) == "HELLO"
    assert live.emulated.runtime.startswith("azure-functions-runtime 1.3.0 on CPython 3.")
    assert live.emulated.evidence == "runtime"


def test_logs_and_prints_of_a_function_are_in_the_log(live: Live) -> None:
    live.module.shout.spawn("hello").result(timeout=30)
    _until(lambda: "[INFO] shop: shouting" in live.shop.log.read_text())
    assert "a printed line" in live.shop.log.read_text()


@pytest.mark.parametrize("function", ["wait", "block"])
def test_concurrent_calls_overlap(live: Live, function: str) -> None:
    call = getattr(live.module, function)
    call.spawn(0.0).result(timeout=30)
    began = time.monotonic()
    calls = [call.spawn(0.5) for _ in range(20)]
    assert len([one.result(timeout=30) for one in calls]) == 20
    assert time.monotonic() - began < 4  # 10 s one after another


def test_an_exception_comes_back_as_itself(live: Live) -> None:
    with pytest.raises(LookupError, match="gone"):
        live.module.fail("gone")


def test_ten_megabytes_come_back(live: Live) -> None:
    text = "x" * 10_000_000
    assert live.module.shout.spawn(text).result(timeout=60) == text.upper()


def _exchange(emulated: Emulated, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(urlsplit(emulated.endpoint.url).netloc, timeout=30)) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "body"),
    [
        ("POST", "/api/shout", {"Content-Type": "application/json"}, 415, b"UNSUPPORTED_ENCODING"),
        ("POST", "/api/shout", {"Content-Type": "application/vnd.hyfn.v1"}, 400, b"MALFORMED"),
        ("POST", "/api/other", {}, 404, b""),
        ("POST", "/shout", {}, 404, b""),
        ("GET", "/api/shout", {}, 404, b""),
        ("POST", "/api/shout", {"Transfer-Encoding": "chunked"}, 411, b""),
        ("POST", "/api/shout", {"Content-Length": "999999999"}, 413, b""),
        ("POST", "/api/shout", {"Content-Length": "-1"}, 400, b""),
    ],
)
def test_what_carries_no_call_is_refused(
    live: Live,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
    body: bytes,
) -> None:
    sent = b"" if "Transfer-Encoding" in headers else b"{}"
    assert _exchange(live.emulated, method, path, sent, headers) == (status, body)


def test_requests_on_one_connection_are_answered_in_order(live: Live) -> None:
    with closing(http.client.HTTPConnection(urlsplit(live.emulated.endpoint.url).netloc, timeout=30)) as connection:
        for path, status in [("/api/shout", 415), ("/none", 404), ("/api/shout", 415)]:
            connection.request("POST", path, b"x")
            response = connection.getresponse()
            assert (response.status, response.will_close) == (status, False)
            response.read()


def test_an_import_error_is_told_with_its_line(tmp_path: Path) -> None:
    broken = Shop(tmp_path, "import os\n\nimport numpi\n" + SOURCE)
    with pytest.raises(BuildError) as raised:
        broken.start()
    assert raised.value.where == "shop.py:3"
    assert raised.value.message.endswith("ModuleNotFoundError: No module named 'numpi'")


def test_an_app_without_a_function_is_no_silent_success(tmp_path: Path) -> None:
    empty = Shop(tmp_path)
    (empty.unpacked / "function_app.py").write_text("import azure.functions\n\napp = azure.functions.FunctionApp()\n")
    with pytest.raises(BuildError, match="no function"):
        empty.start()


def test_a_module_that_ends_the_process_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="status 3"):
        Shop(tmp_path, SOURCE + "\nos._exit(3)\n").start()


def test_a_users_module_named_function_app_is_kept(tmp_path: Path) -> None:
    shop = Shop(tmp_path, SOURCE, "function_app")
    assert (shop.unpacked / "function_app.py").read_text().startswith(SOURCE.rstrip())
    with _live(shop) as live:
        assert live.module.shout.spawn("a").result(timeout=30) == "A"


@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_older_pythons_run_it_too(tmp_path: Path, python: str) -> None:
    older = Shop(tmp_path, python=python)
    if older.artifact.python != python:
        pytest.skip(f"no CPython {python} on this machine")
    with _live(older) as live:
        assert live.module.shout.spawn("a").result(timeout=30) == "A"
        assert f"on CPython {python}." in live.emulated.runtime


def test_a_taken_port_is_this_machines_fault(tmp_path: Path, live: Live) -> None:
    port = urlsplit(live.emulated.endpoint.url).port
    assert port is not None
    with pytest.raises(MachineError, match=f"port {port}"):
        Shop(tmp_path).start(port)


def test_stop_leaves_no_process(tmp_path: Path) -> None:
    emulated = Shop(tmp_path).start()
    members = _group(emulated.pid)
    assert len(members) == 2
    emulated.stop()
    emulated.stop()
    assert not any(map(_is_alive, members))


@pytest.mark.parametrize("victim", ["host", "worker"])
def test_neither_process_outlives_the_other(tmp_path: Path, victim: str) -> None:
    emulated = Shop(tmp_path).start()
    try:
        worker = next(pid for pid in _group(emulated.pid) if pid != emulated.pid)
        os.kill(emulated.pid if victim == "host" else worker, signal.SIGKILL)
        _until(lambda: not _is_alive(worker) and not _is_alive(emulated.pid))
    finally:
        emulated.stop()


def test_a_killed_session_leaves_no_process(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from hyfn.clouds.azure.emulate import emulator\n"
        "from hyfn.model import Artifact\n"
        f"artifact = Artifact('shop:shout', 'shout', 'azure', 'azure', 'zip', Path('.'), '', 0, "
        f"{shop.artifact.python!r}, ())\n"
        f"running = emulator.start(artifact, Path({str(shop.unpacked)!r}), {{}}, Path({str(shop.log)!r}))\n"
        "print(running.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    session = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert session.stdout is not None
        with session.stdout:
            members = _group(int(session.stdout.readline()))
        assert len(members) == 2
    finally:
        session.kill()
        session.wait()
    _until(lambda: not any(map(_is_alive, members)))


def test_the_end_of_the_worker_ends_its_calls(tmp_path: Path) -> None:
    with _live(Shop(tmp_path)) as live, pytest.raises(OutcomeUnknown):
        live.module.die.options(timeout=20).spawn().result(timeout=15)


def test_many_starts_at_once_do_not_meet(tmp_path: Path) -> None:
    shops = [Shop(_made(tmp_path / str(number))) for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        started = list(pool.map(Shop.start, shops))
    try:
        assert len({emulated.endpoint.url for emulated in started}) == 3
    finally:
        for emulated in started:
            emulated.stop()


COMPARE = """
import messages
from tests.protos import FunctionRpc_pb2
from google.protobuf import descriptor_pb2

theirs = descriptor_pb2.FileDescriptorProto()
FunctionRpc_pb2.DESCRIPTOR.CopyToProto(theirs)
known = {message.name: message for message in theirs.message_type}


def facts(message):
    for field in message.field:
        oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
        yield field.name, field.number, field.type, field.label, field.type_name.rpartition(".")[2], oneof
    for enum in message.enum_type:
        yield enum.name, *((value.name, value.number) for value in enum.value)


ours = [message for message in messages._file().message_type if not message.name.startswith("Nullable")]
print(len(ours), [(one.name, fact) for one in ours for fact in set(facts(one)) - set(facts(known[one.name]))])
"""


def test_our_messages_are_those_that_microsoft_compiled() -> None:
    """Its library for the older programming model carries the compiled messages, for its own tests."""
    python = emulator.python(Target("azure", "azure", {}, Place("x.py", 1)))
    compiled = environments.environment(
        "test-azure-messages", ["azure-functions-runtime-v1==1.2.0"], python, lambda _: None, extra_args=["--no-deps"]
    )
    runtime = environments.environment("test-protobuf", ["protobuf>=5.29", "grpcio>=1.70"], python, lambda _: None)
    paths = [Path(emulate.__file__).parent / "runtime", compiled.site_packages]
    compared = subprocess.run(
        [runtime.python, "-c", COMPARE],
        env={"PYTHONPATH": os.pathsep.join(map(str, paths))},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    count, differing = compared.stdout.split(maxsplit=1)
    assert int(count) > 20
    assert differing.strip() == "[]"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _group(leader: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,pgid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return [pid for pid, group in pairs if group == leader]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _until(holds: Callable[[], bool], seconds: float = 10) -> None:
    paused = threading.Event()
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        paused.wait(0.02)
