"""A cloud that a package of others brings: nothing of hyfn knows it, and all of hyfn works with it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hyfn as package
from hyfn.pack.extract import extract_zip
from hyfn.toolchain import pythons, uv
from tests.commands import Command, Ran, environment, hyfn, written
from tests.providers import FIXTURES, installed
from tests.unit import index

pytestmark = pytest.mark.spec

ROOT = Path(package.__file__).parents[1]
OPENFAAS = FIXTURES / "openfaas"
STORY = """
from hyfn import aws, knative
from hyfn_openfaas import openfaas

@aws
def ocr(page: bytes) -> str:
    return shout(page.decode()) + "?"

@openfaas(memory=256)
def shout(text: str) -> str:
    if not text:
        raise ValueError("nothing to shout")
    return end(text.upper())

@knative
def end(text: str) -> str:
    return text + "!"

if __name__ == "__main__":
    print(ocr(b"please pay"), shout("hi"))
    try:
        shout("")
    except ValueError as error:
        print(error, "openfaas" in error.__notes__[0])
"""
SAID = "PLEASE PAY!? HI!\nnothing to shout True\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    return Path(shutil.copytree(OPENFAAS, tmp_path_factory.mktemp("provider") / "openfaas", ignore=ignored))


@pytest.fixture(scope="module")
def seen(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a command that finds the package installed."""
    return {"PYTHONPATH": installed(copy, tmp_path_factory.mktemp("site"))}


