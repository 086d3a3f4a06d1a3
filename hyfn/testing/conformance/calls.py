"""What every cloud does alike: values, exceptions and deadlines, in its own runtime."""

from __future__ import annotations

import datetime as dt
import decimal
import pathlib
import time
import uuid
from typing import Any

import pytest

from hyfn import clouds
from hyfn.current import Current, current
from hyfn.errors import DeadlineExceeded, Forbidden, RemoteError
from hyfn.testing.conformance.live import Live, OnPlatform

BERLIN = dt.timezone(dt.timedelta(hours=2))


class Calls(OnPlatform):
    def test_every_value_type_comes_back_as_it_went(self, live: Live) -> None:
        value = _filled(live.module)
        assert live.module.echo(value) == value

    @pytest.mark.parametrize(
        "value",
        [
            None,
            -(2**70),
            1.5,
            "text",
            b"\x00\xff",
            [1, ["two", None]],
            {"a": {"b": [1]}},
            (1, (2, "x")),
            {1, 2},
            frozenset({"a"}),
            dt.datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN),
            dt.date(2026, 2, 28),
            dt.timedelta(days=-1, microseconds=7),
            uuid.UUID(int=5),
            decimal.Decimal("1.10"),
            3 + 4j,
        ],
        ids=repr,
    )
    def test_a_value_without_annotation_keeps_its_type(self, live: Live, value: object) -> None:
        returned = live.module.echo_any(value)
        assert (returned, type(returned)) == (value, type(value))

    def test_arguments_bind_as_in_a_plain_call(self, live: Live) -> None:
        assert live.module.text("ab", end="!", times=2) == "abab!"
        with pytest.raises(TypeError, match="value"):
            live.module.text(times=2)

    def test_an_async_function_is_awaited_there(self, live: Live) -> None:
        assert live.module.later.spawn("x").result(timeout=30) == "x"

    def test_a_function_has_its_environment_variables(self, live: Live) -> None:
        variable = live.module.variable
        assert [variable(name) for name in ("GREETING", "EMPTY", "HOME_PAGE")] == ["grüße, ☺", "", "a=b&c"]
        assert variable("NOT_GIVEN") is None

    def test_what_every_platform_takes_comes_back(self, live: Live) -> None:
        """700 KB: as base64 they are within OpenWhisk's 1 MB, the narrowest of all doors."""
        value = bytes(range(256)) * 2800
        assert live.module.data(value) == value

    def test_results_of_a_map_come_in_order(self, live: Live) -> None:
        assert list(live.module.text.map("abcd", concurrency=2)) == ["a", "b", "c", "d"]

    def test_a_function_calls_another_artifact(self, live: Live) -> None:
        assert live.module.alone("ab") == "abab"

    def test_calls_go_to_another_platform_and_come_from_there(self, live: Live) -> None:
        assert live.module.inward("ab") == "abab"
        assert live.module.outward("ab") == "abab"

    def test_what_runs_says_where_and_how(self, live: Live) -> None:
        cloud = clouds.platforms()[self.platform].cloud
        found = {party: each for party, each in live.application.running.items() if party.endswith(f"@{self.platform}")}
        assert {each.endpoint.cloud for each in found.values()} == {cloud}
        assert {each.evidence for each in found.values()} <= {"runtime", "spec"}
        assert all(each.runtime for each in found.values())

    def test_an_exception_is_raised_here_as_its_own_class(self, live: Live) -> None:
        with pytest.raises(live.module.Broken, match="pump is broken") as raised:
            live.module.fail("pump")
        assert (raised.value.what, raised.value.code) == ("pump", 7)

    def test_the_remote_traceback_shows_the_source_line(self, live: Live) -> None:
        with pytest.raises(live.module.Broken) as raised:
            live.module.fail("pump")
        notes = "\n".join(raised.value.__notes__)
        assert f"everything_{live.platform}:fail on {live.platform}" in notes
        assert "raise Broken(what, 7)  # the line that the traceback shows" in notes

    def test_a_builtin_exception_and_a_cause_travel(self, live: Live) -> None:
        with pytest.raises(KeyError, match="missing"):
            live.module.fail("builtin")
        with pytest.raises(live.module.Broken) as raised:
            live.module.fail("cause")
        assert isinstance(raised.value.__cause__, KeyError)
        assert raised.value.__cause__.args == ("first",)

    def test_an_exception_that_cannot_be_imported_is_a_remote_error(self, live: Live) -> None:
        with pytest.raises(RemoteError, match="not yours") as raised:
            live.module.fail_privately()
        assert raised.value.remote_type.endswith("fail_privately.<locals>.Private")

    @pytest.mark.parametrize("function", ["slow", "slow_async"])
    def test_a_deadline_ends_the_call(self, live: Live, function: str) -> None:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            getattr(live.module, function).options(timeout=0.3).spawn(3.0).result(timeout=30)
        assert time.monotonic() - began < 3

    def test_a_call_inherits_the_deadline_around_it(self, live: Live) -> None:
        token = current.set(Current("test", time.monotonic() + 0.3, 0, bytes(16), ""))
        try:
            with pytest.raises(DeadlineExceeded):
                live.module.slow(3.0)
        finally:
            current.reset(token)

    def test_a_chain_that_is_too_long_is_cut(self, live: Live) -> None:
        token = current.set(Current("test", time.monotonic() + 30, 32, bytes(16), ""))
        try:
            with pytest.raises(Forbidden, match="hops"):
                live.module.text("a")
        finally:
            current.reset(token)


def _filled(module: Any, child: Any = None) -> Any:
    return module.Everything(
        text="grüße \N{SNOWMAN}",
        number=-(2**63),
        big=2**80,
        ratio=0.1,
        flag=True,
        raw=bytes(range(256)),
        nothing=None,
        when=dt.datetime(2026, 10, 25, 2, 30, 0, 5, tzinfo=BERLIN, fold=0),
        day=dt.date(1, 1, 1),
        clock=dt.time(23, 59, 59, 999999),
        span=dt.timedelta(days=-3, microseconds=1),
        ident=uuid.UUID(int=2**127 + 1),
        amount=decimal.Decimal("-12.3400"),
        colour=module.Colour.BLUE,
        mode=3,
        maybe=None,
        either="s",
        items=[module.Item("pen", decimal.Decimal("1.20"), frozenset({"a", "b"}))],
        pair=(1, "x"),
        many=(1, 2, 3),
        names={"x", "y"},
        table={1: ["one"], -2: []},
        point=module.Point(1, 2.5),
        movie={"title": "M"},
        path=pathlib.PurePosixPath("/a/b"),
        wave=1 - 2j,
        child=child,
    )
