"""What platforms take: sizes, Pythons, environment variables, and the edges of every other limit."""

from __future__ import annotations

import inspect
import json
import subprocess
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hyfn import clouds
from hyfn.cloud import Packer
from hyfn.model import FunctionSpec, Limit, Limits, Part, Place, Problem, Retirement, Signature, Target
from hyfn.pack import environment, lifecycle, limits
from hyfn.trust.edges import Edges, nodes
from hyfn.wire.carrier import Endpoint
from tests.unit.discovering import functions, refusals

MB = 2**20
GB = 2**30
HERE = Place("app.py", 6)
LAMBDA = clouds.get("aws", "pack").packer.limits(Target("aws", "aws", {}, HERE))


def part(name: str, packed: int, unpacked: int = 0) -> Part:
    return Part(name, "1.0", f"{name}-1.0-py3-none-any.whl", "", "", packed, unpacked, ())


def _check(packed: int, unpacked: int, parts: Iterable[Part] = (), of: Limits = LAMBDA) -> list[Problem]:
    return list(limits.check("ocr", "aws", packed, unpacked, list(parts), of, HERE))


def test_the_message_says_by_how_much_and_what_weighs_most() -> None:
    sizes = {"numpy": 12 * MB, "six": 11_000, "torch": 200 * MB, "pandas": 58 * MB}
    [problem] = _check(40 * MB, int(270.2 * MB), [part(name, 0, size) for name, size in sizes.items()])
    assert problem.level == "error"
    assert problem.place == HERE
    assert problem.message == (
        "ocr for aws: 270.2 MB unpacked is 20.2 MB over AWS Lambda's 250 MB;"
        " torch 200 MB, pandas 58 MB, numpy 12 MB weigh most"
    )
    assert (
        problem.hint
        == 'package="image" takes more; or in [tool.hyfn.build]: exclude what is not needed, or pyc = false'
    )


def test_what_is_too_large_for_one_way_goes_by_another() -> None:
    [problem] = _check(int(70.2 * MB), 100 * MB, [part("torch", 60 * MB)])
    assert problem.level == "warning"
    assert problem.message.startswith("ocr for aws: 70.2 MB zipped is 20.2 MB over AWS Lambda's 50 MB; torch 60 MB")
    assert problem.message.endswith("; it has to go by S3")


def test_the_projects_own_files_weigh_too() -> None:
    [problem] = _check(60 * MB, 100 * MB, [part("numpy", 10 * MB)])
    assert "the project's own code and data 50 MB, numpy 10 MB weigh most" in problem.message


@pytest.mark.parametrize(
    ("packed", "unpacked", "said"),
    [
        (0, 0, []),
        (45 * MB, 225 * MB, []),
        (45 * MB + 1, 0, ["warning: 45 MB zipped is 90 % of AWS Lambda's 50 MB"]),
        (50 * MB, 0, ["warning: 50 MB zipped is 100 % of AWS Lambda's 50 MB"]),
        (50 * MB + 1, 0, ["warning: 50 MB zipped is 1 byte over AWS Lambda's 50 MB"]),
        (0, 250 * MB, ["warning: 250 MB unpacked is 100 % of AWS Lambda's 250 MB"]),
        (0, 250 * MB + 2048, ["error: 250 MB unpacked is 2 KB over AWS Lambda's 250 MB"]),
        (60 * MB, 300 * MB, ["warning: 60 MB zipped is 10 MB over", "error: 300 MB unpacked is 50 MB over"]),
    ],
)
def test_the_edge_is_exact_and_nine_tenths_of_it_is_a_warning(packed: int, unpacked: int, said: list[str]) -> None:
    found = [
        f"{problem.level}: {problem.message.removeprefix('ocr for aws: ')}" for problem in _check(packed, unpacked)
    ]
    assert len(found) == len(said)
    assert all(line.startswith(start) for line, start in zip(found, said, strict=True)), found


