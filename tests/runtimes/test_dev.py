"""hyfn dev: functions behind one loopback port, rebuilt when they change, and gone with the command."""

from __future__ import annotations

import http.client
import json
import signal
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.commands import MARK, Command, hyfn, written

pytestmark = pytest.mark.runtime

APP = """
from dataclasses import dataclass
from hyfn import aws, azure, gcp, knative

@dataclass
class Order:
    name: str
    count: int

class Empty(Exception):
    pass

@aws
def total(orders: list[Order]) -> int:
    return sum(weigh(order) for order in orders)

@gcp
def weigh(order: Order) -> int:
    print("weighing", order.name)
    if not order.count:
        raise Empty(f"no {order.name}")
    return order.count * 2

@azure
async def reverse(data: bytes, times: int = 1) -> bytes:
    return data[::-1] * times

@knative
def leave(status: int) -> None:
    raise SystemExit(status)
"""


@dataclass(frozen=True)
class Answer:
    status: int
    document: dict[str, Any]
    kind: str


@dataclass(frozen=True)
class Dev:
    """A running `hyfn dev`, as its --json says it."""

    command: Command
    folder: Path
    port: int
    token: str

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self.token}", **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, json.loads(response.read()), response.headers["Content-Type"])
        finally:
            connection.close()

    def post(self, function: str, **arguments: object) -> Answer:
        return self.ask("POST", f"/{function}", json.dumps(arguments).encode())


