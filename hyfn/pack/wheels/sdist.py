"""A wheel from a source distribution, built in isolation and kept. Only what is pure Python: nothing is compiled."""

from __future__ import annotations

import itertools
import os
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path, PurePosixPath
from typing import Any

from packaging.utils import canonicalize_name

from hyfn.errors import BuildError, MachineError
from hyfn.model import Runtime, Wheel
from hyfn.pack import extract
from hyfn.pack.wheels.unbuildable import Native as Native
from hyfn.pack.wheels.unbuildable import Unbuildable as Unbuildable
from hyfn.toolchain import cache, processes, pythons, scratch, tools, uv

EPOCH = "315532800"
"""SOURCE_DATE_EPOCH of every build: 1980-01-01, the first date that a zip can tell."""
BUILD_SECONDS = 600.0

NATIVE_BACKENDS = (
    "maturin",
    "setuptools_rust",
    "mesonpy",
    "scikit_build_core",
    "skbuild",
    "sipbuild",
    "py_build_cmake",
)
NATIVE_REQUIREMENTS = re.compile(
    r"(cython|cffi|pybind11|nanobind|setuptools[-_]rust|scikit[-_]build(?:[-_]core)?|mypy|cmake|swig)\b", re.IGNORECASE
)
EXTENSIONS = re.compile(
    r"\bext[-_]modules\b|\bExtension\s*\(|\bcythonize\s*\(|\bcffi_modules\b|\brust_extensions\b|\bCMakeExtension\b"
)
NATIVE_SOURCES = frozenset(
    {".c", ".cc", ".cpp", ".cxx", ".cu", ".f", ".f90", ".for", ".go", ".m", ".mm", ".pxd", ".pyx", ".rs", ".s", ".zig"}
)
ASIDE = frozenset({"doc", "docs", "example", "examples", "sample", "samples", "test", "tests", "benchmarks"})
"""Folders whose sources are not part of what is built."""
LIBRARY = re.compile(r"\.(?:so(?:\.[\d.]+)?|pyd|dylib|dll)$")
OF_INDEXES = re.compile(r"UV_INDEX_.+_(?:USERNAME|PASSWORD)|UV_CREDENTIALS_DIR")
QUIET = re.compile(r"Building (?:wheel|source distribution)|\s*$")
FAULT = re.compile(r"[\w.]*(?:Error|Exception)\b|(?:fatal )?error:", re.IGNORECASE)
"""What a backend prints to both streams comes in any order, so its last line may be something else."""


def kept(source: Wheel, runtime: Runtime, home: Path) -> Path | None:
    """The wheel that was built of `source` before, in the cache `home`, or None."""
    try:
        names = sorted(name for name in os.listdir(_folder(source, runtime, home)) if name.endswith(".whl"))  # noqa: PTH208 faster
    except OSError:
        return None
    return _folder(source, runtime, home) / names[0] if names else None


def wheel_of(source: Wheel, path: Path, runtime: Runtime, root: Path | None) -> Path:
    """The wheel built of the source distribution at `path`, once for each SHA-256 and minor Python.

    Built by uv with the target's Python where it is at hand, else with this one's, with the indexes of `root` and
    without this environment's secrets. Raises Native, Unbuildable with the backend's last word, BuildError for an
    archive that is not to be trusted, MachineError without network. Safe to call at once.
    """
    home = cache.home()
    folder = _folder(source, runtime, home)
    folder.mkdir(parents=True, exist_ok=True)
    with cache.locked(folder / "building.lock"):
        built = kept(source, runtime, home)
        if built is None:
            with scratch.folder("hyfn-sdist-") as work:
                made = _built(source, path, runtime, root, work)
                built = folder / made.name
                cache.put(built, made.read_bytes())
    return built


def _folder(source: Wheel, runtime: Runtime, home: Path) -> Path:
    return home / "built" / source.sha256[:2] / f"{source.sha256}-py{runtime.python}"


def _built(source: Wheel, path: Path, runtime: Runtime, root: Path | None, work: Path) -> Path:
    unpacked, out = work / "source", work / "wheel"
    _unpack(path, unpacked)
    tree = _top(unpacked)
    sign = native_sign(tree)
    if sign is not None:
        raise Native(source, runtime, sign)
    libraries = {file.name for file in tree.rglob("*") if LIBRARY.search(file.name)}
    _build(source, tree, out, runtime, root or work, work / "home")
    made = _only_wheel(source, out)
    sign = _native_result(made, libraries)
    if sign is not None:
        raise Native(source, runtime, sign)
    return made


def _unpack(path: Path, into: Path) -> None:
    into.mkdir()
    (extract.extract_zip if path.name.endswith(".zip") else extract.extract_tar)(path, into)


def _top(unpacked: Path) -> Path:
    inside = [one for one in unpacked.iterdir() if one.is_dir()]
    return inside[0] if len(inside) == 1 and not (unpacked / "setup.py").exists() else unpacked


