"""What modules compile to: used by CPython as it stands, and the same bytes whatever else is compiled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from hyfn.errors import BuildError
from hyfn.pack import pyc
from hyfn.toolchain import pythons
from hyfn.toolchain.pythons import Interpreter

NESTED = b"""
class Meta:
    class Inner:
        def method(self): return 'Meta.Inner', ("a b", 1000, 2.5), {"x", "y", "a b"}
"""
# CPython 3.11 has one 'ä' for all, and it stays interned from its first use as a name on.
NAMED, QUOTED = "ä = 1  # the longer of both\n".encode(), "x = 'ä'\n".encode()
PLAIN = b"from os import path as p\ndef join(a, b):\n    return p.join(a, b, 'x-y')\n"
BROKEN = {
    "py2.py": b"print 'old'\n",
    "zero.py": b"a = 1\0\n",
    "deep.py": b"x = " + b"-" * 100_000 + b"1\n",
    "coding.py": b"# coding: latin-99\n",
    "bytes.py": b"x = '\xff'\n",
}
PY_COMPILE = """
import py_compile, sys
source, made, name = sys.argv[1:]
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
py_compile.compile(source, made, name, doraise=True, invalidation_mode=mode)
"""


@pytest.fixture(params=["3.11", "3.12", "3.13"])
def interpreter(request: pytest.FixtureRequest) -> Interpreter:
    found = pythons.interpreter(request.param)
    if found is None:
        assert not os.environ.get("CI"), f"CPython {request.param} is missing"
        pytest.skip(f"CPython {request.param} is not on this machine")
    return found


@pytest.fixture
def tag(interpreter: Interpreter) -> str:
    return "cpython-" + "".join(interpreter.version.split(".")[:2])


def own_sources(folder: str) -> dict[str, bytes]:
    root = Path(pyc.__file__).parent.parent
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted((root / folder).rglob("*.py"))}


def laid(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def said(interpreter: Interpreter, root: Path, code: str) -> str:
    environment = {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [interpreter.path, "-S", "-c", code], env=environment, cwd="/", capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_bytes_are_those_that_cpython_writes(interpreter: Interpreter, tag: str, tmp_path: Path) -> None:
    source, made = tmp_path / "source", tmp_path / "made"
    for name, content in {"pkg/nested.py": NESTED, "plain.py": PLAIN}.items():
        found = pyc.compiled({"one": {name: content}}, interpreter.path)["one"]
        source.write_bytes(content)
        subprocess.run([interpreter.path, "-S", "-c", PY_COMPILE, source, made, name], check=True)
        folder, _, stem = name.removesuffix(".py").rpartition("/")
        assert found == {f"{folder}/__pycache__/{stem}.{tag}.pyc".lstrip("/"): made.read_bytes()}


def test_an_import_uses_it_and_never_looks_at_the_source(interpreter: Interpreter, tmp_path: Path) -> None:
    sources = {"pkg/__init__.py": b"", "pkg/mod.py": b"word = 'compiled'\n"}
    laid(tmp_path, {**sources, **pyc.compiled({"": sources}, interpreter.path)[""]})
    (tmp_path / "pkg/mod.py").write_bytes(b"word = 'read anew'\n")
    os.utime(tmp_path / "pkg/mod.py", (0, time.time() + 60))
    assert said(interpreter, tmp_path, "import pkg.mod; print(pkg.mod.word)") == "compiled"


def test_a_traceback_names_the_file_where_it_stands(interpreter: Interpreter, tmp_path: Path) -> None:
    sources = {"pkg/__init__.py": b"", "pkg/mod.py": b"def fail():\n    return [1 / n for n in (0,)]\n"}
    laid(tmp_path, {**sources, **pyc.compiled({"": sources}, interpreter.path)[""]})
    text = said(
        interpreter,
        tmp_path,
        "import pkg.mod, traceback\ntry: pkg.mod.fail()\nexcept Exception: print(traceback.format_exc())",
    )
    assert f'File "{tmp_path}/pkg/mod.py", line 2' in text
    assert "return [1 / n for n in (0,)]" in text
    assert 'File "pkg/mod.py"' not in text


def test_a_group_has_the_same_bytes_whatever_else_is_compiled(interpreter: Interpreter) -> None:
    groups = {name: {"pkg/same.py": NESTED} for name in "abc"}
    groups |= {"named": {"named.py": NAMED}, "quoted": {"quoted.py": QUOTED}}
    groups |= {path: {path: content} for path, content in own_sources("wire").items()}
    groups["together"] = {**own_sources("wire"), **own_sources("declare.py"), "same.py": NESTED, "again.py": NESTED}
    at_once = pyc.compiled(groups, interpreter.path)
    assert pyc.compiled(dict(reversed(groups.items())), interpreter.path) == at_once
    for name in ("c", "quoted", "wire/codec.py", "together"):
        assert pyc.compiled({name: groups[name]}, interpreter.path)[name] == at_once[name]
    assert at_once["a"] == at_once["b"] == at_once["c"]


def test_a_large_group_has_the_same_bytes_in_pieces(interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch) -> None:
    group = {f"m{number}.py": NESTED + b"#" * 1000 for number in range(20)}
    monkeypatch.setattr(pyc, "PIECE", 5000)
    alone = pyc.compiled({"": group}, interpreter.path)
    beside = pyc.compiled({"first": {"m.py": NESTED}, "": dict(reversed(group.items()))}, interpreter.path)
    assert beside[""] == alone[""]
    assert len(alone[""]) == 20


def test_nothing_of_this_process_is_in_the_bytes(
    interpreter: Interpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = {"": own_sources("call")}
    before = pyc.compiled(group, interpreter.path)
    for name, value in {"PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "2", "LC_ALL": "C", "PYTHONPATH": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.chdir(tmp_path)
    umask = os.umask(0o077)
    try:
        assert pyc.compiled(group, interpreter.path) == before
    finally:
        os.umask(umask)
    assert len(before[""]) == len(group[""])


def test_what_does_not_compile_or_is_no_module_is_left_out(interpreter: Interpreter, tag: str) -> None:
    others = {"a-b.py": b"", "{{ name }}.py": b"", "data.txt": b"", "x.y.py": b""}
    found = pyc.compiled({"": {**BROKEN, **others, "good.py": b""}, "empty": {}}, interpreter.path)
    assert found["empty"] == {}
    assert list(found[""]) == [f"__pycache__/good.{tag}.pyc"]


def test_a_declared_encoding_counts(interpreter: Interpreter, tmp_path: Path) -> None:
    sources = {"mod.py": "# coding: latin-1\nword = 'é'\n".encode("latin-1")}
    laid(tmp_path, pyc.compiled({"": sources}, interpreter.path)[""] | {"mod.py": b""})
    assert said(interpreter, tmp_path, "import mod; print(ascii(mod.word))") == r"'\xe9'"


def test_an_interpreter_that_fails_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(BuildError, match=r"no such luck.*pyc = false"):
        pyc.compiled({"": {"mod.py": b""}}, broken)


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_kept_is_not_compiled_again(interpreter: Interpreter, cached: Path, tag: str) -> None:
    sources = {"pkg/mod.py": PLAIN, **BROKEN}
    first = pyc.kept(sources, interpreter)
    assert first == pyc.compiled({"": {"pkg/mod.py": PLAIN}}, interpreter.path)[""]
    assert list(first) == [f"pkg/__pycache__/mod.{tag}.pyc"]
    assert pyc.kept(sources, Interpreter(Path("/no/such/python"), interpreter.version)) == first


def test_one_file_has_the_same_bytes_alone_and_among_others(cached: Path) -> None:
    this = Interpreter(Path(sys.executable), sys.version.split()[0])
    among = pyc.kept({"a.py": NAMED, "b.py": NESTED, "c.py": QUOTED}, this)
    for file in (cached / "pyc").rglob("*"):
        if file.is_file():
            file.unlink()
    assert pyc.kept({"c.py": QUOTED}, this).items() <= among.items()


def test_another_source_path_or_version_is_another_file(cached: Path) -> None:
    this = Interpreter(Path(sys.executable), sys.version.split()[0])
    one = pyc.kept({"a.py": b"x = 1\n"}, this)
    assert pyc.kept({"a.py": b"x = 2\n"}, this).keys() == one.keys()
    assert pyc.kept({"a.py": b"x = 2\n"}, this) != one
    assert b"b.py" in next(iter(pyc.kept({"b.py": b"x = 1\n"}, this).values()))
    with pytest.raises(Exception, match="cannot start"):
        pyc.kept({"a.py": b"x = 1\n"}, Interpreter(Path("/no/such/python"), "3.11.99"))


@pytest.mark.parametrize("damage", [b"", b"abcd", b"\0\0\0\0more"])
def test_a_damaged_kept_file_is_made_anew(cached: Path, damage: bytes) -> None:
    this = Interpreter(Path(sys.executable), sys.version.split()[0])
    first = pyc.kept({"a.py": PLAIN}, this)
    (file,) = [path for path in (cached / "pyc").rglob("*") if path.is_file()]
    file.write_bytes(damage)
    assert pyc.kept({"a.py": PLAIN}, this) == first
    assert file.stat().st_size > len(damage)
