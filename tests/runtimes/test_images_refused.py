"""What cannot be built on a base or pushed: one line that says why and how to mend it, and nothing is left behind."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyfn.pack.image import layout, push
from hyfn.pack.image.reference import Reference
from hyfn.toolchain.processes import free_port
from tests.commands import HYFN, Ran, hyfn, tree, written
from tests.images import HERE, OTHER, PYTHON, greeter, silent
from tests.registry import USER, Registry
from tests.terminal import Terminal

pytestmark = pytest.mark.runtime

ON_KNATIVE = f'@knative(python="{PYTHON}")'
SOURCE = "from hyfn import aws, knative\n\n\n{mark}\ndef greet(name: str) -> str:\n    return name\n"
NAME_ONE = 'name another: base = "..." in [tool.hyfn.build]'


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's credentials, and a folder of one's own for what is temporary."""
    (tmp_path / "auth.json").write_text("{}")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with Registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def made(folder: Path, mark: str = ON_KNATIVE) -> Path:
    files = {"greetings.py": SOURCE.format(mark=mark), "pyproject.toml": '[project]\nname = "g"\ndependencies = []\n'}
    return written(folder / "project", files)


def refusal(done: Ran, folder: Path) -> str:
    """The one line that says what is wrong."""
    assert (done.status, done.out) == (1, "")
    assert not list((folder / "tmp").iterdir())
    [line] = done.errors
    return line


class TestABuild:
    @pytest.mark.parametrize(
        ("base", "said"),
        [
            ("NONSENSE!", "'NONSENSE!' names no image: a repository is lower case"),
            ("./nowhere", "the base ./nowhere is no folder (name an image, scratch-python, or a folder that"),
            (".", "is no root for a container: it has no python3 on"),
        ],
    )
    def test_on_what_is_no_base_is_refused(self, base: str, said: str, tmp_path: Path) -> None:
        folder = made(tmp_path)
        before = tree(folder)
        assert said in refusal(hyfn("build", "--base", base, cwd=folder), tmp_path)
        assert tree(folder) == before

    def test_on_a_base_for_another_machine_is_refused(self, registry: Registry, tmp_path: Path) -> None:
        name = f"{registry.host}/acme/other:1"
        layout.write([greeter(OTHER)], tmp_path / "layout")
        push.push(tmp_path / "layout", Reference.parse(name), silent)
        architecture = {"x86_64": "x86_64", "aarch64": "arm64"}[HERE]
        folder = made(tmp_path, f'@knative(python="{PYTHON}", architecture="{architecture}")')
        before = tree(folder)
        line = refusal(hyfn("build", "--base", name, cwd=folder), tmp_path)
        assert f"the image {name} is not there for linux/" in line
        assert "(name another base, or another machine)" in line
        assert tree(folder) == before

    def test_for_func_on_a_bare_python_is_refused(self, tmp_path: Path) -> None:
        folder = made(tmp_path, '@knative(runtime="func")')
        line = refusal(hyfn("build", "--base", "scratch-python", cwd=folder), tmp_path)
        assert line.startswith("greetings.py:4: greet on knative needs func-python in what it stands on")
        assert NAME_ONE in line

    def test_for_lambda_on_a_base_that_starts_nothing_is_refused(self, tmp_path: Path) -> None:
        architecture = {"x86_64": "x86_64", "aarch64": "arm64"}[HERE]
        folder = made(tmp_path, f'@aws(package="image", python="{PYTHON}", architecture="{architecture}")')
        line = refusal(hyfn("build", "--base", "scratch-python", cwd=folder), tmp_path)
        assert line.startswith("greetings.py:4: the base scratch-python has no entrypoint, and greet on aws is started")
        assert NAME_ONE in line


class TestAPush:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return made(tmp_path)

    def push(self, folder: Path, where: str) -> str:
        """What is said, on the base that needs no registry."""
        return refusal(hyfn("build", "--base", "scratch-python", "--push", where, cwd=folder), folder.parent)

    def test_without_an_image_says_so(self, registry: Registry, tmp_path: Path) -> None:
        line = self.push(made(tmp_path, "@aws"), registry.host)
        assert line == "no function here becomes an image (nothing is to be pushed: leave --push out)"

    def test_to_what_is_no_registry_says_so(self, folder: Path) -> None:
        assert "names no image: a repository is lower case" in self.push(folder, "localhost:5000/ACME")

    def test_to_a_registry_that_is_away_says_so(self, folder: Path) -> None:
        host = f"localhost:{free_port()}"
        line = self.push(folder, f"{host}/acme")
        assert line.startswith(f"{host} cannot be reached for acme/g-dev-greet-")
        assert line.endswith("(is it up, and is this machine online?)")

    def test_of_func_without_a_base_says_so_before_anything_is_sent(self, registry: Registry, tmp_path: Path) -> None:
        folder = made(tmp_path, '@knative(runtime="func")')
        before = registry.received
        line = refusal(hyfn("build", "--push", registry.host, cwd=folder), tmp_path)
        assert line.startswith("greetings.py:4: greet on knative has no image to stand on")
        assert registry.received == before

    def test_with_a_wrong_password_says_so(self, folder: Path, tmp_path: Path) -> None:
        with Registry.by_password(tmp_path / "closed") as closed:
            auth = base64.b64encode(f"{USER}:mistaken".encode()).decode()
            (tmp_path / "auth.json").write_text(json.dumps({"auths": {closed.host: {"auth": auth}}}))
            line = self.push(folder, f"{closed.host}/acme")
            assert line.startswith(f"{closed.host} does not let you push {closed.host}/acme/g-dev-greet-")
            assert f"the credentials of {closed.host} in {tmp_path / 'auth.json'} were used" in line
            assert "mistaken" not in line
            assert not (tmp_path / "closed" / "storage" / "docker" / "registry" / "v2" / "repositories").exists()


class Stalling(http.server.ThreadingHTTPServer):
    """A registry that takes the beginning of an upload, and then says nothing any more."""

    daemon_threads = True
    uploads = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Stalled)
        self.released = threading.Event()

    def __enter__(self) -> Stalling:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()


class _Stalled(http.server.BaseHTTPRequestHandler):
    server: Stalling
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(404)

    def do_POST(self) -> None:
        self._answer(202, Location=self.path)

    def do_PUT(self) -> None:
        self.server.uploads += 1
        self.server.released.wait(60)

    do_PATCH = do_PUT  # noqa: N815

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()


def test_control_c_ends_a_push_to_a_registry_that_says_nothing(tmp_path: Path) -> None:
    folder = made(tmp_path)
    with Stalling() as stalling:
        where = f"localhost:{stalling.server_address[1]}/acme"
        argv = [*HYFN, "build", "--base", "scratch-python", "--push", where]
        with Terminal(argv, cwd=folder) as terminal:
            until = time.monotonic() + 60
            while stalling.uploads < 3:
                assert time.monotonic() < until, terminal.printed
                time.sleep(0.02)
            before = time.monotonic()
            terminal.type("\x03")
            assert terminal.wait() == 130
            assert time.monotonic() - before < 2
        assert "Traceback" not in terminal.printed
    assert not list((tmp_path / "tmp").iterdir())
