"""What an artifact holds of a project: no more than its functions reach, in the lines where it stood."""

from __future__ import annotations

import time
from pathlib import Path

from hyfn.discover.reach import Reach
from hyfn.model import Place
from hyfn.pack import slice as slicing
from hyfn.stub import render
from tests.unit.small_projects import HEAD, TWO, linked, run, sliced, text


def test_what_only_others_use_does_not_travel_and_the_rest_runs(tmp_path: Path) -> None:
    files = {
        "app.py": """
            '''Pages.'''
            from __future__ import annotations
            import heavy as h
            import heavier.part, json
            from heaviest import (
                first,  # of them
                second,
            )
            from hyfn import aws, azure, gcp

            # Turns a page grey.
            # It needs a lot.
            def grey(page: bytes) -> bytes:
                return h.grey(first(page))

            # Stays.
            def title(text: str) -> str:
                return json.dumps(text.title())

            @aws
            def ocr(page: bytes) -> str:
                return str(grey(page), heavier.part, second)

            @gcp(memory=512)
            def classify(text: str) -> str:
                "Which kind of letter this is."
                return title(text)

            @azure
            async def ingest(page: bytes) -> str:
                return classify(ocr(page))

            if __name__ == "__main__":
                print(classify("x"))
        """
    }
    project = linked(tmp_path, files)
    cut = sliced(project, "classify")
    assert cut.imports == {}
    assert cut.stubs == []
    assert cut.functions == ["app:classify"]
    lines = text(cut).split("\n")
    assert lines[2:9] == [
        "# left out here: heavy",
        "import json",
        "# left out here: first, second",
        "",
        "",
        "",
        "from hyfn import gcp",
    ]
    assert lines[10:15] == ["# left out here: grey", "", "", "", ""]
    assert "# Stays." in lines
    assert run(cut, tmp_path, "import app; print(app.classify.__wrapped__('pay'))") == '"Pay"'
    assert sliced(project, "ocr").imports == {
        "heavier": Place("app.py", 4),
        "heaviest": Place("app.py", 5),
        "heavy": Place("app.py", 3),
    }


def test_a_stub_has_the_name_the_types_and_the_exceptions_of_its_function(tmp_path: Path) -> None:
    files = {
        "app.py": """
            from hyfn import aws, gcp
            from errors import Unreadable, Mood
            import heavy
            LIMIT = 3

            @gcp
            @aws
            async def classify(text: str, /, *rest: int, limit: int = LIMIT, **more: "Mood") -> list[str]:
                '''Which kind.

                And more.
                '''
                if not text:
                    raise Unreadable(heavy)
                return []

            @aws
            async def caller(x: str) -> list[str]:
                return await classify(x)
        """,
        "errors.py": "import other, enum\nclass Base(Exception): ...\nclass Unreadable(Base): ...\n"
        "class Mood(enum.Enum):\n    A = 1\ndef more(): other.x\n",
    }
    cut = sliced(linked(tmp_path, files), "caller")
    assert cut.stubs == ["app:classify"]
    assert text(cut).split("\n")[0] == "from hyfn import aws; from hyfn.declare import stub as hyfn_stub"
    assert text(cut).split("\n")[5:11] == [
        '@hyfn_stub("gcp", "aws", raises=("errors:Unreadable",))',
        'async def classify(text: str, /, *rest: int, limit: int = LIMIT, **more: "Mood") -> list[str]:',
        '    """Which kind."""',
        "    ...",
        "",
        "",
    ]
    code = """
        import app, inspect, errors
        print(type(app.classify).__name__, app.classify.is_stub, app.classify.raises)
        print([one.platform.name for one in app.classify.placements], inspect.signature(app.classify.__wrapped__))
    """
    assert run(cut, tmp_path, code).split("\n") == [
        "AsyncFunction True ('errors:Unreadable',)",
        "['gcp', 'aws'] (text: str, /, *rest: int, limit: int = 3, **more: 'Mood') -> list[str]",
    ]


