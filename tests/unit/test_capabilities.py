"""What hyfn says of each platform is what it checks by, and each figure has its source."""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hyfn import clouds, project
from hyfn.cli import platforms
from hyfn.model import Capabilities, FunctionSpec, Place, Retirement, Span, Target
from hyfn.pack import lifecycle
from tests.commands import invoke

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- platforms -->\n", "<!-- /platforms -->"
TODAY = datetime.now(tz=UTC).date()
KNOWN = sorted(name for name, found in clouds.platforms().items() if found.distribution == "hyfn")
every_platform = pytest.mark.parametrize("platform", KNOWN)


def told(platform: str) -> Capabilities:
    return platforms.read([platform])[platform]


def spans(platform: str) -> dict[str, Span]:
    known = told(platform)
    return {option: span for option, span in (("memory", known.memory), ("timeout", known.timeout)) if span}


def check(folder: Path, platform: str, option: str, values: Sequence[float]) -> tuple[int, list[str], list[str]]:
    """The status of `hyfn check`, its errors and its output, for a function with each of `values`."""
    functions = [
        f"\n\n@{platform}({option}={value:g})\ndef f{n}() -> int:\n    return {n}\n" for n, value in enumerate(values)
    ]
    (folder / "app.py").write_text(f"from hyfn import {platform}\n{''.join(functions)}")
    ran = invoke("check", folder)
    return ran.status, ran.errors, ran.out.splitlines()


@every_platform
def test_check_accepts_the_least_and_the_most_of_the_table(tmp_path: Path, platform: str) -> None:
    for option, span in spans(platform).items():
        status, errors, _ = check(tmp_path, platform, option, [span.least, span.most, span.default])
        assert (status, errors) == (0, [])


@every_platform
def test_check_refuses_one_less_and_one_more_and_names_the_figure(tmp_path: Path, platform: str) -> None:
    for option, span in spans(platform).items():
        status, errors, _ = check(tmp_path, platform, option, [span.least - 1, span.most + 1])
        assert status == 1
        for value in (span.least - 1, span.most + 1):
            given = re.compile(rf"(=|not ){re.escape(f'{value:g}')}(?![0-9.])")
            about = [error for error in errors if option in error and given.search(error)]
            assert any(f"{span.most:g}" in error for error in about), errors


@every_platform
def test_what_is_taken_where_nothing_is_said_is_the_decorators_default(platform: str) -> None:
    accepts = clouds.platforms()[platform].accepts
    if accepts.__name__ != platform:
        return  # a profile, with the signature of the platform that it belongs to: its packer knows its defaults
    parameters = inspect.signature(accepts).parameters
    for option, span in spans(platform).items():
        assert parameters[option].default == span.default


@every_platform
def test_every_figure_has_its_source(platform: str) -> None:
    known = told(platform)
    figures = [known.memory, known.timeout, known.request, known.response, known.event, known.streaming]
    figures += [known.asynchronous]
    sources = [each.source for each in figures if each]
    sources += [each.source for each in (*known.triggers.values(), *known.pythons.values()) if each]
    assert all(source.startswith("https://") for source in sources)
    assert known.platform
    assert known.name


@every_platform
def test_check_takes_the_pythons_of_the_table_and_no_other(tmp_path: Path, platform: str) -> None:
    packer = clouds.get(clouds.platforms()[platform].cloud, "pack").packer
    for python in lifecycle.END_OF_LIFE:
        target = Target(clouds.platforms()[platform].cloud, platform, {"python": python}, Place("app.py", 1))
        found = [problem for problem in packer.check(_function(tmp_path, platform), target) if problem.level == "error"]
        assert (found == []) == (python in told(platform).pythons), python


@every_platform
def test_a_callers_limit_is_the_tables(platform: str) -> None:
    module = clouds.get(clouds.platforms()[platform].cloud, "call")
    if request := told(platform).request:
        assert request.value == module.MAX_REQUEST


def test_a_python_that_is_refused_is_offered_no_more() -> None:
    ends = {"3.11": Retirement(date(2027, 6, 30), date(2027, 7, 31), "https://example.com"), "3.12": None}
    assert list(lifecycle.offered(ends, date(2027, 7, 30))) == ["3.11", "3.12"]
    assert list(lifecycle.offered(ends, date(2027, 7, 31))) == ["3.12"]


@every_platform
def test_no_platform_offers_a_python_that_is_refused_today(platform: str) -> None:
    pythons = told(platform).pythons
    assert lifecycle.offered(pythons, TODAY) == pythons, "take it out of the packer's list"


def test_the_days_that_are_left_are_told() -> None:
    said = platforms.block("aws", told("aws"), date(2027, 7, 1))
    assert " ".join(said.split()).count("2027-06-30 (-1 days); refused from 2027-07-31 (30 days)") == 1
    assert "Python 3.11" not in platforms.block("aws", told("aws"), date(2027, 7, 31))


@every_platform
def test_a_block_is_readable_at_80_columns(platform: str) -> None:
    lines = [line for line in platforms.block(platform, told(platform), TODAY).splitlines() if "https://" not in line]
    assert max(map(len, lines)) <= 80


def test_doctor_says_what_the_named_platforms_can_do() -> None:
    ran = invoke("doctor", "--platforms", "aws", "knative")
    assert ran.status == 0
    titles = [line for line in ran.out.splitlines() if line.startswith("@")]
    assert titles == ["@aws  AWS Lambda", "@knative  Knative"]
    assert "  timeout       1 to 900 s, else 60 [2]\n" in ran.out


def test_doctor_says_it_to_programs() -> None:
    found = json.loads(invoke("doctor", "--platforms", "--json").out)["platforms"]
    assert sorted(found) == KNOWN
    assert found["aws"]["memory"]["most"] == 10_240
    assert found["aws"]["pythons"]["3.11"]["platform"]["refused"] == "2027-07-31"


@pytest.mark.parametrize("arguments", [["--platforms", "aws", "nope"], ["aws"], ["--markdown"]])
def test_doctor_refuses_what_it_does_not_know(arguments: Sequence[str]) -> None:
    ran = invoke("doctor", *arguments)
    assert ran.status in {1, 2}
    assert "Traceback" not in ran.err
    assert ran.err


def test_the_readme_holds_the_table_that_doctor_prints() -> None:
    """UPDATE_GOLDEN=1 writes it anew."""
    table = f"\n{platforms.markdown(platforms.read(KNOWN), TODAY)}\n\n"
    before, _, rest = README.read_text().partition(BEGIN)
    held, _, after = rest.partition(END)
    if os.environ.get("UPDATE_GOLDEN"):
        README.write_text(f"{before}{BEGIN}{table}{END}{after}")
    else:
        assert held == table


def _function(folder: Path, platform: str) -> FunctionSpec:
    (folder / "app.py").write_text(f"from hyfn import {platform}\n\n\n@{platform}\ndef f() -> int:\n    return 1\n")
    [function] = project.read(folder).functions
    return function
