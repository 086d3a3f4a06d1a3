"""The options of decorators and of [tool.hyfn]: what reading can see, which one wins, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.discovering import functions, refusal, refusals

APP = """
    from hyfn import aws, gcp

    @aws(memory=256)
    @gcp
    def ocr(): ...
    """


@pytest.mark.parametrize(
    "written, value",
    [
        ("memory=1_024", {"memory": 1024}),
        ("timeout=-1.5", {"timeout": -1.5}),
        ("timeout=+3", {"timeout": 3}),
        ("region='eu-' 'west-1'", {"region": "eu-west-1"}),
        ("calls=('a', 'b')", {"calls": ("a", "b")}),
        ("calls=['a', NAME]", {"calls": ["a", "x"]}),
        ("labels={'a': NAME}", {"labels": {"a": "x"}}),
        ("idempotent=True", {"idempotent": True}),
        ("zone=None", {"zone": None}),
        ("memory=MEMORY", {"memory": 512}),
        ("memory=SAME", {"memory": 512}),
        ("region=settings.REGION", {"region": "eu"}),
        ("region=REGION", {"region": "eu"}),
        ("**BOTH", {"memory": 1, "region": "eu"}),
        ("architecture='arm64'", {"architecture": "arm64"}),
    ],
)
def test_literals_and_module_constants_are_read(tmp_path: Path, written: str, value: dict[str, Any]) -> None:
    files = {
        "settings.py": "REGION = 'eu'\n",
        "app.py": f"""
            from typing import Final
            from hyfn import aws
            import settings
            from settings import REGION

            MEMORY: Final = 512
            SAME = MEMORY
            NAME: str = "x"
            BOTH = {{"memory": 1, "region": REGION}}

            @aws({written})
            def f(): ...
            """,
    }
    assert functions(tmp_path, files)["app:f"].targets[0].options == value


@pytest.mark.parametrize(
    "written, said",
    [
        ("memory=os.environ['M']", "os.environ['M'] is no literal and no module constant"),
        ("memory=int('5')", "int('5') is no literal and no module constant"),
        ("memory=2 * 512", "2 * 512 is no literal and no module constant"),
        ("region=f'eu-{1}'", "f'eu-{1}' is no literal and no module constant"),
        ("region=os.name", "os.name is os.name, which only running the program can tell"),
        ("memory=MISSING", "MISSING is not defined in app"),
        ("memory=TWICE", "TWICE is bound in several ways"),
        ("memory=COMPUTED", "int('3') is no literal and no module constant"),
        ("memory=UNPACKED", "UNPACKED is no constant"),
        ("labels={**OTHER}", "{**OTHER} has keys that are no literals"),
        ("calls=[n for n in 'ab']", "[n for n in 'ab'] is no literal and no module constant"),
        ("memory=LOOP", "LOOP is no literal and no module constant"),
    ],
)
def test_what_reading_cannot_see_is_refused_with_the_table_that_can_hold_it(
    tmp_path: Path, written: str, said: str
) -> None:
    source = f"""
        import os
        from hyfn import aws
        TWICE = 1
        TWICE = 2
        COMPUTED = int('3')
        UNPACKED, OTHER = 1, {{}}
        LOOP = LOOP
        @aws({written})
        def f(): ...
        """
    option = written.partition("=")[0]
    found = refusals(tmp_path, {"app.py": source, "pyproject.toml": ""})
    assert len(found) == 1
    assert found[0].startswith(f"app.py:8: option {option} cannot be read: {said}")
    assert f'(write it in pyproject.toml: [tool.hyfn.functions."app.f".aws] {option} = ' in found[0]


def test_a_script_is_told_of_its_own_block(tmp_path: Path) -> None:
    source = "from hyfn import aws\n@aws(memory=int())\ndef f(): ...\n"
    assert (
        "(write it in the `# /// script` block of the script: [tool.hyfn."
        in refusals(tmp_path, {"app.py": source}, "app.py")[0]
    )


@pytest.mark.parametrize(
    "written, said",
    [
        ("memry=1", "aws has no option 'memry' (did you mean memory? known are architecture, calls,"),
        ("x=1", "aws has no option 'x' (known are architecture,"),
        ("memory='1'", "memory of aws must be int, not '1' (memory = 128)"),
        ("memory=1.0", "memory of aws must be int, not 1.0"),
        ("memory=True", "memory of aws must be int, not True"),
        ("timeout='1'", "timeout of aws must be float, not '1'"),
        ("region=1", "region of aws must be str, not 1"),
        ("idempotent=1", "idempotent of aws must be bool, not 1"),
        ("calls='classify'", "calls of aws must be Sequence[str], not 'classify'"),
        ("calls=[1]", "calls of aws must be Sequence[str], not [1]"),
        ("labels={1: 'a'}", "labels of aws must be Mapping[str, str], not {1: 'a'}"),
        ("zone=1", "zone of aws must be str | None, not 1"),
        ("architecture='arm'", "architecture of aws must be one of 'x86_64', 'arm64', not 'arm'"),
    ],
)
def test_an_option_must_be_one_that_the_platform_takes(tmp_path: Path, written: str, said: str) -> None:
    found = refusal(tmp_path, f"from hyfn import aws\n@aws({written})\ndef f(): ...\n")
    assert found.replace('"', "'").startswith(f"app.py:2: {said}")


@pytest.mark.parametrize(
    "tables, memory",
    [
        ("", 256),
        ("[tool.hyfn.aws]\nmemory = 1", 256),
        ("[tool.hyfn.functions.ocr]\nmemory = 2", 2),
        ("[tool.hyfn.functions.ocr.aws]\nmemory = 3\n[tool.hyfn.functions.ocr]\nmemory = 2", 3),
        ('[tool.hyfn.functions."app.ocr".aws]\nmemory = 4', 4),
        ('[tool.hyfn.functions."app:ocr"]\naws = {memory = 5}', 5),
        ("[tool.hyfn.functions.ocr.aws]\nmemory = 3\n[tool.hyfn.stage.prod.aws]\nmemory = 6", 6),
        ("[tool.hyfn.stage.prod.aws]\nmemory = 6\n[tool.hyfn.stage.prod.functions.ocr]\nmemory = 7", 7),
        ("[tool.hyfn.stage.test.aws]\nmemory = 6", 256),
    ],
)
def test_the_nearer_table_wins(tmp_path: Path, tables: str, memory: int) -> None:
    found = functions(tmp_path, {"app.py": APP, "pyproject.toml": tables}, stage="prod")["app:ocr"]
    assert [target.options for target in found.targets] == [{"memory": memory}, {}]


def test_a_platform_s_table_is_for_every_function_on_it(tmp_path: Path) -> None:
    tables = '[tool.hyfn]\nstage = "dev"\n[tool.hyfn.aws]\nregion = "eu"\n[tool.hyfn.gcp]\nmin_instances = 2'
    found = functions(tmp_path, {"app.py": APP, "pyproject.toml": tables})["app:ocr"]
    assert [target.options for target in found.targets] == [{"region": "eu", "memory": 256}, {"min_instances": 2}]


def test_a_script_has_its_tables_in_its_block(tmp_path: Path) -> None:
    block = "# /// script\n# [tool.hyfn.functions.f.aws]\n# memory = 3\n# ///\n"
    source = block + "from hyfn import aws\n@aws\ndef f(): ...\n"
    assert functions(tmp_path, {"app.py": source}, "app.py")["app:f"].targets[0].options == {"memory": 3}


@pytest.mark.parametrize(
    "tables, said",
    [
        ("[tool.hyfn]\n\nregoin = 'eu'", "3: hyfn has no setting 'regoin'"),
        ("[tool.hyfn.awz]\nmemory = 1", "1: hyfn has no setting 'awz' (did you mean aws?"),
        ("[tool.hyfn]\napp = 3", "2: tool.hyfn.app must be a string"),
        ("[tool.hyfn]\nstage = 3", "2: stage must be a string"),
        ("[tool.hyfn]\naws = 3", "2: aws must be a table (such as [tool.hyfn.aws])"),
        ("[tool.hyfn]\nfunctions = []", "2: functions must be a table"),
        ("[tool]\nhyfn = 1", "2: hyfn must be a table (such as [tool.hyfn])"),
        ("[tool.hyfn.aws]\nregion = 'eu'\nmemry = 1", "3: aws has no option 'memry' (did you mean memory?"),
        ("[tool.hyfn.aws]\nmemory = 'a lot'", "2: memory of aws must be int, not 'a lot' (memory = 128)"),
        ("[tool.hyfn]\naws = {memory = 'a'}", "2: memory of aws must be int, not 'a'"),
        ("[tool.hyfn.functions.orc]\nmemory = 1", "1: no function is called 'orc' (did you mean ocr"),
        ("[tool.hyfn.functions.ocr]\nmemry = 1", "2: aws has no option 'memry' (did you mean memory?"),
        ("[tool.hyfn.functions.ocr]\nmin_instances = 'a'", "2: min_instances of gcp must be int, not 'a'"),
        ("[tool.hyfn.functions.ocr]\naws = 1", "2: aws must be a table"),
        ("[tool.hyfn.functions.ocr.azure]\nmemory = 512", "1: ocr is not on azure (it is on aws, gcp)"),
        ("[tool.hyfn.functions.ocr.aws]\nx = 1", "2: aws has no option 'x'"),
        ("[tool.hyfn.functions.app.ocr]\nmemory = 1", "1: no function is called 'app' (quote the name: \"app.ocr\")"),
        ("[tool.hyfn.stage.prod]\n[tool.hyfn.stage.prod.awz]", "2: hyfn has no setting 'awz'"),
        ("[tool.hyfn.stage.prod.functions.ocr]\nx = 1", "2: aws has no option 'x'"),
        (
            "[tool.hyfn.functions.both]\nmemory = 1",
            "1: 'both' may be app.both or other.both (write \"app.both\", quoted)",
        ),
    ],
)
def test_what_is_wrong_in_a_table_is_said_with_its_line(tmp_path: Path, tables: str, said: str) -> None:
    both = "\nfrom hyfn import aws\n\n@aws\ndef both(): ...\n"
    files = {"app.py": APP.replace("    ", "") + both, "other.py": both, "pyproject.toml": tables}
    found = refusals(tmp_path, files)
    assert len(found) == 1, found
    assert found[0].startswith(f"pyproject.toml:{said}")


def test_a_bare_name_that_two_modules_have_is_written_with_its_module(tmp_path: Path) -> None:
    both = "from hyfn import aws\n@aws\ndef f(): ...\n"
    files = {"a.py": both, "b.py": both, "pyproject.toml": '[tool.hyfn.functions."b.f"]\nmemory = 1'}
    found = functions(tmp_path, files)
    assert [found[name].targets[0].options for name in ("a:f", "b:f")] == [{}, {"memory": 1}]


def test_one_name_for_two_functions_names_both_places(tmp_path: Path) -> None:
    files = {
        "a.py": "from hyfn import aws\n@aws(name='x', region='eu')\ndef f(): ...\n",
        "b.py": "from hyfn import aws\n\n@aws(name='x', region='eu')\ndef g(): ...\n",
    }
    assert refusals(tmp_path, files) == ["b.py:3: g and f (a.py:2) both have the name 'x' on aws (rename one)"]


@pytest.mark.parametrize("second", ["aws(name='x', region='us')", "gcp(name='x')", "aws(name='y', region='eu')"])
def test_a_name_may_be_given_again_elsewhere(tmp_path: Path, second: str) -> None:
    source = f"from hyfn import aws, gcp\n@aws(name='x', region='eu')\ndef f(): ...\n@{second}\ndef g(): ...\n"
    assert len(functions(tmp_path, {"app.py": source})) == 2
