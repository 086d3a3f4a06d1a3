"""What an artifact holds of a project: no more than its functions reach, in the lines where it stood."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hyfn.discover.reach import Reach
from hyfn.model import Place
from hyfn.pack import slice as slicing
from hyfn.stub import render
from tests.unit.small_projects import linked, run, sliced, text

HEAD = "from hyfn import aws, azure, gcp\n"
TWO = HEAD + "@aws\ndef one(x: str) -> str:\n    return x\n\n@gcp\ndef two(x: str) -> str:\n    return one(x)\n"


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


# Packages and imports


def test_a_package_does_not_pull_in_what_it_reexports(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n",
        "shop/__init__.py": "from .light import helper as helper, LIMIT\nfrom .heavy_part import Engine, run\n"
        "from . import plugins\nVERSION = 1\n",
        "shop/light.py": "import json\nLIMIT = 3\ndef helper(x):\n    return json.dumps(x)\n",
        "shop/heavy_part.py": "import heavy\nclass Engine(heavy.Engine): ...\ndef run(): ...\n",
        "shop/plugins/__init__.py": "import shop.plugins.one\n",
        "shop/plugins/one.py": "LOADED = True\n",
        "shop/deep/__init__.py": "",
        "shop/deep/api.py": HEAD + "from .. import helper, run\nfrom ..heavy_part import Engine\n"
        "@aws\ndef light(x: str) -> str:\n    return helper(x)\n"
        "@gcp\ndef heavy(x: str) -> str:\n    return run(Engine, x)\n",
    }
    project = linked(tmp_path, files)
    cut = sliced(project, "light")
    assert cut.imports == {}
    assert set(cut.files) == {
        "shop/__init__.py",
        "shop/deep/__init__.py",
        "shop/deep/api.py",
        "shop/light.py",
        "shop/plugins/__init__.py",
        "shop/plugins/one.py",
    }
    code = "import shop.deep.api as a, shop; print(a.light.__wrapped__('x'), shop.plugins.one.LOADED, shop.VERSION)"
    assert run(cut, tmp_path, code) == '"x" True 1'
    assert list(sliced(project, "heavy").imports) == ["heavy"]


def test_a_src_layout_is_laid_out_by_its_import_root(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n",
        "src/shop/__init__.py": "",
        "src/shop/app.py": TWO,
        "src/shop/mail.txt": "hello",
    }
    files["src/shop/app.py"] += "@aws\ndef mail(x: str) -> str:\n    return open('mail.txt').read()\n"
    project = linked(tmp_path, files)
    assert set(sliced(project, "two").files) == {"shop/__init__.py", "shop/app.py"}
    assert set(sliced(project, "mail").files) == {"shop/__init__.py", "shop/app.py", "shop/mail.txt"}


def test_an_import_that_nobody_refers_to_is_kept_for_what_it_does(tmp_path: Path) -> None:
    files = {
        "app.py": "import setup_logging\nimport patching.all\nfrom quiet import hush\n" + TWO,
        "setup_logging.py": "import json\nprint('set up')\ndef unused():\n    import heavy\n",
        "quiet.py": "def hush(): ...\n",
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert set(cut.files) == {"app.py", "setup_logging.py", "quiet.py"}
    assert cut.imports == {"patching": Place("app.py", 2)}
    assert "from quiet import hush" in text(cut)


def test_optional_imports_are_told_from_required_ones(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD
        + """
import contextlib
try:
    import quick as json
except ImportError:
    import json
try:
    import unused_quick as other
    IS_QUICK = True
except ImportError:
    IS_QUICK = False
with contextlib.suppress(ImportError):
    import suppressed
try:
    import required
finally:
    pass

@aws
def one(x: str) -> str:
    import late.part
    try:
        from maybe import part
    except (ImportError, OSError):
        part = None
    import importlib
    importlib.import_module("by_name.part")
    return json.dumps(x)

