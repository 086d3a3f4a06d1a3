"""Arguments bind to the signature as in a plain call, here and there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyfn.errors import Malformed
from hyfn.wire import codec
from hyfn.wire.packing import pack

P = ParamSpec("P")
R = TypeVar("R")


def plain(a: int, b: int) -> None: ...


def defaulted(a: int, b: int = 2, *, c: int = 3) -> None: ...


def positional_only(a: int, /, b: int, *, c: int) -> None: ...


def open_ended(a: int, *rest: int, c: int = 1, **more: int) -> None: ...


def nothing() -> None: ...


def shadowed(a: int, /, **more: int) -> None: ...


FUNCTIONS = (plain, defaulted, positional_only, open_ended, nothing, shadowed)


@given(
    st.sampled_from(FUNCTIONS),
    st.lists(st.integers(-5, 5), max_size=4),
    st.dictionaries(st.sampled_from("abcdz"), st.integers(-5, 5), max_size=4),
)
def test_a_call_binds_exactly_where_a_plain_call_would(
    function: Callable[..., None], args: list[int], kwargs: dict[str, int]
) -> None:
    arguments = codec.arguments(function)
    refused = _refusal(function, args, kwargs)
    assert _refusal(lambda *a, **k: arguments.pack(a, k), args, kwargs) == refused
    if refused:
        with pytest.raises(Malformed):
            arguments.unpack(pack([args, kwargs]))
    else:
        assert arguments.unpack(arguments.pack(tuple(args), kwargs)) == (args, kwargs)


def _refusal(function: Callable[..., object], args: list[int], kwargs: dict[str, int]) -> str:
    try:
        function(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return ""


def test_the_items_of_args_and_kwargs_have_their_annotations() -> None:
    arguments = codec.arguments(open_ended)
    with pytest.raises(TypeError, match=r"open_ended\(\) argument 'rest': expected int, got str"):
        arguments.pack((1, 2, "x"), {})
    with pytest.raises(TypeError, match=r"open_ended\(\) argument 'z': expected int, got str"):
        arguments.pack((1,), {"z": "x"})
    with pytest.raises(Malformed):
        arguments.unpack(pack([[1, "x"], {}]))


def test_a_default_is_the_callee_s_own() -> None:
    assert codec.arguments(defaulted).unpack(codec.arguments(defaulted).pack((1,), {})) == ([1], {})


def test_a_keyword_that_is_no_text_is_malformed() -> None:
    with pytest.raises(Malformed):
        codec.arguments(open_ended).unpack(pack([[1], {b"z": 1}]))


def test_a_codec_is_made_once_for_a_function() -> None:
    assert codec.arguments(plain) is codec.arguments(plain)
    assert codec.result(plain) is codec.result(plain)


def passing_on(function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    return wrapper


def test_a_user_s_own_decorator_does_not_hide_the_signature() -> None:
    codec.arguments(plain)
    wrapped = passing_on(plain)
    assert codec.arguments(wrapped) is not codec.arguments(plain)
    with pytest.raises(TypeError, match=r"plain\(\) argument 'b': expected int, got str"):
        codec.arguments(wrapped).pack((1, "x"), {})


def test_a_parameter_without_annotation_takes_what_the_closed_table_has() -> None:
    def loose(x, y=1):  # type: ignore[no-untyped-def]
        return x, y

    arguments: Any = codec.arguments(loose)
    assert arguments.unpack(arguments.pack(((1, {2}),), {})) == ([(1, {2})], {})
    with pytest.raises(TypeError, match="object cannot travel without an annotation that names its type"):
        arguments.pack((object(),), {})
