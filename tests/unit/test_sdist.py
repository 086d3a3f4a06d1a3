"""A source distribution becomes a wheel where it is pure Python, and is refused where it is not."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from hyfn.errors import BuildError
from hyfn.model import Runtime, Wheel
from hyfn.pack.wheels import fetch, sdist
from tests.fakes import simple_index
from tests.unit import index

ARM = Runtime("3.13", "aarch64", "2.34")
SETUP = "from setuptools import setup\nsetup(name='mine', version='1.0', py_modules=['mine'])\n"
NATIVE_SETUP = (
    "from setuptools import Extension, setup\n"
    "setup(name='mine', version='1.0', ext_modules=[Extension('mine', ['src/mine.c'])])\n"
)
C = (
    "#include <Python.h>\n"
    'static struct PyModuleDef mine = {PyModuleDef_HEAD_INIT, "mine"};\n'
    "PyMODINIT_FUNC PyInit_mine(void) { return PyModule_Create(&mine); }\n"
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def packed(folder: Path, files: Mapping[str, str], name: str = "mine") -> tuple[Wheel, Path]:
    content = simple_index.sdist(name, "1.0", files)
    path = folder / f"{name}-1.0.tar.gz"
    path.write_bytes(content)
    return Wheel(name, "1.0", path.name, hashlib.sha256(content).hexdigest(), len(content), path.as_uri()), path


def build(folder: Path, files: Mapping[str, str], runtime: Runtime = ARM) -> Path:
    source, path = packed(folder, files)
    return sdist.wheel_of(source, path, runtime, None)


def sign(folder: Path, files: Mapping[str, str]) -> str | None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return sdist.native_sign(folder)


PYAES = "02c1b1405c38d3c370b085fb952dd8bea3fadcee6411ad99f312cc129c536d8f"
DOCOPT = "49b3a825280bd66b3aa83585ef59c4a8c82f2c8a522dbe754a8bc8d08c85c491"


@pytest.mark.runtime
@pytest.mark.parametrize(
    "source",
    [
        Wheel("pyaes", "1.6.1", "pyaes-1.6.1.tar.gz", PYAES, 0),
        Wheel("docopt", "0.6.2", "docopt-0.6.2.tar.gz", DOCOPT, 0),
    ],
    ids=lambda source: source.name,
)
def test_a_published_pure_source_becomes_a_wheel(source: Wheel) -> None:
    index.require()
    path = fetch.fetch([source], ARM, None)[source]
    assert path.name == f"{source.name}-{source.version}-py2.py3-none-any.whl".replace(
        "py2.py3", path.name.split("-")[2]
    )
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert any(name.startswith(source.name) and name.endswith(".py") for name in archive.namelist())
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_it_is_built_once_and_its_source_not_even_fetched_again(tmp_path: Path, cache: Path) -> None:
    index.require()
    source, path = packed(tmp_path, {"setup.py": SETUP, "mine.py": "x = 1\n"})
    built = fetch.fetch([source], ARM, None)[source]
    made = built.stat().st_ino
    path.unlink()
    (cache / "files").rename(tmp_path / "away")
    assert fetch.fetch([source], ARM, None)[source] == built
    assert built.stat().st_ino == made


def test_the_same_source_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.require()
    digests = []
    for count, umask in enumerate((0o022, 0o077)):
        monkeypatch.setenv("HYFN_CACHE", str(tmp_path / f"cache{count}"))
        before = os.umask(umask)
        try:
            made = build(tmp_path, {"setup.py": SETUP, "mine.py": "x = 1\n"})
        finally:
            os.umask(before)
        with zipfile.ZipFile(made) as archive:
            digests.append([(one.filename, one.CRC, one.date_time) for one in archive.infolist()])
    assert digests[0] == digests[1]


def test_a_build_knows_no_secrets_and_not_this_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.require()
    for name in ("AWS_SECRET_ACCESS_KEY", "HYFN_KEY", "UV_PUBLISH_TOKEN", "GITHUB_TOKEN", "UV_PUBLISH_PASSWORD"):
        monkeypatch.setenv(name, "planted")
    spy = "import os\nopen('mine.py', 'w').write(repr({**os.environ}))\n"
    made = build(tmp_path, {"setup.py": spy + SETUP})
    with zipfile.ZipFile(made) as archive:
        seen = archive.read("mine.py").decode()
    assert "planted" not in seen
    assert f"'HOME': {str(Path.home())!r}" not in seen
    assert "'SOURCE_DATE_EPOCH': '315532800'" in seen


@pytest.mark.parametrize(
    "files",
    [
        {"setup.py": NATIVE_SETUP, "src/mine.c": C},
        {"pyproject.toml": '[build-system]\nbuild-backend = "maturin"\nrequires = ["maturin"]', "src/lib.rs": ""},
        {"pyproject.toml": '[build-system]\nbuild-backend = "mesonpy"\nrequires = []', "meson.build": ""},
        {"pyproject.toml": '[build-system]\nbuild-backend = "scikit_build_core.build"\nrequires = []'},
        {"pyproject.toml": '[build-system]\nrequires = ["setuptools", "Cython>=3"]', "setup.py": SETUP, "m/a.pyx": ""},
        {"pyproject.toml": '[tool.setuptools]\next-modules = [{name = "m", sources = ["m.cpp"]}]', "m.cpp": ""},
        {"setup.py": "setup(rust_extensions=[RustExtension('m')])", "src/lib.rs": ""},
        {"setup.py": "setup(cffi_modules=['build.py:ffi'])", "lib/x.c": ""},
    ],
)
def test_a_native_one_is_refused_before_anything_runs(tmp_path: Path, files: Mapping[str, str]) -> None:
    trap = {"setup.py": f"open({str(tmp_path / 'ran')!r}, 'w')\n{files.get('setup.py', '')}"}
    with pytest.raises(sdist.Native) as caught:
        build(tmp_path, {**files, **trap})
    assert not (tmp_path / "ran").exists()
    assert caught.value.message.startswith(
        "mine 1.0 comes only as source for CPython 3.13 on aarch64 and needs a compiler"
    )
    assert caught.value.source.file == "mine-1.0.tar.gz"


@pytest.mark.parametrize(
    "files",
    [
        {"setup.py": SETUP, "docs/example.c": C, "tests/x.pyx": "", "mine.py": ""},
        {"setup.py": SETUP, "mine/template.c": C},
        {"setup.py": NATIVE_SETUP.replace("src/mine.c", "made_at_build.c"), "mine.py": ""},
        {"setup.py": f"# no ext_modules here\n{SETUP}", "mine/data.c": C},
        {"pyproject.toml": '[build-system]\nbuild-backend = "flit_core.buildapi"\nrequires = ["flit_core"]'},
        {"pyproject.toml": "not toml ["},
        {},
    ],
)
def test_sources_that_are_not_compiled_are_no_reason_to_refuse(tmp_path: Path, files: Mapping[str, str]) -> None:
    assert sign(tmp_path, files) is None


def test_a_native_one_that_hides_it_is_known_by_its_wheel(tmp_path: Path) -> None:
    index.require()
    if shutil.which("cc") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no C compiler")
    hidden = NATIVE_SETUP.replace("'src/mine.c'", "'mine.txt.c'")
    write = f"open('mine.txt.c', 'w').write({C!r})\n"
    with pytest.raises(sdist.Native, match=r"its wheel is mine-1.0-cp"):
        build(tmp_path, {"setup.py": write + hidden})


def test_a_pure_wheel_with_a_library_made_here_is_refused_and_one_that_came_along_is_not(tmp_path: Path) -> None:
    index.require()
    setup = SETUP.replace("py_modules=['mine']", "packages=['mine'], package_data={'mine': ['*.so']}")
    files = {"mine/__init__.py": "", "setup.py": f"open('mine/made.so', 'w').write('x')\n{setup}"}
    with pytest.raises(sdist.Native, match=r"it compiles made.so"):
        build(tmp_path, files)
    came = build(tmp_path, {**files, "setup.py": setup, "mine/made.so": "x"})
    assert "mine/made.so" in zipfile.ZipFile(came).namelist()


def test_a_failed_build_says_the_backend_s_last_word(tmp_path: Path, cache: Path) -> None:
    index.require()
    with pytest.raises(sdist.Unbuildable) as caught:
        build(tmp_path, {"setup.py": "print('hello')\nraise RuntimeError('libfoo is needed')\n"})
    assert caught.value.message == "building mine 1.0 from mine-1.0.tar.gz failed: RuntimeError: libfoo is needed"
    assert "find-links" in (caught.value.hint or "")
    assert not isinstance(caught.value, sdist.Native)
    assert list((cache / "built").rglob("*.whl")) == []


def test_what_a_build_needs_and_cannot_be_had_is_named(tmp_path: Path) -> None:
    index.require()
    backend = '[build-system]\nrequires = ["setuptools==0.0.0.1"]\nbuild-backend = "setuptools.build_meta"\n'
    with pytest.raises(sdist.Unbuildable, match=r"setuptools==0.0.0.1"):
        build(tmp_path, {"pyproject.toml": backend})


def test_a_wheel_of_another_name_is_refused(tmp_path: Path) -> None:
    index.require()
    with pytest.raises(sdist.Unbuildable, match=r"gave other-1.0-py3-none-any.whl"):
        build(tmp_path, {"setup.py": SETUP.replace("name='mine'", "name='other'"), "mine.py": ""})


def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        build(tmp_path, {"../../escaped.py": "x = 1\n", "setup.py": SETUP})
    assert not list(tmp_path.rglob("escaped.py"))


def test_indexes_named_in_the_archive_are_not_asked(tmp_path: Path) -> None:
    index.require()
    own = '[[tool.uv.index]]\nurl = "http://127.0.0.1:9/simple"\ndefault = true\n'
    own += '[tool.uv.sources]\nsetuptools = {path = "x"}\n'
    backend = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    assert build(tmp_path, {"pyproject.toml": backend + own, "setup.py": SETUP, "mine.py": ""}).is_file()