@gcp
def two(x: str) -> str:
    return other.do(x, IS_QUICK)
"""
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert set(cut.imports) == {"late", "by_name", "required"}
    assert set(cut.optional_imports) == {"quick", "suppressed", "maybe"}
    assert "unused_quick" not in text(cut)


def test_what_only_a_type_checker_imports_stays_and_counts_for_nothing(tmp_path: Path) -> None:
    files = {
        "app.py": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    import heavy\n    from lib import Thing\n"
        + HEAD
        + "@aws\ndef one(x: str) -> str:\n    y: heavy.Thing | Thing = x\n    return y\n",
        "lib.py": "import heavy\nclass Thing(heavy.Thing): ...\n",
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert cut.imports == {}
    assert set(cut.files) == {"app.py"}
    assert "    from lib import Thing\n" in text(cut)
    assert run(cut, tmp_path, "import app; print(app.one.__wrapped__('x'))") == "x"


def test_star_imports_bring_what_is_used_and_all_that_all_names(tmp_path: Path) -> None:
    files = {
        "app.py": "from lib import *\nfrom strict import *\nfrom unused import *\n"
        + HEAD
        + "@aws\ndef one(x: str) -> str:\n    return used(x) + strict(x)\n"
        "@gcp\ndef two(x: str) -> str:\n    return unused(x)\n",
        "lib.py": "import heavy\ndef used(x):\n    return x\ndef other(): heavy\n",
        "strict.py": "import json\n__all__ = ['strict', 'also']\ndef strict(x):\n    return x\n"
        "def also():\n    return json\ndef other(): ...\n",
        "unused.py": "import heavy\ndef unused(x):\n    return heavy\n",
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert set(cut.files) == {"app.py", "lib.py", "strict.py"}
    assert cut.imports == {}
    assert run(cut, tmp_path, "import app; print(app.one.__wrapped__('x'), app.also.__name__)") == "xx also"


def test_a_package_that_loads_its_names_late_brings_what_type_checkers_see(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pkg.part import helper\n"
        "    from pkg.more import *\n"
        "def __getattr__(name):\n    from importlib import import_module\n"
        "    return getattr(import_module('pkg.' + {'helper': 'part'}.get(name, 'more')), name)\n",
        "pkg/part.py": "import heavy as h\ndef helper(x):\n    return x\ndef other():\n    return h\n",
        "app.py": HEAD + "import pkg\n@aws\ndef one(x: str) -> str:\n    return pkg.helper(x) + pkg.MORE\n",
        "pkg/more.py": "MORE = '!'\n",
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert cut.imports == {}
    assert run(cut, tmp_path, "import app; print(app.one.__wrapped__('x'))") == "x!"


def test_google_is_named_as_far_as_needed(tmp_path: Path) -> None:
    files = {
        "app.py": HEAD
        + "import numpy.linalg\nfrom google.cloud import storage\nimport google.auth\nfrom PIL import Image\n"
        "@aws\ndef one(x: str) -> str:\n    return storage, google.auth, numpy, Image\n"
    }
    assert set(sliced(linked(tmp_path, files), "one").imports) == {
        "PIL",
        "google.auth",
        "google.cloud.storage",
        "numpy",
    }


def test_modules_that_import_each_other_still_do(tmp_path: Path) -> None:
    files = {
        "a.py": "import heavy\n" + HEAD + "import b\n@aws\ndef f(x: str) -> str:\n    return b.g(x), heavy\n"
        "def plain(x):\n    return x\n",
        "b.py": HEAD + "import a\n@gcp\ndef g(x: str) -> str:\n    return a.f(a.plain(x))\n",
    }
    cut = sliced(linked(tmp_path, files), "g")
    assert cut.imports == {}
    assert run(cut, tmp_path, "import b, a; print(a.f, b.g)") == (
        "<hyfn function a:f on aws> <hyfn function b:g on gcp>"
    )


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


# Where stubs find their marker, and lines


@pytest.mark.parametrize(
    ("head", "decorator"),
    [
        ("import hyfn", "@hyfn.aws"),
        ("import hyfn as h", "@h.aws(memory=512)"),
        ("from hyfn import aws, gcp  # both", "@aws"),
        ("from hyfn import (\n    aws,\n    gcp,\n)", "@aws"),
        ("from hyfn import aws\nfrom hyfn import gcp", "@aws"),
        ("import json; from hyfn import aws, gcp; import math", "@aws"),
        ("from hyfn import *", "@aws"),
        ("'''Docs.'''\nfrom __future__ import annotations\nfrom hyfn import aws, gcp", "@aws"),
        ("# -*- coding: latin-1 -*-\nfrom hyfn import aws, gcp\nNAME = 'é'", "@aws"),
        ("NAME = 'é 漢'; from hyfn import aws, gcp; OTHER = '漢'", "@aws"),
        ("try:\n    from hyfn import aws, gcp\nfinally:\n    pass", "@aws"),
    ],
)
def test_a_stub_finds_its_marker_wherever_hyfn_was_imported(tmp_path: Path, head: str, decorator: str) -> None:
    other = decorator.replace("aws", "gcp")
    body = (
        f"{head}\n{decorator}\ndef one(x: str) -> str: return x\n{other}\ndef two(x: str) -> str:\n    return one(x)\n"
    )
    cut = sliced(linked(tmp_path, {"app.py": body}), "two")
    assert run(cut, tmp_path, "import app; print(app.one, app.one.is_stub, app.two)") == (
        "<hyfn function app:one on aws> True <hyfn function app:two on gcp>"
    )


def test_decorators_of_hyfn_may_come_through_a_module_of_the_project(tmp_path: Path) -> None:
    files = {
        "places.py": "from hyfn import aws, gcp\n",
        "app.py": TWO.replace("from hyfn import aws, azure, gcp", "from places import aws, gcp"),
    }
    project = linked(tmp_path, files)
    assert len(project.functions) == 2
    cut = sliced(project, "two")
    assert run(cut, tmp_path, "import app; print(app.one.is_stub)") == "True"


def test_statements_that_share_a_line_keep_it(tmp_path: Path) -> None:
    body = "import heavy; import json; import heavier\nimport a1; x = (1,\n 2)\n" + TWO.replace(
        "return one(x)", "return heavy, heavier, a1"
    ).replace("return x\n", "return json.dumps(x)\n")
    cut = sliced(linked(tmp_path, {"app.py": body}), "one")
    assert text(cut).startswith("pass; import json; pass  # left out here: heavier\npass; x = (1,\n 2)\n")
    assert run(cut, tmp_path, "import app; print(app.one.__wrapped__('x'), app.x)") == '"x" (1, 2)'


def test_windows_line_ends_and_a_missing_last_one_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_bytes(
        ("import heavy\n" + TWO.replace("return x", "return heavy")).replace("\n", "\r\n").encode()[:-2]
    )
    cut = sliced(linked(tmp_path, {}), "two")
    assert run(cut, tmp_path, "import app; print(app.one.is_stub)") == "True"


def test_a_comment_at_the_head_of_a_script_is_never_lost(tmp_path: Path) -> None:
    head = '#!/usr/bin/env python\n# /// script\n# dependencies = ["heavy"]\n# ///\nimport heavy\n'
    project = linked(tmp_path, {"app.py": head + TWO.replace("return x", "return heavy")})
    assert text(sliced(project, "two")).startswith(head.replace("import heavy\n", "# left out here: heavy\n"))


def test_a_long_gap_names_as_much_as_fits_a_line(tmp_path: Path) -> None:
    helpers = "".join(f"def a_rather_long_name_{n}(): ...\n" for n in range(30))
    cut = sliced(linked(tmp_path, {"app.py": HEAD + helpers + "@aws\ndef one(x: str) -> str:\n    return x\n"}), "one")
    gap = text(cut).split("\n")[1]
    assert gap.startswith("# left out here: a_rather_long_name_0, ")
    assert gap.endswith("27 more")
    assert len(gap) <= 100


# Data files


@pytest.mark.parametrize(
    ("code", "travels"),
    [
        ("open('words.txt').read()", {"words.txt"}),
        ("(Path(__file__).parent / 'data' / 'a.json').read_text()", {"data/a.json"}),
        ("Path(__file__).with_name('words.txt')", {"words.txt"}),
        ("os.path.join(os.path.dirname(__file__), 'data', 'a.json')", {"data/a.json"}),
        ("os.path.join(HERE, 'data')", {"data/a.json", "data/deep/b.bin"}),
        ("files('pack').joinpath('inside.txt')", {"pack/inside.txt"}),
        ("pkgutil.get_data('pack', 'inside.txt')", {"pack/inside.txt"}),
        ("PackageLoader('pack', 'pages')", {"pack/pages/mail.html"}),
        ("FileSystemLoader('pack/pages')", {"pack/pages/mail.html"}),
        ("Path(__file__).parent.glob('*.txt')", {"words.txt", "other.txt"}),
        ("files('pack').joinpath(x)", {"pack/inside.txt", "pack/pages/mail.html"}),
        ("logging.getLogger('pack')", set()),
        ("open(f'{HERE}/words.txt')", {"words.txt"}),
        ("'words'", set()),
        ("open('../outside.txt')", set()),
        ("open('/etc/hostname')", set()),
        ("open('.env')", set()),
        ("open('data/id_rsa')", set()),
        ("open('server.key')", set()),
        ("open('server.pem')", set()),
        ("open('ca.pem')", {"ca.pem"}),
        ("open('leading_out.txt')", set()),
        ("open('app.py')", set()),
        ("'.'", set()),
        ("''", set()),
    ],
)
def test_files_that_the_code_names_travel_and_secrets_never(tmp_path: Path, code: str, travels: set[str]) -> None:
    files = {
        "app.py": "import os, pkgutil\nfrom pathlib import Path\nfrom importlib.resources import files\n"
        "from jinja2 import FileSystemLoader, PackageLoader\n"
        + HEAD
        + f"HERE = os.path.dirname(__file__)\n@aws\ndef one(x: str) -> str:\n    return {code}\n"
        "@gcp\ndef two(x: str) -> str:\n    return open('other.txt')\n",
        "pack/__init__.py": "",
        "pack/inside.txt": "i",
        "pack/pages/mail.html": "m",
        "words.txt": "w",
        "other.txt": "o",
        "data/a.json": "{}",
        "data/deep/b.bin": "b",
        "data/deep/.hidden": "h",
        "data/id_rsa": "k",
        "data/prod.env": "k",
        ".env": "SECRET=1",
        "server.key": "k",
        "server.pem": "-----BEGIN RSA PRIVATE KEY-----",
        "ca.pem": "-----BEGIN CERTIFICATE-----",
    }
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text("o")
    (folder / "leading_out.txt").symlink_to(tmp_path / "outside.txt")
    cut = sliced(linked(folder, files), "one")
    assert {name for name in cut.files if not name.endswith(".py")} == travels


def test_a_function_reads_its_file_in_the_slice(tmp_path: Path) -> None:
    files = {
        "app.py": "from pathlib import Path\n" + HEAD + "TEMPLATES = Path(__file__).parent / 'templates'\n"
        "@aws\ndef one(x: str) -> str:\n    return (TEMPLATES / 'mail.txt').read_text()\n",
        "templates/mail.txt": "Dear {name}",
    }
    cut = sliced(linked(tmp_path, files), "one")
    assert run(cut, tmp_path, "import app; print(app.one.__wrapped__(''))") == "Dear {name}"


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
