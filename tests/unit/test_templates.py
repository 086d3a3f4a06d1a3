"""Every template is a complete project whose own test passes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hyfn
from hyfn import clouds
from tests.commands import invoke
from tests.providers import installed

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted(path.parent for path in (ROOT / "templates").glob("*/pyproject.toml"))
PROVIDER = ROOT / "templates" / "provider"
STORIES = {"local-to-clouds", "cloud-to-cloud", "private-public"}


@pytest.fixture(params=[path for path in TEMPLATES if path != PROVIDER], ids=lambda path: path.name)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    return Path(shutil.copytree(request.param, tmp_path / "project", ignore=ignored))


@pytest.fixture
def provider(tmp_path: Path) -> Path:
    """The package that `hyfn new hyfn-acme --template provider` makes."""
    folder = tmp_path / "hyfn-acme"
    assert invoke("new", folder, "--template", "provider").out.startswith(f"{folder} is ready: cd ")
    return folder


def run(command: list[str], where: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("HYFN_", "PYTEST_"))}
    return subprocess.run(command, cwd=where, env={**environ, **more}, capture_output=True, text=True, check=False)


def test_the_templates_own_test_passes(project: Path) -> None:
    done = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"], project)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_template_is_fully_typed(project: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(project / "cache"), "app.py", "tests"]
    done = run(command, project)
    assert done.returncode == 0, done.stdout


def test_a_template_holds_what_a_project_needs_and_nothing_else(project: Path) -> None:
    files = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert files == {"README.md", "app.py", "pyproject.toml", "tests/test_app.py"}


def test_the_name_to_replace_stands_only_where_a_name_stands(project: Path) -> None:
    python = [line for path in project.rglob("*.py") for line in path.read_text().splitlines()]
    settings = (project / "pyproject.toml").read_text().splitlines()
    readme = (project / "README.md").read_text().splitlines()
    assert not [line for line in python if "hello" in line]
    assert [line for line in settings if "hello" in line] == ['name = "hello"', 'app = "hello"']
    assert [line for line in readme if "hello" in line] == ["# hello"]


def test_there_is_a_template_for_every_platform_and_every_story() -> None:
    platforms = clouds.platforms().keys() & {*hyfn.__all__}
    assert {path.name for path in TEMPLATES} == platforms | STORIES | {PROVIDER.name}


@pytest.mark.spec
def test_a_new_provider_is_a_cloud_that_conforms(provider: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = run(command, provider, PYTHONPATH=installed(provider, tmp_path / "site"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_provider_is_fully_typed(provider: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(provider / "cache"), "hyfn_acme", "tests"]
    done = run(command, provider)
    assert done.returncode == 0, done.stdout


def test_a_new_provider_holds_nothing_of_the_template_s_name(provider: Path) -> None:
    files = [path for path in provider.rglob("*") if path.is_file()]
    assert not [path for path in files if "hello" in path.read_text() or "hello" in str(path.relative_to(provider))]
    settings = (provider / "pyproject.toml").read_text()
    assert 'name = "hyfn-acme"' in settings
    assert 'acme = "hyfn_acme"' in settings


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("hyfn-local", "there is a cloud 'local' (name another folder)"),
        ("class", "'class' cannot be a cloud's name: its decorator is called so (name another folder)"),
    ],
)
def test_a_provider_has_a_name_of_its_own(tmp_path: Path, folder: str, said: str) -> None:
    ran = invoke("new", tmp_path / folder, "--template", "provider")
    assert (ran.status, ran.errors) == (1, [said])
    assert list(tmp_path.iterdir()) == []
