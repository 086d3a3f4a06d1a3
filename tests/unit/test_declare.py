"""What a decorator makes of a function, before any call."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from hyfn import AsyncFunction, Function, aws, clouds, gcp
from hyfn.declare import Platform, stub
from hyfn.errors import NotShipped


def plain(n: int, /, *, by: int = 2) -> int:
    """n times by."""
    return n * by


async def later(n: int) -> int:
    """n, later."""
    return n


def names(function: Function[..., Any]) -> list[str]:
    return [placement.platform.name for placement in function.placements]


@pytest.fixture(params=sorted(clouds.platforms()))
def platform(request: pytest.FixtureRequest) -> Platform[Any]:
    return clouds.platforms()[request.param]


def test_bare_and_called_without_options_are_the_same(platform: Platform[Any]) -> None:
    for decorate in (platform, platform()):
        function: Function[[int], int] = decorate(plain)
        assert names(function) == [platform.name]
        assert function.placements[0].options == {}


def test_a_function_keeps_its_name_its_documentation_and_its_signature(platform: Platform[Any]) -> None:
    function = platform(plain)

    assert (function.__name__, function.__qualname__, function.__module__) == ("plain", "plain", __name__)
    assert function.__doc__ == "n times by."
    assert inspect.signature(function) == inspect.signature(plain)


def test_an_async_function_stays_one(platform: Platform[Any]) -> None:
    assert type(platform(later)) is AsyncFunction
    assert type(platform(plain)) is Function


def test_every_platform_documents_its_options_and_takes_them_by_name_only(platform: Platform[Any]) -> None:
    parameters = inspect.signature(platform.accepts).parameters.values()

    assert platform.__doc__
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters)
    assert all(parameter.default is not inspect.Parameter.empty for parameter in parameters)
    assert {"timeout", "idempotent", "calls"} <= {parameter.name for parameter in parameters}


def test_an_option_that_the_platform_does_not_know_is_a_type_error(platform: Platform[Any]) -> None:
    with pytest.raises(TypeError, match="memroy"):
        platform(memroy=1)


def test_only_the_options_that_were_given_are_kept() -> None:
    function = aws(memory=1024, region="eu-west-1")(plain)

    assert function.placements[0].options == {"memory": 1024, "region": "eu-west-1"}


def test_stacked_decorators_are_placements_the_first_one_first() -> None:
    function = aws(memory=1024)(gcp(plain))

    assert names(function) == ["aws", "gcp"]
    assert [dict(placement.options) for placement in function.placements] == [{"memory": 1024}, {}]
    assert function.__wrapped__ is plain


def test_stacking_leaves_the_function_below_as_it_was() -> None:
    below = gcp(plain)

    aws(below)

    assert names(below) == ["gcp"]


def test_a_stacked_async_function_stays_async() -> None:
    assert type(aws()(gcp(later))) is AsyncFunction


def test_options_make_a_copy() -> None:
    function = aws(later)
    hurried = function.options(timeout=2)

    assert type(hurried) is AsyncFunction
    assert (hurried.settings, function.settings) == ({"timeout": 2}, {})
    assert hurried.options().settings == {"timeout": 2}
    assert names(hurried) == ["aws"]


def test_local_runs_the_body_as_it_is() -> None:
    assert aws(plain).local(4, by=3) == 12
    assert asyncio.run(aws(later).local(4)) == 4


def test_a_function_says_where_it_lives() -> None:
    assert repr(aws(gcp(plain))) == f"<hyfn function {__name__}:plain on aws, gcp>"


def test_a_call_without_an_endpoint_names_the_function_and_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from hyfn import remote

    for name in ("HYFN_WIRING", "HYFN_STAGE"):
        monkeypatch.delenv(name, raising=False)
    remote.session.cache_clear()

    verbs: list[Callable[[Function[..., Any]], object]] = [
        lambda function: function(1),
        lambda function: function.remote(1),
        lambda function: function.spawn(1).result(),
        lambda function: list(function.map([1])),
        lambda function: asyncio.run(function.aio(1)),
    ]
    for verb in verbs:
        with pytest.raises(NotShipped, match=rf"{__name__}:plain is not shipped.*stage dev.*hyfn run"):
            verb(aws(plain))


def test_a_stub_has_its_names_and_no_body() -> None:
    function = stub("aws", "gcp", raises=("app:Unreadable",))(plain)

    assert names(function) == ["aws", "gcp"]
    assert function.raises == ("app:Unreadable",)
    with pytest.raises(NotShipped, match="lives elsewhere"):
        function.local(1)


def test_a_stub_of_an_async_function_is_async() -> None:
    assert type(stub("azure")(later)) is AsyncFunction


def test_decorating_what_is_no_function_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="decorates a function"):
        aws(3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="decorates a function"):
        aws("eu-west-1")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="decorates a function"):
        aws(int)
