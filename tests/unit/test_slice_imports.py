"""Which imports and modules an artifact holds."""

from __future__ import annotations

from pathlib import Path

from hyfn.model import Place
from tests.unit.small_projects import HEAD, TWO, linked, run, sliced, text


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
