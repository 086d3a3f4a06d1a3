"""No secret of twenty kinds and more travels, ordinary content does, and what is said of a secret never shows it."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from hyfn.errors import BuildError, ProjectErrors
from hyfn.pack import secrets
from hyfn.pack.secrets import names, scan
from hyfn.toolchain import cache
from tests.unit import ordinary_content, planted_secrets
from tests.unit.planted_secrets import Planted
from tests.unit.small_projects import ROOT

PLANTED = planted_secrets.everything()
TOKEN = planted_secrets.KINDS["GitHub token"].make(random.Random(1))
LINE = f'x = "{TOKEN}"'.encode()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYFN_CACHE", str(tmp_path_factory.mktemp("cache")))


def test_there_are_at_least_200_of_20_kinds_and_more() -> None:
    in_content = {one.kind for one in PLANTED if one.secret}
    assert len(PLANTED) >= 200
    assert len(in_content) >= 40
    assert all(sum(one.kind == kind for one in PLANTED) >= 10 for kind in in_content)
    assert {rule for one in PLANTED for rule in one.rules} == secrets.RULES


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: f"{one.kind} in {one.way}")
def test_no_secret_passes(planted: Planted) -> None:
    found = secrets.find({"app/__init__.py": b"", planted.path: planted.content})
    assert {(one.path, one.line) for one in found if one.rule in planted.rules} == {(planted.path, planted.line)}
    assert not planted.secret or planted.secret not in repr(found)


@pytest.mark.parametrize("planted", PLANTED[::7], ids=lambda one: f"{one.kind} in {one.way}")
def test_a_refusal_names_the_place_and_the_rule_and_never_the_secret(planted: Planted) -> None:
    with pytest.raises((BuildError, ProjectErrors)) as raised:
        secrets.refuse({planted.path: planted.content}, [])
    said = str(raised.value)
    assert f"{planted.path}:{planted.line}: " in said
    assert any(f"(rule {rule})" in said for rule in planted.rules)
    for start in range(0, max(0, len(planted.secret) - 12), 4):
        assert planted.secret[start : start + 12] not in said


def test_the_place_is_that_of_the_source() -> None:
    def where(path: str, line: int) -> str | None:
        return f"src/{path}:{line + 10}" if path.endswith(".py") else None

    with pytest.raises(ProjectErrors) as raised:
        secrets.refuse({"a.py": b"\n" + LINE, "b.json": LINE}, [], where)
    assert [error.where for error in raised.value.errors] == ["src/a.py:12", "b.json:1"]


def test_one_finding_is_a_build_error_with_a_way_out() -> None:
    with pytest.raises(BuildError) as raised:
        secrets.refuse({"deep/a.py": LINE}, [])
    hint = str(raised.value.hint)
    assert 'allow = ["deep/a.py:github-token"] under [tool.hyfn.build]' in hint
    assert "hyfn: allow(github-token)" in hint
    assert secrets.refuse({"deep/a.py": LINE}, ["deep/a.py:github-token"]) == []
    assert secrets.refuse({"deep/a.py": LINE + b"  # hyfn: allow(github-token)"}, []) == []


def test_the_way_out_that_is_shown_works_for_any_name() -> None:
    path = "a[1]*?/b:c.py"
    with pytest.raises(BuildError) as raised:
        secrets.refuse({path: LINE}, [])
    entry = str(raised.value.hint).split('allow = ["')[1].split('"]')[0]
    assert secrets.refuse({path: LINE}, [entry]) == []


@pytest.mark.parametrize(
    ("entry", "is_enough"),
    [
        ("**:github-token", True),
        ("deep/*.py:github-token", True),
        ("deep:github-token", True),
        ("*.py:github-token", False),
        ("deep/a.py:jwt", False),
        ("deep/a.py:*", False),
        ("other/**:github-token", False),
    ],
)
def test_an_allowance_holds_for_its_glob_and_rule(entry: str, is_enough: bool) -> None:
    if is_enough:
        assert secrets.refuse({"deep/a.py": LINE}, [entry]) == []
        return
    with pytest.raises(BuildError):
        secrets.refuse({"deep/a.py": LINE}, [entry])


def test_allowances_that_match_nothing_are_returned() -> None:
    allowed = ["a.py:github-token", "b.py:github-token", "a.py:jwt", "**:private-key"]
    assert secrets.refuse({"a.py": LINE}, allowed) == allowed[1:]


@pytest.mark.parametrize(
    "comment",
    ["# hyfn: allow(github-token)", "// hyfn:allow( jwt, github-token )", "<!-- hyfn: allow(github-token) -->"],
)
def test_a_comment_allows_its_own_line_only(comment: str) -> None:
    allowed = LINE + b"  " + comment.encode()
    assert secrets.find({"a.js": allowed}) == []
    assert [one.line for one in secrets.find({"a.js": allowed + b"\n" + LINE})] == [2]
    assert [one.line for one in secrets.find({"a.js": comment.encode() + b"\n" + LINE})] == [2]


def test_a_comment_for_another_rule_allows_nothing() -> None:
    assert secrets.find({"a.py": LINE + b"  # hyfn: allow(jwt)"})
    assert secrets.find({"a.py": LINE + b"  # hyfn: allow()"})


def test_every_secret_of_a_file_is_named_at_once() -> None:
    with pytest.raises(ProjectErrors) as raised:
        secrets.refuse({"a.py": b"\n".join([LINE] * 3), ".env": b"A=1"}, [])
    assert [error.where for error in raised.value.errors] == [".env:1", "a.py:1", "a.py:2", "a.py:3"]


def test_ordinary_content_passes() -> None:
    assert secrets.refuse(ordinary_content.everything(), []) == []


def test_what_this_project_ships_passes() -> None:
    files = [path for top in ("examples", "templates", "hyfn") for path in (ROOT / top).rglob("*") if path.is_file()]
    kept = {str(path): path.read_bytes() for path in files if "__pycache__" not in path.parts}
    assert len(kept) > 100
    assert secrets.find(kept) == []


def test_the_standard_library_passes_but_for_one_file_in_two_hundred() -> None:
    files = sorted(Path(os.__file__).parent.glob("*.py")) + sorted(Path(os.__file__).parent.glob("[a-hj-s]*/*.py"))
    content = {str(path): path.read_bytes() for path in files if "site-packages" not in path.parts}
    assert len(content) > 200
    assert len({one.path for one in secrets.find(content)}) <= len(content) / 200


def test_hostile_content_takes_no_long_time() -> None:
    parts = [
        "a",
        "'",
        "://a:",
        "eyJa",
        "password=",
        "key=",
        " ",
        "\n",
        "aws ",
        "-----BEGIN A",
        "xoxb-1",
        "a.b:=",
        "se=&",
        ";pwd=aaaaaa",
    ]
    begun = time.process_time()
    for part in parts:
        secrets.find({"a.py": (part * 300_000)[:300_000].encode(), "b.ini": (part * 300_000)[:300_000].encode()})
    assert time.process_time() - begun < len(parts) * 2


def test_ten_kilobytes_take_a_few_milliseconds_at_most() -> None:
    source = Path(os.__file__).read_bytes()
    texts = [(b"# %d\n" % number) + source[:10_240] for number in range(20)]
    begun = time.process_time()
    for text in texts:
        scan.hits("a.py", text)
    assert (time.process_time() - begun) / len(texts) < 0.005


def test_large_content_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"x = 1\n" * 20_000 + LINE
    found = secrets.find({"a.py": content})
    monkeypatch.setattr(scan, "_read", lambda *_: pytest.fail("read again"))
    assert secrets.find({"a.py": content}) == found
    assert [one.line for one in found] == [20_001]


def test_a_damaged_note_of_what_was_found_is_made_again() -> None:
    content = b"x = 1\n" * 20_000 + LINE
    found = secrets.find({"a.py": content})
    (note,) = (path for path in (cache.home() / "scanned").rglob("*.code"))
    assert TOKEN.encode() not in note.read_bytes()
    for damage in (b"", b"[[1", b"[1]", b"null"):
        note.write_bytes(damage)
        assert secrets.find({"a.py": content}) == found


def test_the_same_content_under_two_names_is_judged_by_its_form() -> None:
    content = b"password = Tr0ub4dor\n"
    assert secrets.find({"a.ini": content})
    assert secrets.find({"a.py": content}) == []


@pytest.mark.parametrize(
    "name", [".env.example", ".env.sample", "environment.py", "keys.py", "key.json", "env", "pem.txt", "id_rsa"]
)
def test_a_name_alone_condemns_only_what_is_not_empty(name: str) -> None:
    assert names.rule_of(name, b" \n") is None
    assert (names.rule_of(name, b"x=1") is None) == (name != "id_rsa")
