"""JSON without `json`: the same values, and the same texts refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyfn.wire import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_it_reads_what_json_writes(value: object, is_ascii: bool, indent: int | None) -> None:
    assert json_text.read(f"\n{json.dumps(value, ensure_ascii=is_ascii, indent=indent)} ") == value


@pytest.mark.parametrize("text", ["", " ", "{", "[1] 2", '{"a": 1,}', "nul", '"\x01"', "\xa01", "'a'", "[01]"])
def test_it_refuses_what_json_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        json.loads(text)
    with pytest.raises(ValueError):
        json_text.read(text)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "[-1e400]"])
@pytest.mark.parametrize("is_bare", [False, True])
def test_exactly_read_json_has_finite_numbers_only(text: str, is_bare: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if is_bare:
        monkeypatch.setattr(json_text, "_scan_exactly", None)
    json_text.read(text)
    with pytest.raises(ValueError):
        json_text.read(text, is_exact=True)


def _is_finite(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@given(VALUES.filter(_is_finite))
def test_it_writes_what_json_reads(value: object) -> None:
    written = json_text.write(value)
    assert written.isascii()
    assert json.loads(written) == value


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], b"bytes", {1, 2}, {"a": object()}])
@pytest.mark.parametrize("is_bare", [False, True])
def test_it_writes_nothing_that_json_has_not(value: object, is_bare: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if is_bare:
        monkeypatch.setattr(json_text, "make_encoder", None)
    with pytest.raises((TypeError, ValueError)):
        json_text.write(value)


def test_without_the_scanner_it_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "_scan", None)
    assert json_text.read(' {"a": [1, null]} ') == {"a": [1, None]}
