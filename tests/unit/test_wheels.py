"""Artifacts get the distributions that they import, for the target and never for this machine."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from hyfn.errors import BuildError, MachineError, ProjectErrors
from hyfn.model import Place, Project, Runtime, Slice, Source
from hyfn.pack.wheels import layout, pins
from hyfn.pack.wheels import narrow as wheels
from hyfn.toolchain import uv
from tests.unit import index

INTEL = Runtime("3.13", "x86_64", "2.34")
ARM = Runtime("3.12", "aarch64", "2.28")


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


def names(narrowed: wheels.Narrowed) -> list[str]:
    return [one.partition("==")[0] for one in narrowed.distributions]


def narrow(root: Path, dependencies: Sequence[str], sliced: Slice, runtime: Runtime = INTEL) -> list[str]:
    return names(wheels.narrow(project(root, dependencies), sliced, runtime))


def test_a_function_gets_what_it_imports_and_nothing_else(tmp_path: Path) -> None:
    dependencies = ["six", "jinja2>=3", "idna"]
    assert narrow(tmp_path, dependencies, cut("six")) == ["msgpack", "six"]
    assert narrow(tmp_path, dependencies, cut("jinja2", "json")) == ["jinja2", "markupsafe", "msgpack"]
    assert narrow(tmp_path, dependencies, cut()) == ["msgpack"]


def test_the_files_are_those_of_the_distributions(tmp_path: Path) -> None:
    narrowed = wheels.narrow(project(tmp_path, ["six==1.17.0", "idna"]), cut("six"), INTEL)
    assert "six==1.17.0" in narrowed.distributions
    assert "six.py" in narrowed.files
    assert "six-1.17.0.dist-info/METADATA" in narrowed.files
    assert not [path for path in narrowed.files if path.startswith("idna")]
    assert all(path.is_file() for path in narrowed.files.values())


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
    found = wheels.narrow(project(tmp_path, ["six", "hyfn[aws]"]), sliced, INTEL, ["boto3", "botocore"])
    assert names(found) == ["msgpack"]


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
        "pyproject.toml:4: markupsafe==2.1.3 has no wheel for CPython 3.13 on x86_64 with glibc 2.34"
        " (it has wheels for CPython 3.12, 3.11, 3.10: set the target's python=)"
    )


def test_no_wheel_matters_only_to_who_imports_it(tmp_path: Path) -> None:
    assert narrow(tmp_path, ["six", "pyaes==1.6.1"], cut("six")) == ["msgpack", "six"]
    with pytest.raises(BuildError, match=r"pyaes==1.6.1 has no wheel .*only as source"):
        narrow(tmp_path, ["six", "pyaes==1.6.1"], cut("pyaes"))


def test_a_dependencys_dependency_without_a_wheel_is_blamed_by_name(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"pyproject.toml:3: pyaes, which telethon==1.40.0 needs, has no wheel"):
        narrow(tmp_path, ["telethon==1.40.0"], cut("telethon"))


def test_dependencies_that_contradict_each_other_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        narrow(tmp_path, ["requests==2.32.3", "urllib3==1.20"], cut("requests"))
    assert "\n" not in str(caught.value)
    assert "requests==2.32.3 depends on urllib3" in str(caught.value)


def test_what_is_no_requirement_is_refused_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^pyproject.toml:3: 'six >2, x' is not a requirement"):
        narrow(tmp_path, ["six >2, x"], cut())


def test_wheels_are_the_targets_and_hold_nothing_of_this_machine(tmp_path: Path) -> None:
    intel = layout.lay_out(pins.resolve(["markupsafe==3.0.2", "uvicorn==0.30.0"], INTEL), INTEL)
    arm = layout.lay_out(pins.resolve(["markupsafe==3.0.2"], ARM), ARM)
    assert [path for path in layout.files(intel) if path.endswith("cpython-313-x86_64-linux-gnu.so")]
    assert [path for path in layout.files(arm) if path.endswith("cpython-312-aarch64-linux-gnu.so")]
    everything = {path.relative_to(intel).as_posix() for path in intel.rglob("*") if path.is_file()}
    assert everything == {*layout.files(intel)}
    assert not [path for path in everything if path.startswith("bin/") or path.endswith((".pyc", "INSTALLER"))]
    assert "bin/uvicorn" not in (intel / "uvicorn-0.30.0.dist-info/RECORD").read_text()


def test_the_same_pins_make_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def content(cache: str) -> dict[str, bytes]:
        monkeypatch.setenv("HYFN_CACHE", str(tmp_path / cache))
        site = layout.lay_out(pins.resolve(["uvicorn==0.30.0", "markupsafe==3.0.2"], INTEL), INTEL)
        return {name: path.read_bytes() for name, path in layout.files(site).items()}

    assert content("one") == content("two")


def test_a_lay_out_is_made_once_also_by_many_at_once() -> None:
    pinned = pins.resolve(["six==1.17.0"], INTEL)
    sites: list[Path] = []
    threads = [threading.Thread(target=lambda: sites.append(layout.lay_out(pinned, INTEL))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sites) == 4
    assert len(set(sites)) == 1
    assert (sites[0] / "six.py").exists()


def test_a_wheel_that_is_not_the_pinned_one_is_refused() -> None:
    forged = pins.Pinned("six", "1.17.0", ("sha256:" + "0" * 64,), "six==1.17.0")
    with pytest.raises(uv.UvError):
        layout.lay_out([forged], INTEL)
    with pytest.raises(uv.UvError):
        layout.lay_out([forged], INTEL)


def test_constraints_and_the_projects_lock_hold(tmp_path: Path) -> None:
    lock = '[[package]]\nname = "six"\nversion = "1.15.0"\nsource = { registry = "r" }\n'
    (tmp_path / "uv.lock").write_text(lock)
    assert [pin.requirement for pin in pins.resolve(["six"], INTEL, ["six<1.17"])] == ["six==1.16.0"]
    assert [pin.version for pin in pins.resolve(["six"], INTEL, root=tmp_path)] == ["1.15.0"]


def test_without_an_index_the_last_answer_holds_else_the_machine_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = pins.resolve(["six"], INTEL)
    monkeypatch.setattr(pins, "FRESH_SECONDS", -1)
    monkeypatch.setattr(uv, "_run", unreachable)
    assert pins.resolve(["six"], INTEL) == before
    with pytest.raises(MachineError, match=r"index cannot be reached.*\(connection refused\)"):
        pins.resolve(["idna"], INTEL)


def unreachable(*arguments: object) -> str:
    raise uv.Unreachable("no", "error: Request failed\n  cause: connection refused")


@pytest.mark.parametrize(
    ("glibc", "tag"), [("2.34", "2_34"), ("2.29", "2_28"), ("2.17", "2_17"), ("2.41", "2_40"), ("2.12", "2_17")]
)
def test_the_tag_is_the_newest_that_the_glibc_has(glibc: str, tag: str) -> None:
    assert pins.tag(Runtime("3.13", "x86_64", glibc)) == f"x86_64-manylinux_{tag}"


def test_a_closure_follows_extras_of_extras(tmp_path: Path) -> None:
    for name, lines in {
        "a": ["b[x]; extra == 'all'"],
        "b": ["c; extra == 'x'", "d; extra == 'y'"],
        "c": [],
        "d": [],
    }.items():
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        needs = "".join(f"Requires-Dist: {line}\n" for line in lines)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1\n{needs}\nA description: of it\n")
        (info / "RECORD").write_text(f"{name}.py,,\n")
    assert layout.closure([Requirement("a[all]")], tmp_path, INTEL) == {"a", "b", "c"}
    assert layout.closure([Requirement("a")], tmp_path, INTEL) == {"a"}