def native_sign(tree: Path) -> str | None:
    """What shows that building `tree` compiles, or None where only the build can tell. Reads, runs nothing.

    A build backend for compiled code does; so do declared extension modules that come with their sources. Sources
    alone do not: they may be examples or data.
    """
    project = _pyproject(tree)
    backend = str(project.get("build-system", {}).get("build-backend", "")).split(".")[0].split(":")[0]
    if backend in NATIVE_BACKENDS:
        return f"it is built by {backend}"
    source = next(_native_sources(tree), None)
    if source is not None and _declares_extensions(tree, project):
        return f"it compiles {source}"
    return None


def _pyproject(tree: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _native_sources(tree: Path) -> Iterator[PurePosixPath]:
    for path in sorted(tree.rglob("*")):
        inside = PurePosixPath(path.relative_to(tree).as_posix())
        if path.suffix.lower() in NATIVE_SOURCES and not ASIDE & {*inside.parts[:-1]}:
            yield inside


def _declares_extensions(tree: Path, project: Mapping[str, Any]) -> bool:
    requirements = [str(one) for one in project.get("build-system", {}).get("requires", [])]
    if any(NATIVE_REQUIREMENTS.match(one) for one in requirements):
        return True
    texts = (_text(tree / name) for name in ("setup.py", "setup.cfg", "pyproject.toml"))
    return any(EXTENSIONS.search(re.sub(r"(?m)#.*$", "", text)) for text in texts)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _only_wheel(source: Wheel, out: Path) -> Path:
    made = sorted(out.glob("*.whl"))
    if [canonicalize_name(one.name.split("-")[0]) for one in made] != [source.name]:
        gave = ", ".join(one.name for one in made) or "no wheel"
        raise Unbuildable(source, f"building {source.name} {source.version} from {source.file} gave {gave}")
    return made[0]


def _native_result(made: Path, came: Set[str]) -> str | None:
    """What shows that `made` is for this machine only. The libraries that `came` in the archive are data."""
    if not made.name.endswith("-none-any.whl"):
        return f"its wheel is {made.name}"
    with zipfile.ZipFile(made) as archive:
        inside = [PurePosixPath(name).name for name in archive.namelist() if LIBRARY.search(name)]
    return next((f"it compiles {name}" for name in inside if name not in came), None)


def _build(source: Wheel, tree: Path, out: Path, runtime: Runtime, cwd: Path, home: Path) -> None:
    python = pythons.find(runtime.python) or Path(sys.executable)
    command = ["build", "--wheel", "--no-sources", "--no-create-gitignore", "--out-dir", out, "--python", python, tree]
    argv = [uv.binary(), *map(str, command)]
    home.mkdir()
    done = _run(source, argv, cwd, _environment(home))
    if uv.UNREACHABLE.search(done.stderr):  # its cache may still hold what it needs
        again = _run(source, argv, cwd, {**_environment(home), "UV_OFFLINE": "1"})
        done = again if again.status == 0 else done
    if done.status != 0:
        raise _failure(source, done.stderr)


def _run(source: Wheel, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> tools.Done:
    try:
        return tools.run(argv, cwd=cwd, env=env, timeout=BUILD_SECONDS)
    except tools.TooSlow as error:
        raise Unbuildable(source, f"building {source.name} {source.version} from {source.file}: {error}") from error


def _environment(home: Path) -> dict[str, str]:
    """What a build may know: neither secrets nor the user's own settings. uv's are kept, with its indexes' credentials:
    what a build needs comes from there. HOME is empty, and uv is told where its own files are."""
    there = Path.home()
    own = {
        "XDG_CONFIG_HOME": str(there / ".config"),
        "XDG_DATA_HOME": str(there / ".local/share"),
        "XDG_CACHE_HOME": str(there / ".cache"),
        "NETRC": str(there / ".netrc"),
    }
    logins = {name: value for name, value in os.environ.items() if OF_INDEXES.fullmatch(name)}
    fixed = {
        "HOME": str(home),
        "SOURCE_DATE_EPOCH": EPOCH,
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "NO_COLOR": "1",
    }
    kept_env = processes.clean_env({name: os.environ.get(name, own[name]) for name in own} | logins | fixed)
    return {name: value for name, value in kept_env.items() if name not in uv.MISLEADING_UV}


def _failure(source: Wheel, output: str) -> BuildError | MachineError:
    subject = f"{source.name} {source.version}"
    if uv.UNREACHABLE.search(output):
        return MachineError(f"what {subject} needs to be built cannot be fetched: {uv.reason(output)}")
    said = _said(output.splitlines())
    hint = "it comes only as source: build a wheel of it yourself and name its folder with [tool.uv] find-links"
    error = Unbuildable(source, f"building {subject} from {source.file} failed: {said or uv.reason(output)}", hint)
    error.add_note(output)
    return error


def _said(lines: Iterable[str]) -> str:
    """The backend's last word: its error where it names one. uv's own lines stand after it."""
    backend = list(itertools.takewhile(lambda line: not line.startswith("error: "), lines))
    words = [line.strip() for line in backend if not QUIET.match(line)]
    return next(iter([*reversed([word for word in words if FAULT.match(word)]), *reversed(words)]), "")
