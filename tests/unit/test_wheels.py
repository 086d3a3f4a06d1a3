"""Artifacts get the distributions that they import, for the target and never for this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from hyfn.errors import BuildError, ConfigError, ProjectErrors
from hyfn.model import Place, Project, Runtime, Slice, Source
from hyfn.pack import form
from hyfn.pack.wheels import choose, fetch, stock
from hyfn.pack.wheels import narrow as narrowing
from hyfn.pack.wheels.narrow import Need
from tests.unit import index

INTEL = Runtime("3.13", "x86_64", "2.34")
ARM = Runtime("3.12", "aarch64", "2.28")
PROVIDED = ("boto3", "botocore")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    index.require()
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def project(root: Path, dependencies: Sequence[str]) -> Project:
    lines = ["[project]", "dependencies = [", *(f"    {one!r}," for one in dependencies), "]"]
    (root / "pyproject.toml").write_text("\n".join(lines))
    source = Source("shop.app", root / "shop/app.py", "shop/app.py", "", False)
    return Project("shop", root, root, "package", dependencies, None, {}, {source.module: source}, ())


def cut(*imports: str, optional: Sequence[str] = ()) -> Slice:
    places = {name: Place("shop/app.py", number) for number, name in enumerate([*imports, *optional], 1)}
    return Slice({}, {n: places[n] for n in imports}, {n: places[n] for n in optional}, (), ())


def narrowed(root: Path, dependencies: Sequence[str], sliced: Slice, runtime: Runtime = INTEL) -> Mapping[str, Need]:
    made = project(root, dependencies)
    choice = choose.choose(made, {runtime: ["aws"]})
    filled = stock.fill(choice, made, fetch.nobody)
    return narrowing.narrow(made, sliced, filled.chosen[runtime], filled.shelves[runtime], PROVIDED)


def narrow(root: Path, dependencies: Sequence[str], sliced: Slice, runtime: Runtime = INTEL) -> list[str]:
    return list(narrowed(root, dependencies, sliced, runtime))


def test_a_function_gets_what_it_imports_and_nothing_else(tmp_path: Path) -> None:
    dependencies = ["six", "jinja2>=3", "idna"]
    assert narrow(tmp_path, dependencies, cut("six")) == ["msgpack", "six"]
    assert narrow(tmp_path, dependencies, cut("jinja2", "json")) == ["jinja2", "markupsafe", "msgpack"]
    assert narrow(tmp_path, dependencies, cut()) == ["msgpack"]


def test_each_need_says_why_it_is_there(tmp_path: Path) -> None:
    needs = narrowed(tmp_path, ["jinja2"], cut("jinja2"))
    assert form.why(needs, "jinja2") == ["shop/app.py:1 imports jinja2"]
    assert form.why(needs, "markupsafe") == ["shop/app.py:1 imports jinja2", "jinja2 needs markupsafe"]
    assert form.why(needs, "msgpack") == ["hyfn needs it in every artifact"]


def test_what_serves_functions_is_there_whatever_they_import_and_without_what_it_asks_for(tmp_path: Path) -> None:
    made = project(tmp_path, ["six"])
    choice = choose.choose(made, {INTEL: ["fn"]}, serving={INTEL: ["Jinja2>=3"]})
    filled = stock.fill(choice, made, fetch.nobody)
    chosen, shelf = filled.chosen[INTEL], filled.shelves[INTEL]
    needs = narrowing.narrow(made, cut("six"), chosen, shelf, serving=["Jinja2>=3"])
    assert list(needs) == ["jinja2", "msgpack", "six"]
    assert form.why(needs, "jinja2") == ["it serves the functions there"]
    assert "jinja2" not in narrowing.narrow(made, cut("six"), chosen, shelf)
    again = choose.choose(made, {INTEL: ["fn"]}, is_locked=True, serving={INTEL: ["jinja2>=3"]})
    assert [wheel.name for wheel in again.by_runtime[INTEL].wheels] == ["jinja2", "markupsafe", "msgpack", "six"]
    with pytest.raises(ConfigError, match="jinja2>=3 was removed"):
        choose.choose(made, {INTEL: ["fn"]}, is_locked=True)


def test_an_import_that_only_a_dependency_of_a_dependency_provides_brings_it(tmp_path: Path) -> None:
    assert narrow(tmp_path, ["six", "jinja2"], cut("markupsafe")) == ["jinja2", "markupsafe", "msgpack"]


def test_an_import_name_need_not_be_the_distributions(tmp_path: Path) -> None:
    dependencies = ["pyyaml", "python-dateutil==2.9.0.post0"]
    assert narrow(tmp_path, dependencies, cut("yaml")) == ["msgpack", "pyyaml"]
    assert narrow(tmp_path, dependencies, cut("dateutil.parser")) == ["msgpack", "python-dateutil", "six"]


def test_parts_of_a_namespace_are_told_apart(tmp_path: Path) -> None:
    dependencies = ["zope.interface", "zope.event"]
    assert narrow(tmp_path, dependencies, cut("zope.event")) == ["msgpack", "zope-event"]
    assert narrow(tmp_path, dependencies, cut("zope.interface.verify")) == ["msgpack", "zope-interface"]
    assert narrow(tmp_path, dependencies, cut("zope")) == ["msgpack", "zope-event", "zope-interface"]


def test_extras_and_markers_are_the_targets(tmp_path: Path) -> None:
    dependencies = ["psycopg[binary]==3.2.10", "colorama; sys_platform == 'win32'", "tomli; python_version < '3.13'"]
    assert narrow(tmp_path, dependencies, cut("psycopg")) == ["msgpack", "psycopg", "psycopg-binary"]
    assert "typing-extensions" in narrow(tmp_path, dependencies, cut("psycopg"), ARM)
    assert narrow(tmp_path, dependencies, cut("tomli"), ARM) == ["msgpack", "tomli"]
    with pytest.raises(BuildError, match="provides 'tomli'"):
        narrow(tmp_path, dependencies, cut("tomli"))


def test_optional_imports_come_only_where_declared(tmp_path: Path) -> None:
    assert narrow(tmp_path, ["six"], cut(optional=["six", "orjson"])) == ["msgpack", "six"]


def test_what_is_there_anyway_brings_nothing(tmp_path: Path) -> None:
    sliced = cut("json", "shop", "hyfn.on", "msgpack", "botocore.config")
    assert narrow(tmp_path, ["six", "hyfn[aws]"], sliced) == ["msgpack"]


def test_every_undeclared_import_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectErrors) as caught:
        narrow(tmp_path, ["six"], cut("six", "yaml", "fish"))
    assert [str(error) for error in caught.value.errors] == [
        "shop/app.py:2: no declared dependency provides 'yaml' (add it to dependencies)",
        "shop/app.py:3: no declared dependency provides 'fish' (add it to dependencies)",
    ]


def test_a_dependency_that_does_not_exist_is_one_line_at_its_declaration(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        narrow(tmp_path, ["six", "hyfn-no-such-distribution>=1"], cut("six"))
    assert str(caught.value) == (
        "pyproject.toml:4: hyfn-no-such-distribution>=1 is not in the package index (is the name right?)"
    )


def test_a_version_that_does_not_exist_is_one_line_at_its_declaration(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        narrow(tmp_path, ["six==99"], cut())
    assert str(caught.value) == "pyproject.toml:3: no version of six==99 exists"


def test_no_wheel_for_the_target_names_the_target_and_what_would_have_one(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        narrow(tmp_path, ["six", "markupsafe==2.1.3"], cut("markupsafe"))
    assert str(caught.value) == (
        "pyproject.toml:4: markupsafe 2.1.3 comes only as source for CPython 3.13 on x86_64 and needs a compiler"
        " (it compiles src/markupsafe/_speedups.c)"
        " (it has wheels for CPython 3.12, 3.11, 3.10: set the target's python=)"
    )


def test_no_wheel_matters_only_to_who_imports_it(tmp_path: Path) -> None:
    assert narrow(tmp_path, ["six", "markupsafe==2.1.3"], cut("six")) == ["msgpack", "six"]


def test_a_pure_source_distribution_is_built_to_a_wheel(tmp_path: Path) -> None:
    assert narrow(tmp_path, ["pyaes==1.6.1"], cut("pyaes")) == ["msgpack", "pyaes"]


def test_a_native_source_distribution_matters_only_to_who_needs_it(tmp_path: Path) -> None:
    dependencies = ["six", "pycrypto==2.6.1"]
    assert narrow(tmp_path, dependencies, cut("six")) == ["msgpack", "six"]
    with pytest.raises(BuildError) as caught:
        narrow(tmp_path, dependencies, cut("pycrypto"))
    assert str(caught.value).startswith(
        "pyproject.toml:4: pycrypto 2.6.1 comes only as source for CPython 3.13 on x86_64"
    )
    assert caught.value.hint


def test_dependencies_that_contradict_each_other_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        narrow(tmp_path, ["requests==2.32.3", "urllib3==1.20"], cut("requests"))
    assert "\n" not in str(caught.value)
    assert "requests==2.32.3 depends on urllib3" in str(caught.value)


def test_what_is_no_requirement_is_refused_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^pyproject.toml:3: 'six >2, x' is not a requirement"):
        narrow(tmp_path, ["six >2, x"], cut())


def test_wheels_are_the_targets(tmp_path: Path) -> None:
    made = project(tmp_path, ["markupsafe==3.0.2"])
    intel, arm = [stock.fill(choose.choose(made, {runtime: []}), made, fetch.nobody) for runtime in (INTEL, ARM)]
    [shelf], [other] = intel.shelves.values(), arm.shelves.values()
    assert [path for path in shelf.contents["markupsafe"].paths if path.endswith("cpython-313-x86_64-linux-gnu.so")]
    assert [path for path in other.contents["markupsafe"].paths if path.endswith("cpython-312-aarch64-linux-gnu.so")]


def test_what_is_declared_and_never_imported_is_named(tmp_path: Path) -> None:
    made = project(tmp_path, ["six", "jinja2", "markupsafe", "idna"])
    choice = choose.choose(made, {INTEL: []})
    filled = stock.fill(choice, made, fetch.nobody)
    unused = narrowing.unused(["six", "jinja2"], filled.chosen[INTEL], filled.shelves[INTEL])
    assert [str(one) for one in unused] == ["idna"]
