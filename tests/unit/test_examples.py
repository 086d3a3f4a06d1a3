"""The examples as their readers meet them: typed, readable by the build, and true when every body runs here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from hyfn import project
from hyfn.model import Project

EXAMPLES = Path(__file__).parents[2] / "examples"
STORIES = sorted(path.parent for path in EXAMPLES.glob("*/pyproject.toml"))
PLATFORMS = ("aws", "gcp", "azure", "knative")


@pytest.fixture(params=STORIES, ids=lambda path: path.name)
def story(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def run(command: list[str], where: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HYFN_")} | extra
    done = subprocess.run(command, cwd=where, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def edges(project: Project) -> set[tuple[str, str]]:
    return {(edge.caller, edge.callee) for edge in project.edges}


def test_an_example_is_fully_typed_for_mypy(story: Path, tmp_path: Path) -> None:
    run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "."], story)


def test_an_example_is_fully_typed_for_pyright(story: Path, tmp_path: Path) -> None:
    settings = {"typeCheckingMode": "strict", "include": [str(story)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    run([sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "-p", str(tmp_path)], story)


def test_the_build_reads_every_call_of_an_example(story: Path) -> None:
    read = project.read(story)

    assert read.app == story.name
    assert not read.unresolved
    assert not project.check(read)


def test_the_invoices_call_each_other_as_their_readme_draws_it() -> None:
    read = project.read(EXAMPLES / "invoices")

    assert {edge for edge in edges(read) if edge[0].startswith("app:")} == {
        ("app:ingest", "app:ocr"),
        ("app:ingest", "app:classify"),
        ("app:settle", "app:ingest"),
        ("app:settle", "app:pseudonymise"),
    }


def test_every_platform_may_call_every_other_one() -> None:
    read = project.read(EXAMPLES / "invoices")

    pairs = {(f"audit:audit_{caller}", f"audit:stamp_{callee}") for caller, callee in permutations(PLATFORMS, 2)}
    assert pairs <= edges(read)


def test_an_unreadable_page_may_be_raised_two_clouds_away() -> None:
    read = {function.name: function for function in project.read(EXAMPLES / "invoices").functions}

    assert "invoice:Unreadable" in read["app:ingest"].raises
    assert "invoice:Unreadable" in read["app:settle"].raises


def test_the_photos_call_each_other_as_their_readme_draws_it() -> None:
    assert edges(project.read(EXAMPLES / "photos")) == {
        ("app:catalogue", "app:describe"),
        ("app:describe", "scaling:thumbnail"),
        ("app:describe", "measuring:study"),
        ("measuring:study", "scaling:pixels"),
    }


def test_the_invoices_tell_their_story() -> None:
    said = run([sys.executable, "-W", "error", "app.py"], EXAMPLES / "invoices", HYFN_STAGE="local").stdout

    assert "this machine → AWS, Google: invoice" in said
    assert "['invoice', 'receipt', 'reminder', 'other']" in said
    assert "total=Decimal('1249.50')" in said
    assert "JANE DOE" not in said
    assert "caught here: invoice 118: 100% of its page cannot be read" in said


def test_every_platform_stamps_for_every_other_one() -> None:
    said = run([sys.executable, "audit.py", "--json", "2"], EXAMPLES / "invoices", HYFN_STAGE="local").stdout

    rows = json.loads(said)
    pairs = {(row["caller_platform"], row["callee_platform"]) for row in rows}
    assert pairs == {*permutations(PLATFORMS, 2), *(("laptop", callee) for callee in PLATFORMS)}
    assert all(row["ok"] and row["first_ms"] > 0 and row["warm_ms"] > 0 for row in rows)


def test_the_photo_is_a_starry_night() -> None:
    said = run([sys.executable, "-W", "error", "app.py"], EXAMPLES / "photos", HYFN_STAGE="local").stdout

    assert "Night: a starry night" in said
    assert "thumbnail: 107 × 160" in said


def test_the_library_of_one_cloud_is_not_in_the_artifact_of_another(tmp_path: Path) -> None:
    hyfn("build", "--out", str(tmp_path / "dist"), story=EXAMPLES / "photos")

    built = json.loads((tmp_path / "dist" / "manifest.json").read_text())["artifacts"]
    held = {one["function"]: {name.partition("==")[0] for name in one["distributions"]} - {"msgpack"} for one in built}
    assert held == {
        "thumbnail": {"pillow"},
        "pixels": {"pillow"},
        "study": {"numpy"},
        "describe": set(),
        "catalogue": set(),
    }


@pytest.mark.runtime
def test_the_invoices_tell_their_story_across_the_vendors_runtimes() -> None:
    said = hyfn("run", "app.py", story=EXAMPLES / "invoices").stdout

    story, _, remote = said.partition("Remote traceback")
    assert "caught here: invoice 118: 100% of its page cannot be read" in story
    assert [line.strip() for line in remote.splitlines()[1:]] == [
        "app:settle on knative",
        f'File "app.py", line {line_of("await ingest(id, scan)")}, in settle',
        "invoice = await ingest(id, scan)  # private → public",
        "app:ingest on azure",
        f'File "app.py", line {line_of("raise Unreadable(")}, in ingest',
        "raise Unreadable(id, unread)",
    ]


@pytest.mark.runtime
def test_the_photo_is_the_same_starry_night_across_the_vendors_runtimes() -> None:
    here = run([sys.executable, "app.py"], EXAMPLES / "photos", HYFN_STAGE="local").stdout

    assert hyfn("run", "app.py", story=EXAMPLES / "photos").stdout == here


def hyfn(*arguments: str, story: Path) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "hyfn", *arguments], story)


def line_of(text: str) -> int:
    lines = (EXAMPLES / "invoices" / "app.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)