def test_a_class_that_only_a_callee_raises_is_there_to_be_raised(tmp_path: Path) -> None:
    files = {
        "remote.py": HEAD
        + "import heavy\nimport trouble\n@aws\ndef read(x: str) -> str:\n    heavy\n    raise trouble.Bad(x)\n",
        "trouble.py": "import heavy\nclass Bad(Exception): ...\ndef heavily(): heavy\n",
        "app.py": HEAD + "from remote import read\n@gcp\ndef caller(x: str) -> str:\n    return read(x)\n",
    }
    cut = sliced(linked(tmp_path, files), "caller")
    assert set(cut.files) == {"app.py", "remote.py", "trouble.py"}
    assert run(cut, tmp_path, "import app, remote, trouble; print(remote.read.raises)") == "('trouble:Bad',)"


def test_types_of_a_stub_and_of_dataclass_fields_are_reached_in_other_modules(tmp_path: Path) -> None:
    files = {
        "models.py": """
            from dataclasses import dataclass
            from enum import Enum
            import heavy
            from parts import Line as L

            @dataclass
            class Invoice:
                lines: "list[L]"
                mood: "Mood | None" = None

            class Mood(Enum):
                A = 1
            class Unused:
                at: heavy.Thing
        """,
        "parts.py": "import heavy\nfrom typing import NamedTuple\nclass Line(NamedTuple):\n    x: int\n"
        "class Other(heavy.X): ...\n",
        "remote.py": HEAD + "from models import Invoice, Unused\nimport heavy\n"
        "@aws\ndef read(x: Invoice) -> str:\n    return heavy, Unused\n",
        "app.py": HEAD + "import remote\n@gcp\ndef caller(x: str) -> str:\n    return remote.read(x)\n",
    }
    cut = sliced(linked(tmp_path, files), "caller")
    code = "import app, remote, typing, models, parts; print(typing.get_type_hints(models.Invoice), dir(models)[:3])"
    assert run(cut, tmp_path, code).startswith("{'lines': list[parts.Line], 'mood': models.Mood | None}")
    assert "Unused" not in text(cut, "models.py").replace("# left out here: Unused", "")


# What must stay


def test_module_level_statements_run_as_written_and_stubs_stand_in_them(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD
        + """
import heavy
import math
@aws
def one(x: str) -> str:
    return heavy

@gcp
def two(x: str) -> str:
    return x

def plain(): ...

STEPS = [one]
for step in (two, *STEPS):
    print(step.__name__, end=" ")
while (last := len(STEPS)) > 1: ...
del plain
print(math.pi > 3, last)
"""
    }
    cut = sliced(linked(tmp_path, files), "two")
    assert cut.stubs == ["app:one"]
    assert cut.imports == {}
    assert run(cut, tmp_path, "import app; print(hasattr(app, 'plain'))").split() == [
        "two",
        "one",
        "True",
        "1",
        "False",
    ]


