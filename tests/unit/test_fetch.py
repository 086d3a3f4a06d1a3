"""Wheels come once, whole and verified; credentials go where they belong and nowhere else."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hyfn.errors import BuildError, HyfnError, MachineError
from hyfn.model import Runtime, Wheel
from hyfn.pack.wheels import credentials, download, fetch, indexes, locate
from tests.fakes import simple_index
from tests.fakes.simple_index import Answer, Index

pytestmark = pytest.mark.spec

INTEL = Runtime("3.13", "x86_64", "2.34")
LOGIN = "ann:pa%3Ass"
PLAIN_LOGIN = "ann:pa:ss"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_")) or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "PAUSES", (0.01, 0.01, 0.01))
    return tmp_path / "cache"


@pytest.fixture
def index() -> Iterator[Index]:
    with simple_index.served() as served:
        yield served


@pytest.fixture
def private() -> Iterator[Index]:
    with simple_index.served(PLAIN_LOGIN) as served:
        yield served


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def get(wheel: Wheel, root: Path | None = None) -> bytes:
    return fetch.fetch([wheel], INTEL, root)[wheel].read_bytes()


def leftovers(cache: Path) -> list[str]:
    return [path.name for path in (cache / "files").rglob("*") if path.is_file()]


def configure(root: Path, *lines: str) -> None:
    (root / "uv.toml").write_text("\n".join(lines) + "\n")


def test_a_wheel_is_fetched_once(index: Index, cache: Path) -> None:
    wheel = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel())
    assert get(wheel) == index.files[wheel.file]
    assert get(wheel) == index.files[wheel.file]
    assert len(index.asked) == 1
    path = fetch.place(wheel, cache)
    assert path == cache / "files" / wheel.sha256[:2] / wheel.sha256 / wheel.file


def test_fifty_cached_wheels_cost_no_import_and_under_two_milliseconds(index: Index, cache: Path) -> None:
    wheels = [index.add(f"m{n}-1.0-py3-none-any.whl", b"%d" % n) for n in range(50)]
    for wheel in wheels:
        path = fetch.place(wheel, cache)
        path.parent.mkdir(parents=True)
        path.write_bytes(index.files[wheel.file])
    program = (
        "import sys, time; from pathlib import Path; from hyfn.model import *; from hyfn.pack.wheels import fetch\n"
        f"wheels = {wheels!r}\nruntime = {INTEL!r}\n"
        "def once():\n"
        "    start = time.process_time(); fetch.fetch(wheels, runtime, None); return time.process_time() - start\n"
        "print(min(once() for _ in range(5)), 'httpx' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert said[1] == "False"
    assert float(said[0]) < 0.002
    assert index.asked == []


def test_whoever_watches_is_told_of_all_bytes_and_not_too_often(index: Index) -> None:
    wheels = [index.add(f"m{n}-1.0-py3-none-any.whl", os.urandom(300_000)) for n in range(20)]
    told: list[tuple[int, int]] = []
    started = time.monotonic()
    fetch.fetch(wheels, INTEL, None, lambda done, total: told.append((done, total)))
    assert told[-1] == (6_000_000, 6_000_000)
    assert len(told) <= 2 + (time.monotonic() - started) / fetch.LOOK


@pytest.mark.parametrize("length", [-1, 0, 1])
def test_other_bytes_than_were_locked_are_never_kept(index: Index, cache: Path, length: int) -> None:
    wheel = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel())
    content = index.files[wheel.file]
    index.files[wheel.file] = (b"X" + content[1:])[: len(content) + min(length, 0)] + b"X" * max(length, 0)
    with pytest.raises(HyfnError, match=r"mine-1.0-py3-none-any.whl") as caught:
        get(wheel)
    assert leftovers(cache) == []
    if length >= 0:
        assert "other bytes than the lock says" in str(caught.value)


def test_a_file_larger_than_locked_is_not_read_to_its_end(index: Index) -> None:
    wheel = index.add("mine-1.0-py3-none-any.whl", b"x" * 1000)
    index.files[wheel.file] = b"x" * 50_000_000
    told: list[int] = []
    with pytest.raises(BuildError, match="more than the 1,000 bytes"):
        fetch.fetch([wheel], INTEL, None, lambda done, _: told.append(done))
    assert all(done < 1_000_000 for done in told)


def test_a_truncated_file_in_the_cache_is_fetched_again(index: Index, cache: Path) -> None:
    wheel = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel())
    get(wheel)
    fetch.place(wheel, cache).write_bytes(b"half")
    assert get(wheel) == index.files[wheel.file]


def test_what_a_killed_process_left_goes_and_what_another_is_writing_stays(index: Index, cache: Path) -> None:
    wheel = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel())
    folder = fetch.place(wheel, cache).parent
    folder.mkdir(parents=True)
    for name in ("old.partial", "new.partial"):
        (folder / name).touch()
    os.utime(folder / "old.partial", (0, 0))
    get(wheel)
    assert sorted(leftovers(cache)) == [wheel.file, "new.partial"]


def test_a_broken_line_is_resumed_where_it_broke(index: Index) -> None:
    wheel = index.add("mine-1.0-py3-none-any.whl", os.urandom(2_000_000))
    index.script = [Answer(cut=1_500_000), Answer(503), Answer()]
    assert get(wheel) == index.files[wheel.file]
    assert [range for _, _, range in index.asked] == ["", "bytes=1500000-", "bytes=1500000-"]


def test_a_server_that_cannot_resume_is_asked_for_all_of_it(index: Index) -> None:
    wheel = index.add("mine-1.0-py3-none-any.whl", os.urandom(2_000_000))
    index.script = [Answer(cut=1_500_000), Answer(416), Answer()]
    assert get(wheel) == index.files[wheel.file]
    assert [range for _, _, range in index.asked] == ["", "bytes=1500000-", ""]


def test_a_passing_fault_is_tried_again_and_a_lasting_one_named(index: Index) -> None:
    wheel = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel())
    index.script = [Answer(429, {"Retry-After": "0"}), Answer(500), Answer(502), Answer()]
    get(wheel)
    other = index.add("other-1.0-py3-none-any.whl", simple_index.wheel("other"))
    index.script = [Answer(500)] * 4
    with pytest.raises(MachineError, match=r"other-1.0-py3-none-any.whl.*HTTP 500"):
        get(other)


def test_a_missing_file_is_said_to_be_gone_and_not_asked_for_again(index: Index) -> None:
    wheel = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel())
    del index.files[wheel.file]
    with pytest.raises(BuildError, match="any more: HTTP 404"):
        get(wheel)
    assert len(index.asked) == 1


def test_an_index_that_is_away_is_named_with_all_that_lacks(index: Index) -> None:
    wheels = [index.add(f"m{n}-1.0-py3-none-any.whl", b"%d" % n) for n in range(3)]
    away = [replace(wheel, url=f"http://127.0.0.1:9/{wheel.file}") for wheel in wheels]
    with pytest.raises(MachineError, match=r"3 files .*m0-1.0.*m1-1.0.*m2-1.0.*Connection refused"):
        fetch.fetch(away, INTEL, None)


def test_offline_nothing_is_asked_and_the_lacking_are_named(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    wheel = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel())
    with pytest.raises(MachineError, match=r"mine-1.0-py3-none-any.whl"):
        get(wheel)
    with pytest.raises(MachineError, match=r"mine-1.0-py3-none-any.whl"):
        get(replace(wheel, url=""))
    assert index.asked == []


@pytest.mark.parametrize("file", ["../../mine.whl", "/mine.whl", ".whl", "a b.whl", ""])
def test_a_lock_cannot_write_outside_the_cache(file: str) -> None:
    with pytest.raises(BuildError, match="without a file name"):
        get(Wheel("mine", "1.0", file, "0" * 64, 0, "http://127.0.0.1:9/mine.whl"))


def test_files_of_this_machine_are_verified_too(tmp_path: Path, root: Path) -> None:
    content = simple_index.wheel()
    wheel = Wheel("mine", "1.0", "mine-1.0-py3-none-any.whl", hashlib.sha256(content).hexdigest(), 0)
    (root / "my wheels").mkdir()
    (root / "my wheels" / wheel.file).write_bytes(content)
    by_path = replace(wheel, url=f"my wheels/{wheel.file}")
    assert get(by_path, root) == content
    (tmp_path / "cache/files").rename(tmp_path / "away")
    (root / "my wheels" / wheel.file).write_bytes(b"other")
    with pytest.raises(BuildError, match="SHA-256"):
        get(replace(wheel, url=(root / "my wheels" / wheel.file).as_uri()), root)


def test_an_interruption_ends_a_stalled_download_at_once(index: Index, cache: Path) -> None:
    released = threading.Event()
    wheels = [index.add(f"m{n}-1.0-py3-none-any.whl", b"x" * 1000) for n in range(3)]
    index.script = [Answer(cut=10, stall=released)] * 3
    program = (
        "import sys; from hyfn.model import *; from hyfn.pack.wheels import fetch\n"
        "def watch(done, total):\n    done == 30 and print('stalled', flush=True)\n"
        f"fetch.fetch({wheels!r}, {INTEL!r}, None, watch)"
    )
    popen = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert popen.stdout is not None
        assert popen.stdout.readline() == b"stalled\n"
        started = time.monotonic()
        popen.send_signal(signal.SIGINT)
        _, said = popen.communicate(timeout=20)
    finally:
        popen.kill()
        popen.communicate()
        released.set()
    assert time.monotonic() - started < 2
    assert b"KeyboardInterrupt" in said
    assert leftovers(cache) == []


def test_a_failure_ends_the_other_downloads_at_once(index: Index, private: Index) -> None:
    released = threading.Event()
    slow = index.add("slow-1.0-py3-none-any.whl", b"x" * 1000)
    index.script = [Answer(cut=10, stall=released)]
    refused = private.add("mine-1.0-py3-none-any.whl", b"x" * 10)
    started = time.monotonic()
    try:
        with pytest.raises(BuildError, match="HTTP 401"):
            fetch.fetch([slow, refused], INTEL, None)
    finally:
        released.set()
    assert len(index.asked) == 1
    assert time.monotonic() - started < 3


def test_two_processes_at_once_leave_one_whole_file(index: Index, cache: Path) -> None:
    wheel = index.add("mine-1.0-py3-none-any.whl", os.urandom(3_000_000))
    program = f"from hyfn.model import *; from hyfn.pack.wheels import fetch; fetch.fetch([{wheel!r}], {INTEL!r}, None)"
    both = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    assert leftovers(cache) == [wheel.file]
    assert fetch.place(wheel, cache).read_bytes() == index.files[wheel.file]


# Where the files of a lock are: the real uv is asked.


def test_a_locked_file_is_found_by_the_index_that_uv_is_configured_with(index: Index, root: Path) -> None:
    configure(root, f'index-url = "{index.simple}"')
    wheel = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel(), has_url=False)
    source = index.add("mine-1.0.tar.gz", simple_index.sdist("mine", "1.0", {}), has_url=False)
    found = locate.locate([wheel, source], INTEL, root)
    assert [one.url for one in found] == [f"{index.url}/files/{one.file}" for one in (wheel, source)]
    assert get(wheel, root) == index.files[wheel.file]


def test_the_locked_file_is_found_though_the_index_has_a_better_one_now(index: Index, root: Path) -> None:
    configure(root, f'index-url = "{index.simple}"')
    locked = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel(), has_url=False)
    index.add("mine-1.0-cp313-cp313-manylinux_2_28_x86_64.whl", simple_index.wheel(tag="cp313-cp313-linux_x86_64"))
    index.add("mine-2.0-py3-none-any.whl", simple_index.wheel(version="2.0"))
    assert get(locked, root) == index.files[locked.file]


def test_a_locked_file_that_was_taken_away_is_said_to_be_gone(index: Index, root: Path) -> None:
    configure(root, f'index-url = "{index.simple}"')
    locked = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel(), has_url=False)
    index.hidden.add(locked.file)
    index.add("mine-1.0-py2.py3-none-any.whl", simple_index.wheel(text="x = 2\n"))
    with pytest.raises(BuildError, match=r"mine-1.0-py3-none-any.whl .*no longer in the index.*--upgrade mine"):
        get(locked, root)


def test_a_locked_version_that_was_taken_away_is_said_to_be_gone(index: Index, root: Path) -> None:
    configure(root, f'index-url = "{index.simple}"')
    locked = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel(), has_url=False)
    index.hidden.add(locked.file)
    index.add("mine-2.0-py3-none-any.whl", simple_index.wheel(version="2.0"))
    with pytest.raises(BuildError, match=r"no version of mine==1.0.*--upgrade mine"):
        get(locked, root)


def test_other_bytes_under_the_locked_name_are_told_before_they_are_fetched(index: Index, root: Path) -> None:
    configure(root, f'index-url = "{index.simple}"')
    locked = index.add("mine-1.0-py3-none-any.whl", simple_index.wheel(), has_url=False)
    index.add(locked.file, simple_index.wheel(text="x = 2\n"))
    with pytest.raises(BuildError, match="other bytes under the name"):
        get(locked, root)
    assert index.asked == []


def test_a_folder_of_wheels_is_an_index_too(root: Path) -> None:
    content = simple_index.wheel()
    (root / "wheels").mkdir()
    wheel = Wheel("mine", "1.0", "mine-1.0-py3-none-any.whl", hashlib.sha256(content).hexdigest(), len(content))
    (root / "wheels" / wheel.file).write_bytes(content)
    configure(root, "no-index = true", 'find-links = ["wheels"]')
    assert get(wheel, root) == content


# Credentials, each as the real uv uses them too: without a URL the file is found by uv with the same ones.


def in_url(private: Index, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(root, f'index-url = "{private.with_login(LOGIN)}"')


def in_pyproject_and_environment(private: Index, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = f'[[tool.uv.index]]\nname = "my-own.index"\nurl = "{private.simple}"\ndefault = true\n'
    (root / "pyproject.toml").write_text(table)
    monkeypatch.setenv("UV_INDEX_MY_OWN_INDEX_USERNAME", "ann")
    monkeypatch.setenv("UV_INDEX_MY_OWN_INDEX_PASSWORD", "pa:ss")


def in_default_index(private: Index, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"private={private.simple}")
    monkeypatch.setenv("UV_INDEX_PRIVATE_USERNAME", "ann")
    monkeypatch.setenv("UV_INDEX_PRIVATE_PASSWORD", "pa:ss")


def in_index_url(private: Index, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX_URL", private.with_login(LOGIN))


def in_users_configuration(private: Index, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(os.environ["HOME"]) / ".config/uv"
    folder.mkdir(parents=True)
    configure(folder, f'[[index]]\nurl = "{private.with_login(LOGIN)}"\ndefault = true')


def in_netrc(private: Index, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(root, f'index-url = "{private.simple}"')
    (root / "netrc").write_text("machine 127.0.0.1\nlogin ann\npassword pa:ss\n")
    monkeypatch.setenv("NETRC", str(root / "netrc"))


def in_keyring(private: Index, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(root, f'index-url = "{private.with_login("ann")}"', 'keyring-provider = "subprocess"')
    program = root / "bin/keyring"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1 $3" = "get ann" ] && echo pa:ss\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


SOURCES = (
    in_url,
    in_pyproject_and_environment,
    in_default_index,
    in_index_url,
    in_users_configuration,
    in_netrc,
    in_keyring,
)


@pytest.mark.parametrize("given", SOURCES, ids=lambda given: given.__name__)
def test_a_private_index_lets_hyfn_in_where_it_lets_uv_in(
    given: object, private: Index, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(given)
    given(private, root, monkeypatch)
    wheel = private.add("mine-1.0-py3-none-any.whl", simple_index.wheel(), has_url=False)
    assert get(wheel, root) == private.files[wheel.file]


def test_without_credentials_the_hint_says_how_to_give_them(private: Index, root: Path) -> None:
    wheel = private.add("mine-1.0-py3-none-any.whl", simple_index.wheel())
    with pytest.raises(BuildError, match=r"HTTP 401.*UV_INDEX_<NAME>_USERNAME"):
        get(wheel, root)


def test_credentials_never_go_to_another_host_that_has_the_files(private: Index, index: Index, root: Path) -> None:
    configure(root, f'index-url = "{private.with_login(LOGIN)}"')
    wheel = private.add("mine-1.0-py3-none-any.whl", simple_index.wheel(), has_url=False)
    index.files = private.files
    private.files_at = index.url
    assert get(wheel, root) == private.files[wheel.file]
    assert [authorization for _, authorization, _ in index.asked] == [""]


def test_credentials_never_follow_a_redirect_to_another_host(private: Index, index: Index, root: Path) -> None:
    configure(root, f'index-url = "{private.with_login(LOGIN)}"')
    wheel = private.add("mine-1.0-py3-none-any.whl", simple_index.wheel(), has_url=False)
    index.files = private.files
    target = index.url.replace("://", "://eve:evil@") + f"/files/{wheel.file}"
    private.script = [Answer(302, {"Location": target})]
    assert get(wheel, root) == private.files[wheel.file]
    assert [bool(authorization) for _, authorization, _ in private.asked] == [True]
    assert [authorization for _, authorization, _ in index.asked] == [""]


def test_files_that_have_moved_are_followed(index: Index) -> None:
    wheels = [index.add(f"m{n}-1.0-py3-none-any.whl", b"%d" % n * 10) for n in range(16)]
    moved = [replace(wheel, url=f"{index.url}/files/moved-{wheel.file}") for wheel in wheels]
    index.redirects = True
    assert len(fetch.fetch(moved, INTEL, None)) == 16


def test_a_redirect_to_a_file_of_this_machine_is_refused(index: Index, tmp_path: Path) -> None:
    content = simple_index.wheel()
    (tmp_path / "secret").write_bytes(content)
    wheel = index.add("mine-1.0-py3-none-any.whl", content)
    index.script = [Answer(302, {"Location": (tmp_path / "secret").as_uri()})]
    with pytest.raises(BuildError, match="no HTTP URL"):
        get(wheel)


@pytest.mark.parametrize("status", [401, 403, 404, 418, 500])
def test_no_error_shows_a_password(status: int, private: Index, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    configure(root, f'index-url = "{private.with_login(LOGIN)}"')
    wheel = private.add("mine-1.0-py3-none-any.whl", simple_index.wheel())
    private.script = [Answer(status)] * 9
    with pytest.raises(HyfnError) as caught:
        get(replace(wheel, url=wheel.url.replace("://", f"://{LOGIN}@")), root)
    shown = f"{caught.value!r} {caught.value} {caught.value.__cause__} {caplog.text} {indexes.settings(root)!r}"
    assert not any(secret in shown for secret in ("pa:ss", "pa%3Ass", "cGE6c3M", "YW5uOnBhOnNz"))


def offers(root: Path, url: str) -> list[str]:
    known = credentials.Credentials(indexes.settings(root))
    return [f"{login.user}:{login.password}" if login else "" for login in known.offers(url)]


def test_of_two_indexes_on_one_host_the_nearer_one_s_login_comes_first(root: Path) -> None:
    configure(
        root,
        'extra-index-url = ["https://a:1@host.test/one/simple", "https://b:2@host.test/two/simple"]',
        'index-url = "https://c:3@other.test/simple"',
    )
    assert offers(root, "https://host.test/two/files/x.whl") == ["b:2", "", "a:1"]
    assert offers(root, "https://HOST.test:443/elsewhere/x.whl") == ["", "a:1", "b:2"]


@pytest.mark.parametrize(
    "url",
    [
        "http://host.test/simple/x.whl",
        "https://host.test:8443/simple/x.whl",
        "https://host.test.evil.test/simple/x.whl",
        "https://evil.test/host.test/simple/x.whl",
        "https://sub.host.test/simple/x.whl",
        "https://evil.test/?@host.test/simple/x.whl",
    ],
)
def test_a_login_is_bound_to_scheme_host_and_port(root: Path, url: str) -> None:
    configure(root, 'index-url = "https://ann:secret@host.test/simple"')
    assert offers(root, "https://host.test/simple/x.whl")[0] == "ann:secret"
    assert offers(root, url) == [""]


def test_an_index_may_say_never_or_always(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "netrc").write_text("machine host.test login ann password secret\n")
    monkeypatch.setenv("NETRC", str(root / "netrc"))
    for policy, expected in (("auto", ["", "ann:secret"]), ("always", ["ann:secret", ""]), ("never", [""])):
        configure(root, f'[[index]]\nurl = "https://host.test/simple"\nauthenticate = "{policy}"')
        assert offers(root, "https://host.test/simple/x.whl") == expected


def test_what_uv_auth_login_stored_is_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyfn.toolchain import uv

    uv.run(["auth", "login", "https://host.test/simple", "--username", "ann", "--password", "secret"], cwd=root)
    assert offers(root, "https://host.test/files/x.whl") == ["", "ann:secret"]
    assert offers(root, "https://other.test/files/x.whl") == [""]
