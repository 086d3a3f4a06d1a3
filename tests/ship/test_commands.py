"""What the commands around a ship say where nothing can be shipped, in one line and before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import hyfn, written

APP = "from hyfn import {name}\n\n\n@{name}\ndef f() -> int:\n    return 1\n"
PROJECT = '[project]\nname = "shop"\nrequires-python = ">=3.11"\n[tool.hyfn]\n'


def project(folder: Path, name: str, settings: str = "") -> Path:
    return written(folder, {"app.py": APP.format(name=name), "pyproject.toml": PROJECT + settings})


def test_a_platform_that_hyfn_does_not_ship_to_is_named(tmp_path: Path) -> None:
    refused = hyfn("ship", "--yes", cwd=project(tmp_path, "alibaba"))
    said = "error: hyfn builds and runs functions for alibaba, and does not ship there yet\n"
    assert (refused.status, refused.err.splitlines()[-1] + "\n") == (1, said)


def test_an_image_needs_a_registry(tmp_path: Path) -> None:
    refused = hyfn("ship", "--yes", cwd=project(tmp_path, "knative"))
    assert refused.errors[-1].startswith("app.py:4: f for knative becomes an image, and no registry is named")


def test_a_function_for_this_machine_is_shipped_nowhere(tmp_path: Path) -> None:
    ran = hyfn("ship", "--yes", cwd=project(tmp_path, "local"))
    assert (ran.status, ran.out) == (0, "nothing to change\nshop is live on stage dev\n")


@pytest.mark.parametrize("command", ["status", "releases"])
def test_a_stage_that_nobody_shipped_is_said_to_be_none(command: str, tmp_path: Path) -> None:
    ran = hyfn(command, cwd=project(tmp_path, "local"))
    assert ran.status == 0
    assert command == "releases" or ran.out == "shop, stage dev: nothing was shipped\n"


def test_a_release_that_there_is_not_is_named(tmp_path: Path) -> None:
    refused = hyfn("rollback", "--to", "7", "--yes", cwd=project(tmp_path, "local"))
    assert refused.errors == ["there is no release 7 of shop, stage dev (recorded: none)"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('state = "ftp://x/y"\n', "state = 'ftp://x/y' is no place that hyfn knows"),
        ("state = 5\n", "pyproject.toml:5: state must be a string"),
        ('registri = "x"\n', "pyproject.toml:5: hyfn has no setting 'registri'"),
    ],
)
def test_a_wrong_setting_is_one_line(settings: str, said: str, tmp_path: Path) -> None:
    refused = hyfn("status", cwd=project(tmp_path, "local", settings))
    assert refused.status == 1
    assert refused.errors[0].startswith(said)


def test_a_record_that_is_none_is_told_and_left(tmp_path: Path) -> None:
    folder = project(tmp_path, "local")
    record = folder / ".hyfn" / "state" / "dev.json"
    record.parent.mkdir(parents=True)
    record.write_text("[]")
    refused = hyfn("ship", "--yes", cwd=folder)
    assert refused.errors[0].startswith(f"{record} is no record of a stage")
    assert record.read_text() == "[]"
