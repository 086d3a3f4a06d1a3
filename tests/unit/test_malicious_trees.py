"""Of a project's folder only its own plain files travel, wherever its links lead and whatever lies in it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hyfn.errors import BuildError
from hyfn.model import Place
from hyfn.pack import archive, included
from tests.unit.small_projects import HEAD, linked, sliced

Set = Callable[[Path, Path], object]
"""Puts a trap into the folder; the other folder lies outside the project and holds "stolen" and "inner/stolen"."""


def _chain(folder: Path, outside: Path) -> None:
    for number in range(30):
        (folder / f"trap{number}").symlink_to(f"trap{number + 1}")
    (folder / "trap30").symlink_to(outside / "stolen")


def _mutual(folder: Path, outside: Path) -> None:
    (folder / "trap").symlink_to("trap2")
    (folder / "trap2").symlink_to("trap")


def _socket(folder: Path, outside: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("trap")
    finally:
        os.chdir(here)


def _linked_pipe(folder: Path, outside: Path) -> None:
    os.mkfifo(outside / "pipe")
    (folder / "trap").symlink_to(outside / "pipe")


def _deep(folder: Path, outside: Path) -> None:
    for _ in range(60):
        folder = folder / "d"
        folder.mkdir()
        (folder / "up").symlink_to("..")


def _inside(name: str) -> Set:
    def put(folder: Path, outside: Path) -> None:
        path = folder.parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("hidden")
        (folder / "trap").symlink_to(os.path.relpath(path, folder))

    return put


TRAPS: dict[str, Set] = {
    "a link to a file outside": lambda folder, outside: (folder / "trap").symlink_to(outside / "stolen"),
    "a relative link out": lambda folder, outside: (folder / "trap").symlink_to("../../outside/stolen"),
    "a link to a folder outside": lambda folder, outside: (folder / "trap").symlink_to(outside),
    "a link to a system's file": lambda folder, outside: (folder / "trap").symlink_to("/etc/passwd"),
    "a link to a system's folder": lambda folder, outside: (folder / "trap").symlink_to("/etc"),
    "a link to all": lambda folder, outside: (folder / "trap").symlink_to("/"),
    "a link to a device": lambda folder, outside: (folder / "trap").symlink_to("/dev/zero"),
    "a link to a process": lambda folder, outside: (folder / "trap").symlink_to("/proc/self/environ"),
    "a chain of links": _chain,
    "a link to itself": lambda folder, outside: (folder / "trap").symlink_to("trap"),
    "links to each other": _mutual,
    "a link to its own folder": lambda folder, outside: (folder / "trap").symlink_to("."),
    "a link to the folder above": lambda folder, outside: (folder / "trap").symlink_to(".."),
    "a link to nothing": lambda folder, outside: (folder / "trap").symlink_to("nowhere"),
    "a link of an endless name": lambda folder, outside: (folder / "trap").symlink_to("x" * 300),
    "folders with links up": _deep,
    "a pipe": lambda folder, outside: os.mkfifo(folder / "trap"),
    "a link to a pipe": _linked_pipe,
    "a socket": _socket,
    "a link to a hidden file": _inside(".env"),
    "a link into a hidden folder": _inside(".git/config"),
    "a link to a key": _inside("server.key"),
    "a link to a login key": _inside("id_ed25519"),
    "a hidden folder": lambda folder, outside: (folder / ".trap").symlink_to(outside),
    "a key by its content": lambda folder, outside: (folder / "trap").write_text(
        "-" * 5 + "BEGIN EC PRIVATE KEY" + "-" * 5
    ),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path_factory.mktemp("cache")))


def _too_long(number: int, frame: object) -> None:
    raise TimeoutError


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Reading a pipe or a device would never end."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(30)
    yield
    signal.alarm(0)


def travelling(tmp_path: Path, trap: Set, code: str) -> dict[str, bytes]:
    """What of the folder data/ travels with a function that runs the code."""
    folder = _project(tmp_path, trap)
    app = f"from pathlib import Path\n{HEAD}@aws\ndef one(x: str) -> object:\n    return {code}\n"
    cut = sliced(linked(folder, {"app.py": app}), "one")
    return {name: content for name, content in cut.files.items() if name.startswith("data/")}


def _project(tmp_path: Path, trap: Set) -> Path:
    outside, folder = tmp_path / "outside", tmp_path / "project"
    (outside / "inner").mkdir(parents=True)
    (outside / "stolen").write_text("stolen")
    (outside / "inner/stolen").write_text("stolen")
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "good.txt").write_text("good")
    trap(folder / "data", outside)
    return folder


@pytest.mark.parametrize("name", TRAPS)
def test_a_folder_that_code_names_gives_only_its_own_files(name: str, tmp_path: Path) -> None:
    assert travelling(tmp_path, TRAPS[name], "list((Path(__file__).parent / 'data').iterdir())") == {
        "data/good.txt": b"good"
    }


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_that_code_names_gives_nothing(name: str, tmp_path: Path) -> None:
    code = "open('data/trap'), open('data/trap0'), open('data/trap/stolen'), open('data/trap/inner/stolen')"
    found = travelling(tmp_path, TRAPS[name], code)
    assert set(found.values()) <= {b"good"}


@pytest.mark.parametrize("name", TRAPS)
def test_an_include_brings_nothing_from_outside(name: str, tmp_path: Path) -> None:
    folder = _project(tmp_path, TRAPS[name])
    project = linked(folder, {"app.py": f"{HEAD}@aws\ndef one(x: str) -> str:\n    return x\n"})
    found = included.files(project, [("**", Place("pyproject.toml", 1))])
    assert found["data/good.txt"] == b"good"
    assert not {b"stolen", Path("/etc/passwd").read_bytes()} & {*found.values()}


@pytest.mark.parametrize("name", ["a\nb", "back\\slash", "a:b", "dot.", "space ", "%2e%2e%2fx", "..\u2215x"])
def test_a_file_with_a_name_that_no_archive_may_hold_is_refused(name: str, tmp_path: Path) -> None:
    files = travelling(tmp_path, lambda folder, _: (folder / name).write_text("x"), "open('data/good.txt'), 'data'")
    with pytest.raises(BuildError, match="no path inside"):
        archive.members({**files, f"data/{name}": b""})


@pytest.mark.parametrize("names", [("a.txt", "A.TXT"), ("\u00e9", "e\u0301"), ("x/y", "X/z")])
def test_files_that_another_system_takes_for_one_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    def put(folder: Path, _: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("x")

    files = travelling(tmp_path, put, "list((Path(__file__).parent / 'data').iterdir())")
    assert len(files) == 3
    with pytest.raises(BuildError, match="case does not matter"):
        archive.members(files)