def test_an_image_has_the_limit_of_images_and_no_other() -> None:
    image = clouds.get("aws", "pack").packer.limits(Target("aws", "aws", {"package": "image"}, HERE))
    assert _check(500 * MB, 9 * GB, of=image) == []
    [problem] = _check(500 * MB, 11 * GB, of=image)
    assert problem.message.startswith("ocr for aws: 11 GB unpacked, without its base, is 1 GB over AWS Lambda's 10 GB")
    assert problem.hint
    assert "package=" not in problem.hint


def test_where_no_limit_is_published_everything_fits() -> None:
    assert _check(50 * GB, 90 * GB, of=Limits("Knative")) == []


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1536, "1.5 KB"), (50 * MB, "50 MB"), (10 * GB, "10 GB")],
)
def test_a_size_in_words(size: int, words: str) -> None:
    assert limits.in_words(size) == words


def packers() -> list[tuple[str, Packer, Target]]:
    known = clouds.platforms()
    return [
        (name, clouds.get(found.cloud, "pack").packer, Target(found.cloud, name, {}, HERE))
        for name, found in sorted(known.items())
    ]


every_platform = pytest.mark.parametrize(("name", "packer", "target"), packers(), ids=lambda each: str(each)[:20])


@every_platform
def test_every_figure_names_the_page_that_it_is_from(name: str, packer: Packer, target: Target) -> None:
    found = packer.limits(target)
    said = [found.packed, found.unpacked, found.image, found.environment, found.variable]
    sources = [one.source for one in said if one] + [one.source for one in found.retirements.values()]
    assert found.platform
    assert all(source.startswith("https://") for source in sources)


@every_platform
def test_a_python_retires_only_after_it_was_taken(name: str, packer: Packer, target: Target) -> None:
    for one in packer.limits(target).retirements.values():
        assert one.refused is None or one.deprecated <= one.refused


# Pythons

GONE = Limits(
    "AWS Lambda", retirements={"3.11": Retirement(date(2027, 6, 30), date(2027, 7, 31), "https://example.com/lambda")}
)


@pytest.mark.parametrize(
    ("python", "today", "said"),
    [
        ("3.11", date(2026, 12, 29), []),
        ("3.11", date(2026, 12, 30), ["warning: AWS Lambda's support of Python 3.11 ends on 2027-06-30"]),
        (
            "3.11",
            date(2027, 7, 1),
            [
                "warning: AWS Lambda's support of Python 3.11 ended on 2027-06-30",
                "warning: CPython 3.11's security support ends on 2027-10-31",
            ],
        ),
        ("3.11", date(2027, 7, 31), ["error: AWS Lambda takes Python 3.11 no longer, since 2027-07-31"]),
        ("3.12", date(2028, 4, 29), []),
        ("3.12", date(2028, 4, 30), []),
        ("3.12", date(2028, 5, 1), ["warning: CPython 3.12's security support ends on 2028-10-31"]),
        ("3.12", date(2028, 10, 31), ["warning: CPython 3.12's security support ends on 2028-10-31"]),
        ("3.12", date(2028, 11, 1), ["warning: CPython 3.12's security support ended on 2028-10-31"]),
        ("3.99", date(2040, 1, 1), []),
    ],
)
def test_the_end_of_a_python_is_told_half_a_year_before(python: str, today: date, said: list[str]) -> None:
    found = list(lifecycle.problems(python, GONE, today, HERE))
    assert [f"{problem.level}: {problem.message}" for problem in found] == said
    assert all("https://" in (problem.hint or "") and problem.place == HERE for problem in found)


@every_platform
def test_the_life_of_every_python_on_offer_is_known(name: str, packer: Packer, target: Target) -> None:
    [runtime, *_] = packer.runtimes(target)
    assert runtime.python in lifecycle.END_OF_LIFE
    pythons = clouds.get(target.cloud, "capabilities").capabilities(target).pythons
    assert runtime.python in pythons
    assert pythons.keys() <= lifecycle.END_OF_LIFE.keys()
    known = packer.limits(target).retirements
    assert not known or pythons.keys() == known.keys()


# Environment variables


def _env(packer: Packer, target: Target, env: Any) -> list[str]:
    given = Target(target.cloud, target.platform, {"env": env}, target.place)
    return [problem.message for problem in environment.problems(given, packer.limits(given))]