@pytest.fixture(scope="module")
def venv(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment in which hyfn and the package were installed, by uv."""
    index.require()
    folder = tmp_path_factory.mktemp("environment")
    uv.run(["venv", "--quiet", "--python", sys.executable, folder / "venv"], cwd=folder)
    python = folder / "venv" / "bin" / "python"
    uv.run(["pip", "install", "--quiet", "--python", python, f"{ROOT}[testing]", copy], cwd=folder)
    return folder / "venv"


@pytest.fixture
def story(tmp_path: Path) -> Path:
    return written(tmp_path / "story", {"app.py": STORY})


def run(*argv: str | Path, cwd: Path, **more: str) -> Ran:
    env = {**environment(), **more}
    done = subprocess.run(list(map(str, argv)), cwd=cwd, env=env, capture_output=True, text=True, timeout=300)
    return Ran(done.returncode, done.stdout, done.stderr)


def suite(python: str | Path, provider: Path, *arguments: str, **more: str) -> Ran:
    return run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, cwd=provider, **more)


def test_nothing_of_hyfn_names_it() -> None:
    files = [path for folder in ("hyfn", "pyproject.toml") for path in [ROOT / folder, *(ROOT / folder).rglob("*.py")]]
    assert [path for path in files if path.is_file() and "openfaas" in path.read_text().lower()] == []


def test_an_installed_package_passes_the_suite_of_hyfn_s_own_clouds(venv: Path, copy: Path) -> None:
    ran = suite(venv / "bin" / "python", copy)
    assert ran.status == 0, ran.out
    passed = re.search(r"(\d+) passed", ran.out)
    assert passed
    assert int(passed[1]) > 50


def test_an_installed_package_s_functions_call_and_are_called(venv: Path, story: Path) -> None:
    ran = run(venv / "bin" / "hyfn", "run", "app.py", cwd=story)
    assert (ran.status, ran.out) == (0, SAID), ran.err


WRONG = [
    ("call.py", "request(endpoint, frame)", "request(endpoint, frame[:-1])", "test_an_honest_frame_is_answered"),
    ("emulate.py", 'Endpoint("openfaas"', 'Endpoint("local"', "test_what_runs_says_where_and_how"),
    ("pack.py", "{**staged.own, **staged.code}", "staged.code", "test_an_artifact_loads_on_a_bare_interpreter"),
    ("host.py", "\n\n\ndef main", "\nimport click\n\ndef main", "test_an_artifact_loads_on_a_bare_interpreter"),
    ("__init__.py", "    idempotent: bool = False,\n", "", "test_its_decorator_takes_the_options_that_all_have"),
    ("__init__.py", "\n\nTYPE", "\nimport json\n\nTYPE", "test_decorating_loads_few_modules_and_no_slow_one"),
]


@pytest.mark.parametrize(("file", "text", "instead", "test"), WRONG)
def test_the_suite_finds_what_is_wrong(
    file: str, text: str, instead: str, test: str, copy: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(copy, tmp_path / "broken"))
    module = broken / "hyfn_openfaas" / file
    assert text in module.read_text()
    module.write_text(module.read_text().replace(text, instead, 1))

    ran = suite(sys.executable, broken, "-k", test, PYTHONPATH=installed(broken, tmp_path / "site"))

    assert ran.status == 1, ran.out
    assert re.search(rf"^(FAILED|ERROR) .*{test}", ran.out, re.MULTILINE), ran.out


@pytest.fixture
def built(story: Path, seen: dict[str, str]) -> Path:
    ran = hyfn("build", "--out", "out", cwd=story, env=seen)
    assert ran.status == 0, ran.err
    return story / "out"


def test_its_modules_travel_as_hyfn_s_own_do_and_no_others(built: Path, tmp_path: Path) -> None:
    extract_zip(built / "aws" / "ocr.zip", tmp_path / "ocr")
    names = {path.relative_to(tmp_path / "ocr").as_posix() for path in (tmp_path / "ocr").rglob("*.py")}
    assert {name for name in names if name.startswith("hyfn_")} == {
        "hyfn_openfaas/__init__.py",
        "hyfn_openfaas/call.py",
    }
    clouds = {name.split("/")[2] for name in names if name.startswith("hyfn/clouds/") and name.count("/") > 2}
    assert clouds == {"aws", "knative"}
    assert not list((tmp_path / "ocr").glob("hyfn*.dist-info"))


def test_in_an_artifact_it_is_found_without_looking_for_what_is_installed(built: Path, tmp_path: Path) -> None:
    extract_zip(built / "aws" / "ocr.zip", tmp_path / "ocr")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'ocr')!r}); from hyfn import clouds;"
        "print(clouds.get('openfaas', 'call').__name__, 'importlib.metadata' in sys.modules)"
    )
    _, python = pythons.nearest("3.13", ["3.13"])
    ran = run(python, "-I", "-S", "-c", program, cwd=tmp_path)
    assert ran.out == "hyfn_openfaas.call False\n", ran.err


def test_its_platform_s_own_manifest_stands_beside_the_image(built: Path) -> None:
    manifest = json.loads((built / "openfaas" / "shout.manifest.json").read_text())
    assert manifest["kind"] == "Function"
    assert manifest["spec"]["limits"] == {"memory": "256Mi"}
    assert (built / "openfaas" / "shout.oci").is_dir()


def test_a_project_that_declares_it_locks_nothing_of_it(story: Path, seen: dict[str, str]) -> None:
    """It may be on no index: hyfn brings it along. A script has it in an environment of its own, too."""
    index.require()
    written(story, {"pyproject.toml": '[project]\nname = "story"\ndependencies = ["hyfn-openfaas", "six"]\n'})
    ran = hyfn("run", "app.py", cwd=story, env=seen)
    assert (ran.status, ran.out) == (0, SAID), ran.err
    assert hyfn("build", cwd=story, env=seen).status == 0
    assert "openfaas" not in re.sub(r"platforms = .*", "", (story / "hyfn.lock").read_text())


@pytest.fixture
def dev(story: Path, seen: dict[str, str]) -> Iterator[Command]:
    command = Command("dev", "--json", cwd=story, env=seen)
    command.until(lambda: command.out.endswith("\n"))
    yield command
    command.end()


def test_it_runs_in_dev(dev: Command, story: Path, seen: dict[str, str]) -> None:
    asked = hyfn("call", "ocr", '{"page": "cGxlYXNlIHBheQ=="}', cwd=story, env=seen)
    assert asked.out == '"PLEASE PAY!?"\n', asked.err


def test_doctor_lists_it(seen: dict[str, str], tmp_path: Path) -> None:
    checks = {row["what"]: row for row in json.loads(hyfn("doctor", "--json", cwd=tmp_path, env=seen).out)["checks"]}
    assert "openfaas" in checks["clouds"]["found"]
    assert checks["openfaas here"]["ok"]


def test_what_a_change_of_it_changes_is_built_anew(story: Path, copy: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(copy, tmp_path / "own"))
    seen = {"PYTHONPATH": installed(own, tmp_path / "site")}
    first, again = (hyfn("build", "--json", cwd=story, env=seen) for _ in range(2))
    module = own / "hyfn_openfaas" / "host.py"
    module.write_text(module.read_text().replace("8082)", "8083)"))
    changed = hyfn("build", "--json", cwd=story, env=seen)
    one, two, three = (_digests(ran) for ran in (first, again, changed))
    assert one == two
    assert {platform for platform, digest in three.items() if one[platform] != digest} == {"openfaas"}


def _digests(ran: Ran) -> dict[str, str]:
    assert ran.status == 0, ran.err
    return {artifact["cloud"]: artifact["digest"] for artifact in json.loads(ran.out)["artifacts"]}