def started(folder: Path, *arguments: str) -> Dev:
    command = Command("dev", "--json", *arguments, cwd=folder)
    command.until(lambda: command.out.endswith("\n"))
    said = json.loads(command.out)
    return Dev(command, folder, int(said["url"].rpartition(":")[2]), said["token"])


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One that no test changes."""
    dev = started(written(tmp_path_factory.mktemp("dev"), {"app.py": APP}))
    yield dev
    dev.command.end()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Dev]:
    """One for a test that changes the project, or ends it."""
    files = {
        "app.py": "from hyfn import aws, local\nimport part\n@aws\ndef f(n: int) -> int:\n    return g(n) + part.ONE\n"
    }
    files["app.py"] += "@local\ndef g(n: int) -> int:\n    return n * 10\n"
    dev = started(written(tmp_path / "own", {**files, "part.py": "ONE = 1\n", "requirements.txt": ""}))
    yield dev
    dev.command.end()


def test_arguments_go_by_name_and_values_come_as_json(dev: Dev) -> None:
    orders = [{"name": "tea", "count": 3}, {"name": "milk", "count": 1}]
    answer = dev.post("total", orders=orders)
    assert (answer.status, answer.document, answer.kind) == (200, {"value": 8}, "application/json")
    assert dev.post("app:total", orders=[]).document == {"value": 0}


def test_what_functions_print_is_seen_while_they_run(dev: Dev) -> None:
    assert dev.post("weigh", order={"name": "cocoa\x1b[2J", "count": 1}).status == 200
    dev.command.until(lambda: "weigh@gcp │ weighing cocoa�[2J\n" in dev.command.err)


def test_bytes_are_base64_and_defaults_hold(dev: Dev) -> None:
    assert dev.post("reverse", data="AAEC").document == {"value": "AgEA"}
    assert dev.post("reverse", data="AAEC", times=2).document == {"value": "AgEAAgEA"}


def test_what_a_function_raises_is_the_answer_with_the_lines_of_every_hop(dev: Dev) -> None:
    answer = dev.post("total", orders=[{"name": "tea", "count": 0}])
    error = answer.document["error"]
    assert (answer.status, error["type"], error["message"]) == (500, "app:Empty", "no tea")
    lines = "\n".join(error["notes"])
    assert 'raise Empty(f"no {order.name}")' in lines
    assert "weigh(order) for order in orders" in lines


def test_a_function_that_exits_does_not_end_the_door(dev: Dev) -> None:
    answer = dev.post("leave", status=3)
    assert answer.status in (500, 502)
    assert answer.document["error"]["type"] in ("builtins:SystemExit", "hyfn.errors:OutcomeUnknown")
    assert dev.post("total", orders=[]).status == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/nothing", b"{}", 404, "no function 'nothing' is running"),
        ("/", b"{}", 404, "no function '' is running"),
        ("/weigh", b"{", 400, "the arguments are not JSON: "),
        ("/weigh", b"[1]", 400, "the arguments must be a JSON object: "),
        ("/weigh", b"[" * 100_000, 400, "the arguments are not JSON: "),
        ("/weigh", b"{}", 400, "missing 1 required positional argument: 'order'"),
        ("/weigh", b'{"order": 1}', 400, "weigh() argument 'order': "),
        ("/weigh", b'{"order": {"name": "tea", "count": "many"}}', 400, "expected int, got str"),
    ],
)
def test_what_cannot_be_called_is_refused_with_a_reason(
    dev: Dev, path: str, body: bytes, status: int, said: str
) -> None:
    answer = dev.ask("POST", path, body)
    assert (answer.status, answer.kind) == (status, "application/json")
    assert said in answer.document["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer \xff"}, 401),
        ({"Host": "attacker.example"}, 403),
        ({"Host": "127.0.0.1.attacker.example"}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Content-Length": "-1"}, 400),
        ({"Content-Length": "²"}, 400),
        ({"Content-Length": "9" * 5000}, 400),
        ({"Content-Length": str(1 << 40)}, 413),
    ],
)
def test_only_who_has_the_token_and_knows_where_it_is_gets_in(dev: Dev, headers: dict[str, str], status: int) -> None:
    encoded = {name: value.encode("latin-1", "replace").decode("latin-1") for name, value in headers.items()}
    answer = dev.ask("POST", "/total", b'{"orders": []}', encoded)
    assert (answer.status, answer.kind) == (status, "application/json")


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 501), ("OPTIONS", 501)])
def test_only_post_calls(dev: Dev, method: str, status: int) -> None:
    answer = dev.ask(method, "/total", None)
    assert (answer.status, answer.kind) == (status, "application/json")


def test_every_socket_listens_on_loopback_alone(dev: Dev) -> None:
    addresses = listening(dev.command.mark)
    assert dev.port in {port for _, port in addresses}
    assert len(addresses) >= 5
    assert {address for address, _ in addresses} == {"127.0.0.1"}


def listening(mark: str) -> set[tuple[str, int]]:
    """Where the processes with this mark listen."""
    sockets = {found for folder in Path("/proc").glob("[0-9]*") for found in _sockets(folder, f"{MARK}={mark}")}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                address, _, port = fields[1].partition(":")
                found.add(("127.0.0.1" if address == "0100007F" else address, int(port, 16)))
    return found


def _sockets(folder: Path, entry: str) -> set[str]:
    try:
        if entry.encode() not in (folder / "environ").read_bytes().split(b"\0"):
            return set()
        links = [str(path.readlink()) for path in (folder / "fd").iterdir()]
    except OSError:
        return set()
    return {link[8:-1] for link in links if link.startswith("socket:")}


def test_the_session_is_its_owners_secret(dev: Dev) -> None:
    path = dev.folder / ".hyfn" / "dev.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"port": dev.port, "token": dev.token, "pid": dev.command.process.pid}


def test_call_goes_through_the_dev_that_runs(dev: Dev) -> None:
    began = time.monotonic()
    ran = hyfn("call", "reverse", '{"data": "AAEC"}', cwd=dev.folder, env={"http_proxy": "http://127.0.0.1:9"})
    assert (ran.status, ran.out, ran.err) == (0, '"AgEA"\n', "")
    assert hyfn("call", "total", "-", cwd=dev.folder, stdin='{"orders": []}').out == "0\n"
    assert time.monotonic() - began < 5


def test_what_a_called_function_raises_is_an_error_of_the_command(dev: Dev) -> None:
    arguments = '{"orders": [{"name": "tea", "count": 0}]}'
    ran = hyfn("call", "total", arguments, cwd=dev.folder)
    told = hyfn("call", "total", arguments, "--json", cwd=dev.folder)
    assert (ran.status, ran.out, ran.errors) == (1, "", ["Empty: no tea"])
    assert 'raise Empty(f"no {order.name}")' in ran.err
    assert json.loads(told.out)["errors"][0]["type"] == "app:Empty"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["totl"], "no function is called 'totl' (did you mean 'total'?)"),
        (["total", "{"], "the arguments are not JSON: "),
        (["total", '{"orders": 3}'], "Malformed: total() argument 'orders': "),
    ],
)
def test_a_call_that_cannot_be_made_is_one_line(dev: Dev, arguments: list[str], said: str) -> None:
    ran = hyfn("call", *arguments, cwd=dev.folder)
    assert ran.status == 1
    assert [said in line for line in ran.errors] == [True]


def test_a_second_dev_of_the_project_is_refused_and_does_no_harm(dev: Dev) -> None:
    ran = hyfn("dev", cwd=dev.folder)
    assert ran.status == 1
    assert [f"at http://127.0.0.1:{dev.port} (process {dev.command.process.pid})" in line for line in ran.errors] == [
        True
    ]
    assert hyfn("call", "total", '{"orders": []}', cwd=dev.folder).out == "0\n"


def test_a_port_that_is_taken_is_one_line(dev: Dev, tmp_path: Path) -> None:
    ran = hyfn("dev", "--port", str(dev.port), cwd=written(tmp_path / "other", {"app.py": APP}))
    assert ran.errors == [f"cannot listen on port {dev.port}: Address already in use (give another --port)"]


def test_call_without_a_dev_starts_what_it_needs_and_ends_it(tmp_path: Path) -> None:
    folder = written(tmp_path / "project", {"app.py": APP})
    command = Command("call", "--verbose", "weigh", '{"order": {"name": "tea", "count": 3}}', cwd=folder)
    assert command.process.wait(60) == 0
    assert command.out == "6\n"
    assert [line for line in command.err.splitlines() if "started" in line] != []
    assert "total" not in command.err
    assert command.left() == []


def eventually(dev: Dev, function: str, value: object, **arguments: object) -> list[object]:
    """What a caller is answered until it is `value`."""
    seen: list[object] = []
    deadline = time.monotonic() + 30
    while not seen or seen[-1] != value:
        assert time.monotonic() < deadline, (seen[-5:], dev.command.err)
        answer = dev.post(function, **arguments)
        seen.append(answer.document.get("value", answer.document))
    return seen


def test_a_change_shows_and_nobody_is_turned_away_meanwhile(own: Dev) -> None:
    assert own.post("f", n=2).document == {"value": 21}
    written(own.folder, {"part.py": "ONE = 7\n"})

    seen = eventually(own, "f", 27, n=2)

    assert set(map(str, seen)) == {"21", "27"}
    assert len(seen) < 200


def test_a_mistake_is_said_and_what_ran_goes_on(own: Dev) -> None:
    own_app = (own.folder / "app.py").read_text()
    for mistake, said in (
        ("def broken(:", "error: app.py:"),
        (
            "import nothing_like_it\n@local\ndef h() -> int:\n    return nothing_like_it.x",
            "no declared dependency provides",
        ),
        ("x = 1 / 0", "ZeroDivisionError"),
    ):
        written(own.folder, {"app.py": f"{own_app}\n{mistake}\n"})
        own.command.until(lambda said=said: said in own.command.err)  # type: ignore[misc]
        assert own.post("f", n=2).document == {"value": 21}
    written(own.folder, {"app.py": own_app.replace("n * 10", "n * 20")})
    assert eventually(own, "f", 41, n=2)


def test_functions_come_and_go_with_their_edges(own: Dev) -> None:
    own_app = (own.folder / "app.py").read_text()
    added = f"{own_app}\n@local\ndef h(n: int) -> int:\n    return f(n) + g(n)\n"
    written(own.folder, {"app.py": added})
    unknown = own.post("h", n=1).document
    assert eventually(own, "h", 21, n=1)[0] in (21, unknown)

    written(own.folder, {"app.py": own_app})
    deadline = time.monotonic() + 30
    while own.post("h", n=1).status != 404:
        assert time.monotonic() < deadline
    assert own.post("f", n=2).document == {"value": 21}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, 137)])
def test_a_signal_leaves_nothing(number: int, status: int, own: Dev) -> None:
    assert own.post("f", n=2).status == 200

    assert own.command.signal(number) == status

    assert own.command.left() == []
    ran = hyfn("call", "g", '{"n": 1}', cwd=own.folder)
    assert (ran.out, ran.status) == ("10\n", 0)
    if number != signal.SIGKILL:
        assert not (own.folder / ".hyfn" / "dev.json").exists()
        assert list(own.command.temporary.iterdir()) == []
        assert own.command.err == "· stopped\n"


def test_a_call_waits_for_a_dev_that_is_starting(tmp_path: Path) -> None:
    folder = written(tmp_path / "project", {"app.py": APP})
    command = Command("dev", cwd=folder)
    try:
        command.until((folder / ".hyfn" / "dev.json").exists)
        assert hyfn("call", "total", '{"orders": []}', cwd=folder).out == "0\n"
        assert command.out.startswith("function")
        assert "Authorization: Bearer" in command.out
        assert command.signal(signal.SIGINT) == 130
    finally:
        command.end()