@every_platform
@pytest.mark.parametrize("variables", [{}, {"LOG_LEVEL": "debug", "_x1": ""}, {"GREETING": "grüße\n=!"}])
def test_plain_variables_are_taken(name: str, packer: Packer, target: Target, variables: dict[str, str]) -> None:
    assert _env(packer, target, variables) == []


@every_platform
@pytest.mark.parametrize("wrong", ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "A\0"])
def test_what_is_no_variables_name_is_refused(name: str, packer: Packer, target: Target, wrong: str) -> None:
    [said] = _env(packer, target, {wrong: "x"})
    assert "no variable's name" in said


@every_platform
def test_what_hyfn_sets_is_hyfns(name: str, packer: Packer, target: Target) -> None:
    [said] = _env(packer, target, {"HYFN_WIRING": "{}"})
    assert "hyfn keeps what starts with HYFN_" in said


@pytest.mark.parametrize(
    ("cloud", "reserved", "free"),
    [
        ("aws", "AWS_REGION AWS_DEFAULT_REGION _HANDLER AWS_LAMBDA_RUNTIME_API AWS_ACCESS_KEY AWS_ACCESS_KEY_ID", "TZ"),
        (
            "aws",
            "AWS_SESSION_TOKEN LAMBDA_TASK_ROOT AWS_LAMBDA_LOG_GROUP_NAME _X_AMZN_TRACE_ID",
            "AWS_LAMBDA_EXEC_WRAPPER",
        ),
        ("gcp", "PORT K_SERVICE K_REVISION FUNCTION_TARGET FUNCTION_SIGNATURE_TYPE X_GOOGLE_X", "PORTS KEY FUNCTION"),
        ("azure", "FUNCTIONS_WORKER_RUNTIME WEBSITE_SITE_NAME AzureWebJobsStorage", "FUNCTION WEBSITE AzureWebJobsX"),
        ("knative", "PORT K_SERVICE K_CONFIGURATION K_REVISION", "K_SINK PORTS"),
        ("local", "PORT", "K_SERVICE"),
    ],
)
def test_what_a_platform_sets_itself_is_refused(cloud: str, reserved: str, free: str) -> None:
    packer = clouds.get(cloud, "pack").packer
    target = Target(cloud, cloud, {}, HERE)
    for name in reserved.split():
        [said] = _env(packer, target, {name: "x"})
        assert name in said
        assert "sets itself" in said
    assert _env(packer, target, dict.fromkeys(free.split(), "x")) == []


@every_platform
@pytest.mark.parametrize("value", [1, None, True, ["x"], "a\0b"])
def test_a_value_is_a_string(name: str, packer: Packer, target: Target, value: object) -> None:
    [said] = _env(packer, target, {"A": value})
    assert "must be a string" in said


