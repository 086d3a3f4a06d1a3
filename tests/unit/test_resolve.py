"""uv is asked for a runtime's files: which fit it, in which order, and without a word of where an index is."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hyfn.model import Runtime
from hyfn.pack.wheels import compatible, lock, resolve
from hyfn.pack.wheels.choose import choose
from hyfn.pack.wheels.resolve import Question
from tests.fakes import simple_index
from tests.unit import index, locking
from tests.unit.locking import ARM, BOTH, INTEL, project


@pytest.mark.parametrize(
    ("glibc", "tag"), [("2.34", "2_34"), ("2.29", "2_28"), ("2.17", "2_17"), ("2.41", "2_40"), ("2.12", "2_17")]
)
def test_the_tag_is_the_newest_that_the_glibc_has(glibc: str, tag: str) -> None:
    assert compatible.tag(Runtime("3.13", "x86_64", glibc)) == f"x86_64-manylinux_{tag}"


@pytest.mark.parametrize(
    ("tags", "best"),
    [
        (["py3-none-any", "cp313-cp313-manylinux_2_17_x86_64"], "cp313-cp313-manylinux_2_17_x86_64"),
        (
            ["cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-manylinux_2_34_x86_64"],
            "cp313-cp313-manylinux_2_34_x86_64",
        ),
        (["cp313-cp313-manylinux_2_35_x86_64", "cp313-cp313-manylinux2014_x86_64"], "cp313-cp313-manylinux2014_x86_64"),
        (["cp39-abi3-manylinux1_x86_64", "py2.py3-none-any"], "cp39-abi3-manylinux1_x86_64"),
        (["cp313-cp313-manylinux_2_17_aarch64", "cp312-cp312-linux_x86_64", "cp313-cp313t-linux_x86_64"], ""),
        (["cp313-cp313-musllinux_1_1_x86_64", "py3-none-macosx_11_0_arm64", "what"], ""),
        (["1-py3-none-any", "2-py3-none-any", "10a-py3-none-any"], "10a-py3-none-any"),
    ],
)
def test_the_wheel_whose_tags_come_first_is_taken(tags: list[str], best: str) -> None:
    files = {f"apple-1.0-{tag}.whl": tag for tag in tags}
    assert files.get(compatible.best(files, INTEL), "") == best


def test_old_manylinux_is_of_intel_only() -> None:
    assert not compatible.best(["apple-1.0-cp312-cp312-manylinux_2_12_aarch64.whl"], ARM)
    assert compatible.best(["apple-1.0-cp312-cp312-manylinux2014_aarch64.whl"], ARM)


@pytest.mark.spec
def test_credentials_of_an_index_are_kept_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locking.alone(tmp_path, monkeypatch)
    with simple_index.served("ann:s3cret") as private:
        private.add("msgpack-1.1.0-py3-none-any.whl", simple_index.wheel("msgpack", "1.1.0"))
        private.add("apple-1.0-py3-none-any.whl", simple_index.wheel("apple", "1.0"))
        monkeypatch.setenv("UV_DEFAULT_INDEX", private.with_login())
        choice = choose(project(tmp_path / "shop", "apple"), BOTH)
        url = choice.by_runtime[INTEL].wheels[0].url
    assert urlsplit(url).hostname == "127.0.0.1"
    kept = [*(tmp_path / "shop").rglob("*"), *(tmp_path / "cache").rglob("*.json")]
    content = b"".join(file.read_bytes() for file in kept if file.is_file())
    assert b"apple-1.0" in content
    assert b"s3cret" not in content + url.encode()
    assert b"127.0.0.1" not in lock.path(project(tmp_path / "shop", "apple")).read_bytes()


def test_what_uvs_lock_says_twice_is_not_taken_from_it(tmp_path: Path) -> None:
    entry = '[[package]]\nname = "{}"\nversion = "{}"\nsource = {{ {} = "r" }}\n\n'
    packages = [("a", "1", "registry"), ("b", "1", "registry"), ("b", "2", "registry"), ("c", "1", "virtual")]
    (tmp_path / "uv.lock").write_text("version = 1\n\n" + "".join(entry.format(*one) for one in packages))
    assert resolve.locked_versions(tmp_path / "uv.lock") == {"a": "1"}
    assert resolve.locked_versions(tmp_path / "none") == {}


@pytest.mark.runtime
def test_the_real_index_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.require()
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    shop = project(tmp_path / "shop", "six==1.17.0", "PyYAML==6.0.3", "pyaes==1.6.1")
    choice = choose(shop, BOTH)
    files = {wheel.name: wheel.file for wheel in choice.by_runtime[ARM].wheels}
    assert files["six"] == "six-1.17.0-py2.py3-none-any.whl"
    assert files["pyaes"] == "pyaes-1.6.1.tar.gz"
    assert "cp312-cp312" in files["pyyaml"]
    assert "aarch64" in files["pyyaml"]
    assert all(wheel.size and wheel.url for wheel in choice.by_runtime[INTEL].wheels)
    assert "://" not in lock.path(shop).read_text()


def test_an_answer_is_the_closure_in_the_order_of_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fruit = locking.alone(tmp_path, monkeypatch)
    fruit.wheel("pear", "1.0", requires=["apple<2"])
    for version in ("1.0", "1.5", "2.0"):
        fruit.wheel("apple", version)
    answer = resolve.resolve(Question(["pear"], INTEL, tmp_path, ["apple!=1.5"]))
    assert [(wheel.name, wheel.version) for wheel in answer.wheels] == [("apple", "1.0"), ("pear", "1.0")]
    preferring = resolve.resolve(Question(["pear"], INTEL, tmp_path, (), [("apple", "2.0"), ("apple", "1.0")]))
    assert preferring.wheels[0].version == "1.0"
    assert resolve.resolve(Question([], INTEL, tmp_path)).wheels == ()
