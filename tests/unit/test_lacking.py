"""What has no wheel comes as source; what cannot be had at all is said by name, and matters only to who imports it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyfn.errors import BuildError, ConfigError, ProjectErrors
from hyfn.model import Wheel
from hyfn.pack.wheels import unresolved
from hyfn.pack.wheels.choose import Choice
from hyfn.toolchain import uv
from tests.fakes.folder_index import FolderIndex, wheel
from tests.unit import locking
from tests.unit.locking import ARM, BOTH, INTEL, chosen, versions

FOR_WINDOWS = "cp313-cp313-win_amd64"
BROKEN = {"PKG-INFO": "", "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'nothing'\n"}


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderIndex:
    return locking.alone(tmp_path, monkeypatch)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "project"


def named(choice: Choice, name: str) -> Wheel:
    return next(one for one in choice.by_runtime[INTEL].wheels if one.name == name)


def test_what_has_no_wheel_comes_as_source(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0", requires=["pear"])
    index.sdist("pear", "1.0")
    index.sdist("plum", "1.0")
    choice = chosen(root, "apple", "plum", runtimes=BOTH)
    assert versions(choice) == versions(choice, ARM) == {"apple": "1.0", "pear": "1.0", "plum": "1.0"}
    assert [wheel.name for wheel in choice.by_runtime[INTEL].wheels if wheel.is_source] == ["pear", "plum"]
    assert named(choice, "pear").file == "pear-1.0.tar.gz"
    assert named(choice, "pear").size == (index.folder / "pear/pear-1.0.tar.gz").stat().st_size


def test_a_wheel_is_taken_before_a_newer_source(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    index.sdist("apple", "2.0")
    assert versions(chosen(root, "apple")) == {"apple": "1.0"}
    (source,) = [one for one in chosen(root, "apple>=2").by_runtime[INTEL].wheels if one.name == "apple"]
    assert source.is_source


def test_one_target_may_have_a_wheel_and_another_the_source(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    index.sdist("apple", "1.0")
    choice = chosen(root, "apple", runtimes=BOTH)
    files = {one.file for chosen in choice.by_runtime.values() for one in chosen.wheels if one.name == "apple"}
    assert files == {"apple-1.0-cp313-cp313-manylinux_2_17_x86_64.whl", "apple-1.0.tar.gz"}


def test_what_has_no_wheel_matters_only_to_who_imports_it(
    index: FolderIndex, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("apple", "1.0")
    index.wheel("pear", "1.0", tag=FOR_WINDOWS)
    first = chosen(root, "apple", "pear", runtimes=BOTH)
    monkeypatch.setattr(uv, "run", None)
    for choice in (first, chosen(root, "apple", "pear", runtimes=BOTH, is_locked=True)):
        assert versions(choice) == {"apple": "1.0"}
        assert [one.name for one in choice.by_runtime[INTEL].requirements] == ["apple"]
        (lacking,) = choice.by_runtime[INTEL].lacking
        assert lacking.requirement.name == "pear"
        assert str(lacking.error) == (
            "pyproject.toml:4: pear has no wheel for CPython 3.13 on x86_64 with glibc 2.34"
            " (its wheels are for win_amd64)"
        )
    assert len(first.notes) == 2
    assert "only functions that import it need it" in first.notes[0]


def test_a_wheel_that_appears_is_taken_by_an_upgrade(index: FolderIndex, root: Path) -> None:
    index.wheel("pear", "1.0", tag=FOR_WINDOWS)
    chosen(root, "pear")
    index.wheel("pear", "1.0")
    assert versions(chosen(root, "pear")) == {}
    assert versions(chosen(root, "pear", upgrade=[])) == {"pear": "1.0"}


def test_a_source_that_cannot_be_read_counts_as_none(index: FolderIndex, root: Path) -> None:
    index.sdist("pear", "1.0", BROKEN)
    (lacking,) = chosen(root, "pear").by_runtime[INTEL].lacking
    assert lacking.error.message == "pear has no wheel for CPython 3.13 on x86_64 with glibc 2.34"
    assert "it comes only as source" in str(lacking.error.hint)


def test_a_dependencys_dependency_without_a_wheel_is_blamed_by_name(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0", requires=["pear"])
    index.wheel("pear", "1.0", tag=FOR_WINDOWS)
    index.wheel("plum", "1.0")
    choice = chosen(root, "apple", "plum")
    assert versions(choice) == {"plum": "1.0"}
    (lacking,) = choice.by_runtime[INTEL].lacking
    assert lacking.error.message == "pear, which apple needs, has no wheel for CPython 3.13 on x86_64 with glibc 2.34"


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        ("cp312-cp312-manylinux_2_17_x86_64", "it has wheels for CPython 3.12: set the target's python="),
        ("cp313-cp313-manylinux_2_17_aarch64", "it has wheels for aarch64"),
        ("cp313-cp313-manylinux_2_39_x86_64", "its wheels are for manylinux_2_39_x86_64"),
        (FOR_WINDOWS, "its wheels are for win_amd64"),
    ],
)
def test_what_would_have_a_wheel_is_said(index: FolderIndex, root: Path, tag: str, hint: str) -> None:
    index.wheel("pear", "1.0", tag=tag)
    (lacking,) = chosen(root, "pear==1.0").by_runtime[INTEL].lacking
    assert lacking.error.hint == hint
    assert unresolved.elsewhere("pear", INTEL, root) == hint


def test_a_name_that_does_not_exist_is_one_line_at_its_declaration(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    with pytest.raises(BuildError) as caught:
        chosen(root, "apple", "pear>=1", runtimes=BOTH)
    assert str(caught.value) == "pyproject.toml:4: pear>=1 is not in the package index (is the name right?)"
    assert not (root / "hyfn.lock").exists()


def test_a_version_that_does_not_exist_is_one_line_at_its_declaration(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    with pytest.raises(BuildError, match=r"^pyproject.toml:3: no version of apple==99 exists"):
        chosen(root, "apple==99")


def test_everything_that_does_not_exist_is_said_at_once(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0")
    with pytest.raises(ProjectErrors) as caught:
        chosen(root, "apple", "pear", "plum")
    assert [error.where for error in caught.value.errors] == ["pyproject.toml:4", "pyproject.toml:5"]


def test_what_exists_nowhere_is_said_beside_what_has_no_wheel(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0", tag=FOR_WINDOWS)
    with pytest.raises(BuildError, match=r"plum is not in the package index"):
        chosen(root, "apple", "plum")


def test_dependencies_that_contradict_each_other_are_one_line(index: FolderIndex, root: Path) -> None:
    index.wheel("apple", "1.0", requires=["pear>=2"])
    index.wheel("pear", "1.0")
    index.wheel("pear", "2.0")
    with pytest.raises(BuildError) as caught:
        chosen(root, "apple", "pear<2")
    assert "\n" not in str(caught.value)
    assert "contradict each other on CPython 3.13" in str(caught.value)
    assert caught.value.message.endswith(
        "all versions of apple depend on pear>=2 and the project depends on apple; the project depends on pear<2"
    )


def test_what_is_no_requirement_is_refused_at_its_line(root: Path) -> None:
    with pytest.raises(BuildError, match=r"^pyproject.toml:3: 'six >2, x' is not a requirement"):
        chosen(root, "six >2, x")


def test_a_file_of_the_project_is_locked_by_its_place_and_followed(root: Path, tmp_path: Path) -> None:
    file = root / "wheels/apple-1.0-py3-none-any.whl"
    file.parent.mkdir(parents=True)
    file.write_bytes(wheel("apple", "1.0", "py3-none-any", (), "x = 1\n"))
    declared = f"apple @ wheels/{file.name}"
    first = named(chosen(root, declared), "apple")
    assert first.url == file.as_uri()
    assert f'url = "wheels/{file.name}"' in (root / "hyfn.lock").read_text()
    assert named(chosen(root, declared, is_locked=True), "apple") == first
    file.write_bytes(wheel("apple", "1.0", "py3-none-any", (), "x = 2\n"))
    with pytest.raises(ConfigError, match=rf"{file.name} has changed"):
        chosen(root, declared, is_locked=True)
    assert named(chosen(root, declared), "apple").sha256 != first.sha256


def test_a_path_source_is_a_direct_reference_too(root: Path, index: FolderIndex) -> None:
    index.wheel("apple", "9.0", text="somebody else's")
    file = root / "apple-1.0-py3-none-any.whl"
    root.mkdir()
    file.write_bytes(wheel("apple", "1.0", "py3-none-any", (), "x = 1\n"))
    choice = chosen(root, "apple", uv={"sources": {"apple": {"path": file.name}}})
    assert versions(choice) == {"apple": "1.0"}
    assert f'url = "{file.name}"' in (root / "hyfn.lock").read_text()


def test_an_index_source_is_heeded(root: Path, index: FolderIndex, tmp_path: Path) -> None:
    index.wheel("apple", "9.0", text="somebody else's")
    mine = FolderIndex(tmp_path / "mine")
    mine.wheel("apple", "1.0")
    table = {
        "index": [{"name": "mine", "url": mine.url, "explicit": True}],
        "sources": {"Apple": [{"index": "mine", "marker": "sys_platform == 'linux'"}]},
    }
    choice = chosen(root, "apple", uv=table)
    assert versions(choice) == {"apple": "1.0"}
    assert "url" not in (root / "hyfn.lock").read_text()
    assert str(tmp_path) not in (root / "hyfn.lock").read_text()


@pytest.mark.parametrize(
    ("declared", "source", "said"),
    [
        ("apple", {"workspace": True}, "apple comes from another member of the workspace"),
        ("apple", {"path": "lib", "editable": True}, "apple comes from the folder lib"),
        ("apple", {"git": "https://git.example/apple"}, "apple comes from the repository https://git.example/apple"),
        ("apple @ git+https://git.example/apple", None, "apple comes from the repository https://git.example/apple"),
        ("apple @ ./lib", None, "apple comes from the folder ./lib"),
        ("apple @ ./apple-1.0-py3-none-any.whl", None, "comes from ./apple-1.0-py3-none-any.whl, which is not there"),
    ],
)
def test_what_no_lock_can_hold_is_never_looked_for_in_an_index(
    root: Path, index: FolderIndex, declared: str, source: dict[str, object] | None, said: str
) -> None:
    index.wheel("apple", "9.0", text="somebody else's")
    (root / "lib").mkdir(parents=True)
    uv_table = {"sources": {"apple": source}} if source else {}
    for _ in range(2):
        choice = chosen(root, declared, uv=uv_table)
        assert versions(choice) == {}
        (lacking,) = choice.by_runtime[INTEL].lacking
        assert said in lacking.error.message
        assert lacking.error.where == "pyproject.toml:3"
        assert "uv build --wheel" in str(lacking.error.hint)
    chosen(root, declared, uv=uv_table, is_locked=True)


def test_a_file_that_was_not_there_is_taken_once_it_is(root: Path) -> None:
    declared = "apple @ ./apple-1.0-py3-none-any.whl"
    assert versions(chosen(root, declared)) == {}
    (root / "apple-1.0-py3-none-any.whl").write_bytes(wheel("apple", "1.0", "py3-none-any", (), "x = 1\n"))
    assert versions(chosen(root, declared)) == {"apple": "1.0"}