def test_lambdas_four_kilobytes_hold_hyfns_own_as_well() -> None:
    packer, target = clouds.get("aws", "pack").packer, Target("aws", "aws", {}, HERE)
    rest = 4096 - environment.ROOM - len('{"A":""}')
    assert _env(packer, target, {"A": "x" * rest}) == []
    [said] = _env(packer, target, {"A": "x" * (rest + 1)})
    assert "3,073 bytes, 1 over the 3,072 that are left of AWS Lambda's 4,096" in said
    [said] = _env(packer, target, {"A": "ü" * (rest // 2 + 1)})
    assert "over the 3,072" in said


@pytest.mark.parametrize(("cloud", "most"), [("gcp", 32 * 1024), ("azure", 131_071), ("knative", 131_071)])
def test_one_variable_has_its_own_limit(cloud: str, most: int) -> None:
    packer, target = clouds.get(cloud, "pack").packer, Target(cloud, cloud, {}, HERE)
    assert _env(packer, target, {"A": "x" * (most - 2)}) == []
    [said] = _env(packer, target, {"A": "x" * (most - 1)})
    assert f"A in env has {most + 1:,} bytes, 1 over the {most:,}" in said


def test_all_variables_together_are_no_more_than_a_process_can_have() -> None:
    packer, target = clouds.get("local", "pack").packer, Target("local", "local", {}, HERE)
    many = {f"A{number}": "x" * 100_000 for number in range(30)}
    [said] = _env(packer, target, many)
    assert "over the" in said


def test_a_process_of_linux_really_takes_so_long_a_variable_and_no_longer() -> None:
    longest = environment.LINUX_VARIABLE.most - len("A=")
    assert subprocess.run(["/bin/true"], env={"A": "x" * longest}, check=True).returncode == 0
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["/bin/true"], env={"A": "x" * (longest + 1)}, check=False)


def _spec(name: str, calls: list[str]) -> FunctionSpec:
    target = Target("aws", "aws", {}, HERE)
    return FunctionSpec(f"app:{name}", "app", name, HERE, Signature([], None), None, False, [target], calls)


def test_the_room_that_is_kept_holds_the_wiring_of_a_small_function() -> None:
    specs = [_spec("classify", []), _spec("ocr", ["app:classify"]), _spec("ingest", ["app:ocr"])]
    url = "https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws/"
    parties = {(each.name, "aws"): f"{each.name}@aws" for each in specs}
    edges = Edges("invoices", "dev", bytes(32), nodes(specs), parties)
    found = edges.wiring("app:ocr@aws", ["app:ocr"], {("app:classify", "aws"): Endpoint("aws", "app:classify", url)})
    assert len(found["callers"]) == 2
    assert environment.size({"HYFN_WIRING": json.dumps(found, separators=(",", ":"))}) <= environment.ROOM


def test_variables_may_stand_in_the_decorator_and_in_every_table(tmp_path: Path) -> None:
    files = {
        "app.py": """
            from hyfn import aws
            LEVEL = "debug"
            @aws(labels={"LOG": LEVEL, "A": "decorator"})
            def ocr(page: bytes) -> str: ...
            """,
        "pyproject.toml": """
            [tool.hyfn.aws.labels]
            A = "platform"
            B = "platform"
            [tool.hyfn.functions.ocr.aws.labels]
            C = "function"
            [tool.hyfn.stage.prod.functions.ocr.aws.labels]
            LOG = "warning"
            """,
    }
    found = functions(tmp_path, files, stage="prod")["app:ocr"].targets[0].options["labels"]
    assert found == {"LOG": "warning", "A": "decorator", "B": "platform", "C": "function"}


def test_a_variable_that_is_no_string_is_refused_at_its_line(tmp_path: Path) -> None:
    app = "from hyfn import aws\n@aws\ndef ocr(page: bytes) -> str: ...\n"
    table = "[tool.hyfn.functions.ocr.aws]\nlabels = { A = 1 }\n"
    [said] = refusals(tmp_path, {"app.py": app, "pyproject.toml": table})
    assert said.startswith("pyproject.toml:2: labels of aws must be Mapping[str, str], not {'A': 1}")


@every_platform
def test_every_platform_takes_variables(name: str, packer: Packer, target: Target) -> None:
    parameter = inspect.signature(clouds.platforms()[name].accepts).parameters["env"]
    assert parameter.annotation == "Mapping[str, str]"


# The edges of what each platform's `check` refuses: just inside, just outside.

EDGES: dict[str, dict[str, tuple[list[object], list[object]]]] = {
    "aws": {
        "memory": ([128, 10_240], [127, 10_241]),
        "timeout": ([1, 900], [0.99, 900.1]),
        "name": (["a", "x" * 64], ["x" * 65, "a.b"]),
        "python": (["3.11", "3.14"], ["3.10", "3.15"]),
    },
    "gcp": {
        "memory": ([128, 32_768], [127, 32_769]),
        "timeout": ([1, 3600], [0.99, 3601]),
        "name": (["a", "a" * 63], ["a" * 64, "A"]),
        "python": (["3.11", "3.14"], ["3.10", "3.15"]),
        "min_instances": ([0, 1000], [-1, 1001]),
        "max_instances": ([1, 1000], [0, 1001]),
        "concurrency": ([1, 1000], [0, 1001]),
    },
    "azure": {
        "memory": ([512, 2048, 4096], [511, 4097]),
        "timeout": ([1, 230], [0.99, 230.1]),
        "name": (["ab", "x" * 60], ["a", "x" * 61]),
        "python": (["3.11", "3.13"], ["3.10", "3.14"]),
    },
    "knative": {
        "memory": ([0, 1024 * 1024], [-1, 1024 * 1024 + 1]),
        "cpu": ([0, 1024], [-0.1, 1024.1]),
        "timeout": ([1, 600], [0.99, 600.1]),
        "name": (["a", "a" * 63], ["a" * 64, "a-"]),
        "namespace": (["9", "a" * 63], ["a" * 64, "-a"]),
        "python": (["3.11", "3.14"], ["3.10", "3.15"]),
        "min_instances": ([0, 1000], [-1, 1001]),
        "max_instances": ([0, 1000], [-1, 1001]),
        "concurrency": ([0, 1000], [-1, 1001]),
    },
    "kubernetes": {
        "memory": ([0, 1024 * 1024], [-1, 1024 * 1024 + 1]),
        "cpu": ([0, 1024], [-0.1, 1024.1]),
        "timeout": ([1, 86_400], [0.99, 86_400.1]),
        "name": (["a", "a" * 63], ["a" * 64, "a-", "1a"]),
        "namespace": (["9", "a" * 63], ["a" * 64, "-a"]),
        "python": (["3.11", "3.14"], ["3.10", "3.15"]),
        "min_instances": ([1, 1000], [0, 1001]),
        "max_instances": ([0, 1000], [-1, 1001]),
    },
    "openwhisk": {
        "memory": ([128, 512], [127, 513]),
        "timeout": ([0.1, 60], [0.099, 300.1]),
        "name": (["a", "x" * 256, "a b"], ["x" * 257, "a ", "a/b"]),
        "namespace": (["_", "a.b"], ["a/b"]),
        "package": (["a-b"], ["-a"]),
        "python": (["3.11", "3.12"], ["3.10", "3.13"]),
    },
    "fn": {
        "memory": ([1, 8192], [0, 8193]),
        "timeout": ([1, 300], [0.99, 300.1]),
        "name": (["a", "x" * 255, "a.b~c"], ["x" * 256, "a b"]),
        "app": (["a", "x" * 255], ["x" * 256, "a/b"]),
        "python": (["3.11", "3.12"], ["3.10", "3.13"]),
        "architecture": (["x86_64", "arm64", "multi"], ["riscv64"]),
    },
    "alibaba": {
        "memory": ([128, 32_768], [64, 32_832, 129]),
        "timeout": ([1, 86_400], [0.99, 86_400.1]),
        "concurrency": ([1, 200], [0, 201]),
        "cpu": ([0.1, 0.25], [0.04, 16.05]),
        "name": (["a", "_" * 64], ["x" * 65, "1a"]),
        "python": (["3.11", "3.12"], ["3.10", "3.13"]),
    },
    "local": {"timeout": ([0.001], [0, -1]), "python": (["3.11", "3.14"], ["3.10", "3.15"])},
}


def test_every_cloud_has_its_edges_here() -> None:
    assert {found.cloud for found in clouds.platforms().values()} <= EDGES.keys()


@pytest.mark.parametrize(
    ("cloud", "option"), [(cloud, option) for cloud, options in EDGES.items() for option in options]
)
def test_what_is_just_inside_passes_and_what_is_just_outside_is_refused(cloud: str, option: str) -> None:
    packer: Packer = clouds.get(cloud, "pack").packer
    spec = FunctionSpec("app:f", "app", "f", HERE, Signature([], None), None, False, [])
    inside, outside = EDGES[cloud][option]
    for value in inside:
        assert list(packer.check(spec, Target(cloud, cloud, {option: value}, HERE))) == [], value
    for value in outside:
        [problem] = packer.check(spec, Target(cloud, cloud, {option: value}, HERE))
        assert (problem.level, problem.place) == ("error", HERE), value


def test_the_limits_that_are_given_decide() -> None:
    tiny = Limits("a toy", packed=Limit(10, "https://example.com"))
    [problem] = _check(11, 0, of=tiny)
    assert problem.message.startswith("ocr for aws: 11 bytes zipped is 1 byte over a toy's 10 bytes")
