"""What a build makes of functions, groups and options; and that unfinished work is whole or not there."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from hyfn import project
from hyfn.dev.reload import is_relevant
from hyfn.errors import BuildError, HyfnError, MachineError, ProjectErrors
from hyfn.model import Project
from hyfn.pack import delivery
from hyfn.toolchain import cache, scratch, swapping, tools
from hyfn.toolchain.workers import Interrupted, Workers
from tests.commands import TWO, tree, written

GROUPED = """
from hyfn import aws, gcp

@aws(group="papers", memory=512)
@gcp
def scan(n: int) -> int:
    return n

@aws(group="papers", timeout=20, idempotent=True)
def file(n: int) -> int:
    return n

@aws
def lone(n: int) -> int:
    return n
"""


def read(folder: Path, text: str) -> Project:
    return project.read(written(folder / "project", {"app.py": text}))


def silent(text: str) -> None: ...


def test_a_group_is_one_unit_with_the_options_of_all_its_functions(tmp_path: Path) -> None:
    grouped, scan, lone = project.units(read(tmp_path, GROUPED))

    assert [function.qualname for function in grouped.functions] == ["scan", "file"]
    assert (grouped.party, grouped.target.options["memory"], grouped.target.options["timeout"]) == (
        "app:scan@aws",
        512,
        20,
    )
    assert [(unit.party, len(unit.functions)) for unit in (scan, lone)] == [("app:scan@gcp", 1), ("app:lone@aws", 1)]


def test_a_group_is_one_artifact_under_its_own_name(tmp_path: Path) -> None:
    built = project.build(read(tmp_path, GROUPED), tmp_path / "out", silent, project.Wishes(only=["app:scan@aws"]))
    assert [artifact.path for artifact in built.artifacts] == [tmp_path / "out" / "aws" / "papers.zip"]
    assert built.artifacts[0].path.exists()


def test_only_and_pythons_choose_what_is_built_and_for_which_python(tmp_path: Path) -> None:
    source = read(tmp_path, TWO)
    [artifact] = project.build(
        source, tmp_path / "out", silent, project.Wishes({"app:add@gcp": "3.12"}, ["app:add@gcp"])
    ).artifacts
    assert (artifact.short, artifact.platform, artifact.python) == ("add", "gcp", "3.12")


def test_what_fails_in_every_artifact_alike_is_said_once(tmp_path: Path) -> None:
    text = f"import six\n{TWO}".replace("return add(n, n)", "return six.x").replace("return a + b", "return six.y")
    with pytest.raises(BuildError, match="no declared dependency provides 'six'"):
        project.build(read(tmp_path, text), tmp_path / "out", silent)


def test_different_problems_are_said_together(tmp_path: Path) -> None:
    text = TWO.replace("return add(n, n)", "import six\n    return six.x").replace(
        "return a + b", "import idna\n    return idna.x"
    )
    with pytest.raises(ProjectErrors) as raised:
        project.build(read(tmp_path, text), tmp_path / "out", silent)
    assert sorted(error.where or "" for error in raised.value.errors) == ["app.py:10", "app.py:5"]


def test_an_error_of_hyfn_itself_is_not_taken_for_the_projects(tmp_path: Path) -> None:
    def fail(text: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        project.build(read(tmp_path, TWO), tmp_path / "out", fail)
    assert not (tmp_path / "out").exists()


def test_a_delivery_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    with delivery.all_or_nothing(tmp_path / "a" / "out") as partial:
        written(partial, {"file": "new"})
        assert not (tmp_path / "a" / "out").exists()
    assert (tmp_path / "a" / "out" / "file").read_text() == "new"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["out"]


def test_a_delivery_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    written(tmp_path, {"out/manifest.json": '{"artifacts": []}'})
    before = tree(tmp_path)
    for out in (tmp_path / "out", tmp_path / "new" / "er"):
        with pytest.raises(KeyboardInterrupt):
            fail_to_deliver(out)
    assert tree(tmp_path) == before


def fail_to_deliver(out: Path) -> None:
    with delivery.all_or_nothing(out) as partial:
        written(partial, {"file": "new"})
        raise KeyboardInterrupt


def test_a_delivery_that_cannot_take_its_place_puts_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, {"out/manifest.json": '{"artifacts": []}'})
    before, rename = tree(tmp_path), Path.rename
    monkeypatch.setattr(swapping, "swap", lambda one, other: False)

    def fail_for_the_new(self: Path, target: Path) -> Path:
        if target.name == "out" and not target.exists() and not self.name.endswith(".old"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new)
    with pytest.raises(OSError, match="No space"), delivery.all_or_nothing(tmp_path / "out"):
        pass
    assert tree(tmp_path) == before


def test_out_may_be_a_link_to_where_builds_go(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    project.build(read(tmp_path, TWO), tmp_path / "out", silent, project.Wishes(only=["app:add@gcp"]))
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "elsewhere" / "manifest.json").exists()


def test_a_scratch_folder_is_private_and_goes_with_its_work(tmp_path: Path) -> None:
    with scratch.folder("work-", tmp_path) as folder:
        written(folder, {"a/b": ""})
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_what_an_interruption_kept_from_its_end_is_tidied_up(tmp_path: Path) -> None:
    """As where it strikes between the beginning of a block and its body."""
    entered = [scratch.parents(tmp_path / "a" / "b" / "c"), scratch.folder("work-", tmp_path)]
    for block in entered:
        block.__enter__()
    assert sorted(path.name for path in tmp_path.iterdir())[0] == "a"
    scratch.tidy()
    scratch.tidy()
    assert list(tmp_path.iterdir()) == []


def test_leftovers_go_but_never_what_is_in_use_or_new_or_anothers(tmp_path: Path) -> None:
    for name in ("work-left", "work-old.new", "work-1.new", "works-other"):
        written(tmp_path / name, {"file": ""})
    (tmp_path / "work-link").symlink_to(tmp_path / "works-other")
    with scratch.folder("work-", tmp_path) as used:
        for path in (tmp_path / "work-old.new", tmp_path / "works-other", used):
            os.utime(path, (0, 0))
        with scratch.folder("work-", tmp_path) as other:
            left = {path.name for path in tmp_path.iterdir()} - {other.name}
    assert left == {"work-1.new", "works-other", "work-link", used.name}


def test_work_that_is_ended_takes_its_programs_along(tmp_path: Path) -> None:
    began, failed = time.monotonic(), []

    def wait_for_a_program() -> None:
        try:
            tools.run([sys.executable, "-c", "import time; time.sleep(60)"], cwd=tmp_path, env={})
        except HyfnError as error:
            failed.append(type(error))

    with Workers(1) as workers:
        running = workers.submit(wait_for_a_program)
        waiting = workers.submit(wait_for_a_program)
        time.sleep(0.1)
    assert running.done()
    assert waiting.cancelled()
    assert failed == [Interrupted]
    assert time.monotonic() - began < 10


def test_work_that_is_ended_does_not_wait_for_anothers_lock(tmp_path: Path) -> None:
    taken = threading.Event()

    def wait_for_the_lock() -> None:
        taken.set()
        with cache.locked(tmp_path / "lock"):
            raise AssertionError("it was free")

    with cache.locked(tmp_path / "lock"), Workers(1) as workers:
        waiting = workers.submit(wait_for_the_lock)
        taken.wait(10)
        workers.end()
        assert isinstance(waiting.exception(0), Interrupted)


def test_a_tool_gives_back_what_it_wrote_and_how_it_ended(tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read().upper()); print('why', file=sys.stderr); sys.exit(3)"
    done = tools.run([sys.executable, "-c", code], cwd=tmp_path, env={}, stdin="words")
    assert (done.status, done.stdout, done.stderr) == (3, "WORDS\n", "why\n")


def test_a_tool_that_is_too_slow_or_not_there_is_a_machine_error(tmp_path: Path) -> None:
    with pytest.raises(tools.TooSlow):
        tools.run([sys.executable, "-c", "import time; time.sleep(60)"], cwd=tmp_path, env={}, timeout=0.2)
    with pytest.raises(MachineError, match="cannot start /no/such/tool: No such file or directory"):
        tools.run(["/no/such/tool"], cwd=tmp_path, env={})


@pytest.mark.parametrize(
    ("path", "matters"),
    [
        ("app.py", True),
        ("package/module.py", True),
        ("pyproject.toml", True),
        ("requirements.txt", True),
        ("uv.lock", True),
        ("data/words.json", True),
        ("notes.md", False),
        ("other/words.json", False),
        ("package/pyproject.toml", False),
        (".venv/lib/module.py", False),
        (".hyfn/build/aws/f.src/app.py", False),
        ("hyfn-run-x1/functions/f@aws-2/artifact/app.py", False),
        ("app.log", False),
    ],
)
def test_only_what_a_build_reads_is_a_change(path: str, matters: bool) -> None:
    root = Path("/project")
    assert is_relevant(root / path, root, {root / "data"}) == matters
