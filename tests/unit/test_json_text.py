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


def test_without_the_scanner_it_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "_scan", None)
    assert json_text.read(' {"a": [1, null]} ') == {"a": [1, None]}