def test_a_registered_definition_stays_with_all_it_needs(tmp_path: Path) -> None:
    files = {
        "app.py": """
            import functools
            from dataclasses import dataclass
            from hyfn import aws, gcp
            from registry import register, Plugin, Base
            import heavy

            @register
            def step(x):
                return helper(x)

            def helper(x):
                return x * 2

            class Late(Plugin):
                def run(self, x):
                    return helper(x)

            class Row(Base): ...

            @functools.cache
            def cached():
                return heavy

            @dataclass
            class Dropped:
                at: heavy.Thing

            @functools.singledispatch
            def show(x):
                return "any"

            @show.register
            def _(x: int):
                return "int"

            @aws
            def one(x: str) -> str:
                return x
        """,
        "registry.py": """
            FOUND = []

            def register(function):
                FOUND.append(function)
                return function

            class Plugin:
                def __init_subclass__(cls):
                    FOUND.append(cls)

            def declarative():
                return type("Base", (), {})

            Base = declarative()
        """,
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert cut.imports == {}
    code = "import app, registry; print([one.__name__ for one in registry.FOUND], app.step(2), app.Row, app.show(1))"
    assert run(cut, tmp_path, code) == "['step', 'Late'] 4 <class 'app.Row'> int"
    assert "# left out here: cached, Dropped" in text(cut)


def test_a_class_brings_its_bases_decorators_defaults_and_metaclass(tmp_path: Path) -> None:
    files = {
        "app.py": """
            from hyfn import aws
            from dataclasses import dataclass, field

            def wrap(function):
                return function

            def fresh():
                return [SIZE]

            SIZE = 3
            class Meta(type): ...
            class Base(metaclass=Meta): ...

            @dataclass
            class Item(Base):
                sizes: list[int] = field(default_factory=fresh)
                @wrap
                def total(self, start=SIZE):
                    return sum(self.sizes, start)

            class Unused(Item): ...

            @aws
            def one(x: str) -> str:
                return str(Item().total())
        """
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert run(cut, tmp_path, "import app; print(app.one.__wrapped__(''))") == "6"


def test_overloads_and_definitions_by_condition_stay_together(tmp_path: Path) -> None:
    files = {
        "app.py": """
            import sys
            from typing import overload
            from hyfn import aws, gcp

            if sys.version_info >= (3, 0):
                def helper(x):
                    return x
            else:
                import ancient
                def helper(x):
                    return ancient.helper(x)

            if sys.platform == "plan9":
                import plan9
                def unused(x):
                    return plan9.helper(x)

            @overload
            def both(x: int) -> int: ...
            @overload
            def both(x: str) -> str: ...
            def both(x):
                return x

            @aws
            def one(x: str) -> str:
                return both(helper(x))

            @gcp
            def two(x: str) -> str:
                return unused(x)
        """
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert set(cut.imports) == {"ancient"}
    assert run(cut, tmp_path, "import app; print(app.one.__wrapped__('x'))") == "x"


def test_a_module_used_as_a_value_stays_whole(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD + "import steps\n@aws\ndef one(x: str) -> str:\n    return getattr(steps, x)()\n",
        "steps.py": HEAD + "import json\nimport heavy\ndef a():\n    return json.dumps('a')\nclass B: ...\n"
        "@gcp\ndef far(x: str) -> str:\n    return heavy.x\n",
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert (
        run(cut, tmp_path, "import app, steps; print(app.one.__wrapped__('a'), hasattr(steps, 'far'))") == '"a" False'
    )
    files["app.py"] = files["app.py"].replace("@aws\n", "@aws(calls=['far'])\n")
    cut = sliced(linked(tmp_path, files), "one")
    assert run(cut, tmp_path, "import app, steps; print(steps.far.is_stub)") == "True"


def test_functions_of_one_artifact_are_all_kept(tmp_path: Path) -> None:
    cut = sliced(linked(tmp_path, {"app.py": TWO}), "one", "two")
    assert cut.functions == ["app:one", "app:two"]
    assert cut.stubs == []
    assert text(cut).replace("from hyfn import aws, gcp", HEAD.strip()) == TWO


def test_a_hundred_slices_are_cut_in_seconds(tmp_path: Path) -> None:
    body = "".join(f"def helper{n}(x):\n    return [helper{max(n - 1, 0)}(y) for y in x if y]\n" for n in range(20))
    files = {
        f"m{n}.py": HEAD + f"import m{(n + 1) % 50} as after\n{body}"
        f"@aws\ndef f{n}(x: str) -> str:\n    return after.f{(n + 1) % 50}(helper19(x))\n"
        f"@gcp\ndef g{n}(x: str) -> str:\n    return f{n}(after.g{(n + 1) % 50}(x))\n"
        for n in range(50)
    }
    project = linked(tmp_path, files)
    start = time.process_time()
    reach = Reach(project)
    for function in project.functions:
        slicing.cut(project, reach.of([function]), render.stub)
    assert time.process_time() - start < 2


def test_a_concatenation_of_hundreds_of_parts_is_read(tmp_path: Path) -> None:
    long = (
        HEAD + "PART = 'x'\nTEXT = " + " + ".join(["PART"] * 700) + "\n@aws\ndef one(x: str) -> str:\n    return TEXT\n"
    )
    project = linked(tmp_path, {"app.py": long})
    cut = slicing.cut(project, Reach(project).of(project.functions), render.stub)
    assert run(cut, tmp_path, "import app; print(len(app.one.__wrapped__('')))") == "700"
