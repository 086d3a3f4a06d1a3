"""The house rules, as tests."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hyfn
from hyfn import clouds
from hyfn.pack import stage

ROOT = Path(hyfn.__file__).parent
PACKAGES = {platform.cloud: platform.package for platform in clouds.platforms().values()}
MODULES = sorted(path for path in ROOT.rglob("*.py") if "_shipped" not in path.parts)
CORE = [path for path in MODULES if "clouds" not in path.parts and path != ROOT / "__init__.py"]

NAMESPACES = {"discover/foreign.py": {"azure"}, "pack/secrets/rules.py": {"aws"}}
"""A namespace package of PyPI that happens to be called as a cloud is; and what a vendor's keys look like, which no
artifact may hold, wherever it goes."""
PROGRAMS = "clouds/azure/runtime/"
"""Programs that run by themselves, in another environment: what they print is their log."""


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_point_down_only() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", CORE, ids=named)
def test_core_names_no_cloud(path: Path) -> None:
    names = set(clouds.platforms()) - {"local"}
    tree = ast.parse(path.read_text())
    assert {found for found in _words(tree) if found in names} <= NAMESPACES.get(named(path), set())


def _words(tree: ast.Module) -> Iterator[str]:
    """Names and texts that the code uses. Docstrings may give examples."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    documentation = ast.get_docstring(ast.parse(path.read_text()))
    assert documentation
    assert re.search(r"[.!:?]$", documentation.splitlines()[0])


def test_only_output_prints() -> None:
    printing = [
        named(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        if not named(path).startswith(PROGRAMS)
    ]
    assert printing == []


def test_pickle_is_loaded_nowhere() -> None:
    """Later it may be, in exactly one module."""
    assert [
        named(path) for path in MODULES if re.search(r"(import|from) (cloud)?pickle|pickle\.\w", path.read_text())
    ] == []


def test_vendors_sdks_are_imported_nowhere_in_core() -> None:
    """Installing hyfn without extras brings none, so nothing may need one."""
    sdk = re.compile(r"^\s*(?:import|from) (boto3|botocore|google\.cloud|azure|kubernetes|grpc|flask)\b", re.MULTILINE)
    importing = {named(path): sdk.findall(path.read_text()) for path in MODULES}
    inside = ("clouds/azure/host.py", PROGRAMS)
    found = {path for path, names in importing.items() if names and not path.startswith(inside)}
    assert {path for path in found if not re.fullmatch(r"clouds/\w+/ship\.py", path)} == set()


def test_a_vendors_sdk_is_imported_when_something_is_shipped() -> None:
    """Discovery and plans are made without any."""
    at_once = re.compile(r"^(?:import|from) (boto3|botocore|google|azure|oci|alibabacloud_\w+)\b", re.MULTILINE)
    shippers = [path for path in MODULES if path.name == "ship.py"]
    assert shippers
    assert {named(path): at_once.findall(path.read_text()) for path in shippers} == {
        named(path): [] for path in shippers
    }


@pytest.mark.parametrize("cloud", clouds.known())
def test_what_travels_imports_nothing_that_stays(cloud: str, tmp_path: Path) -> None:
    files = stage.travelling(PACKAGES[cloud], frozenset(PACKAGES.values()))
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    modules = [name[:-3].replace("/", ".").removesuffix(".__init__") for name in files if name.endswith(".py")]
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]\n" + "\n".join(f"import {module}" for module in modules)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_every_cloud_has_the_same_rooms() -> None:
    for cloud in clouds.known():
        parts = {"pack": "packer", "call": "caller", "emulate": "emulator", "capabilities": "capabilities"}
        for part, attribute in parts.items():
            assert hasattr(clouds.get(cloud, part), attribute), f"{cloud}/{part}.py has no {attribute}"
        assert (ROOT / "clouds" / cloud / "host.py").exists()


def test_the_map_names_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    rooms |= {path.name for path in ROOT.glob("*.py")}
    assert sorted(room for room in rooms if f"`{room}" not in text) == []


def test_the_version_is_the_package_s() -> None:
    done = subprocess.run([sys.executable, "-m", "hyfn", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"hyfn {hyfn.__version__}\n"
