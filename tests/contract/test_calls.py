"""What every cloud does alike: values, exceptions, deadlines and refusals, in its own runtime."""

from __future__ import annotations

import datetime as dt
import decimal
import pathlib
import time
import uuid
from typing import Any

import pytest

import hyfn
from hyfn.current import Current, current
from hyfn.errors import (
    CallError,
    ContractMismatch,
    DeadlineExceeded,
    Forbidden,
    Malformed,
    RemoteError,
    Replay,
    Unauthenticated,
)
from hyfn.remote import Line
from hyfn.wire import message
from hyfn.wire.message import Reply, Sent
from tests.contract.conftest import Live

pytestmark = pytest.mark.runtime

BERLIN = dt.timezone(dt.timedelta(hours=2))


def test_every_value_type_comes_back_as_it_went(live: Live) -> None:
    value = everything(live.module)
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
def test_a_value_without_annotation_keeps_its_type(live: Live, value: object) -> None:
    returned = live.module.echo_any(value)
    assert (returned, type(returned)) == (value, type(value))


def test_arguments_bind_as_in_a_plain_call(live: Live) -> None:
    assert live.module.text("ab", end="!", times=2) == "abab!"
    with pytest.raises(TypeError, match="value"):
        live.module.text(times=2)


def test_an_async_function_is_awaited_there(live: Live) -> None:
    assert live.module.later.spawn("x").result(timeout=30) == "x"


def test_a_function_has_its_environment_variables(live: Live) -> None:
    variable = live.module.variable
    assert [variable(name) for name in ("GREETING", "EMPTY", "HOME_PAGE")] == ["grüße, ☺", "", "a=b&c"]
    assert variable("NOT_GIVEN") is None


def test_what_every_platform_takes_comes_back(live: Live) -> None:
    """700 KB: as base64 they are within OpenWhisk's 1 MB, the narrowest of all doors."""
    value = bytes(range(256)) * 2800
    assert live.module.data(value) == value


def test_results_of_a_map_come_in_order(live: Live) -> None:
    assert list(live.module.text.map("abcd", concurrency=2)) == ["a", "b", "c", "d"]


def test_a_function_calls_another_artifact(live: Live) -> None:
    assert live.module.alone("ab") == "abab"


def test_an_exception_is_raised_here_as_its_own_class(live: Live) -> None:
    with pytest.raises(live.module.Broken, match="pump is broken") as raised:
        live.module.fail("pump")
    assert (raised.value.what, raised.value.code) == ("pump", 7)


def test_the_remote_traceback_shows_the_source_line(live: Live) -> None:
    with pytest.raises(live.module.Broken) as raised:
        live.module.fail("pump")
    notes = "\n".join(raised.value.__notes__)
    assert f"everything_{live.platform}:fail on {live.platform}" in notes
    assert "raise Broken(what, 7)  # the line that the traceback shows" in notes


def test_a_builtin_exception_and_a_cause_travel(live: Live) -> None:
    with pytest.raises(KeyError, match="missing"):
        live.module.fail("builtin")
    with pytest.raises(live.module.Broken) as raised:
        live.module.fail("cause")
    assert isinstance(raised.value.__cause__, KeyError)
    assert raised.value.__cause__.args == ("first",)


def test_an_exception_that_cannot_be_imported_is_a_remote_error(live: Live) -> None:
    with pytest.raises(RemoteError, match="not yours") as raised:
        live.module.fail_privately()
    assert raised.value.remote_type.endswith("fail_privately.<locals>.Private")


@pytest.mark.parametrize("function", ["slow", "slow_async"])
def test_a_deadline_ends_the_call(live: Live, function: str) -> None:
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        getattr(live.module, function).options(timeout=0.3).spawn(3.0).result(timeout=30)
    assert time.monotonic() - began < 3


def test_a_call_inherits_the_deadline_around_it(live: Live) -> None:
    token = current.set(Current("test", time.monotonic() + 0.3, 0, bytes(16), ""))
    try:
        with pytest.raises(DeadlineExceeded):
            live.module.slow(3.0)
    finally:
        current.reset(token)


def test_a_chain_that_is_too_long_is_cut(live: Live) -> None:
    token = current.set(Current("test", time.monotonic() + 30, 32, bytes(16), ""))
    try:
        with pytest.raises(Forbidden, match="hops"):
            live.module.text("a")
    finally:
        current.reset(token)


class Attacker:
    """Sends frames of one function's edge that no honest caller would send."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self.line: Line = live.session.line(live.module.text)
        self.route, self.caller = self.line.routes[0]

    def call(self, **changed: Any) -> Sent:
        """A right call of text("a") but for what `changed` says."""
        honest = {
            "key_id": self.route.key_id,
            "key": self.route.key,
            "issuer": self.line.issuer,
            "audience": self.route.audience,
            "contract": self.line.contract,
            "remaining": 30.0,
            "body": self.line.arguments.pack(("a",), {}),
            "id": message.new_id(),
            "root": bytes(16),
            "hop": 0,
        }
        return message.call(**{**honest, **changed})

    def send(self, sent: Sent) -> Any:
        request = self.caller.request(self.route.endpoint, sent.frame)
        reply = Reply(self.caller.reply(self._live.session.transport.send(request, 30)), sent)
        if reply.failure is not None:
            raise hyfn.wire.failure.restore(reply.failure, reply.executed, ())
        return self.line.result.unpack(reply.body)


@pytest.fixture
def attacker(live: Live) -> Attacker:
    return Attacker(live)


def test_an_honest_frame_is_answered(attacker: Attacker) -> None:
    assert attacker.send(attacker.call()) == "a"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"key": bytes(32)}, Unauthenticated),
        ({"key_id": bytes(8)}, Unauthenticated),
        ({"issuer": "everything/dev/other@local"}, Forbidden),
        ({"audience": "everything/dev/other@local"}, Forbidden),
        ({"contract": bytes(16)}, ContractMismatch),
        ({"contract": b""}, ContractMismatch),
        ({"remaining": 0.0}, DeadlineExceeded),
        ({"hop": 33}, Malformed),
        ({"id": b"short"}, Malformed),
        ({"body": b"\xc1"}, Malformed),
        ({"body": b"\x92\x91\x01\x80"}, Malformed),
    ],
    ids=str,
)
def test_a_foreign_or_forged_frame_is_refused(
    attacker: Attacker, changed: dict[str, Any], error: type[CallError]
) -> None:
    with pytest.raises(error) as raised:
        attacker.send(attacker.call(**changed))
    assert raised.value.executed == 0


def test_an_expired_frame_is_refused(attacker: Attacker, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(message, "time", lambda: now - 400)
    sent = attacker.call()
    monkeypatch.undo()
    with pytest.raises(Unauthenticated, match="expired"):
        attacker.send(sent)


def test_a_repeated_frame_is_refused(attacker: Attacker) -> None:
    sent = attacker.call()
    attacker.send(sent)
    with pytest.raises(Replay):
        attacker.send(sent)


def test_a_changed_bit_is_refused(attacker: Attacker) -> None:
    sent = attacker.call()
    middle = len(sent.frame) // 2
    sent.frame = sent.frame[:middle] + bytes([sent.frame[middle] ^ 1]) + sent.frame[middle + 1 :]
    with pytest.raises(Unauthenticated):
        attacker.send(sent)


def test_bytes_that_are_no_frame_are_refused(attacker: Attacker) -> None:
    sent = attacker.call()
    sent.frame = b"not a frame"
    with pytest.raises(Malformed):
        attacker.send(sent)


def everything(module: Any, child: Any = None) -> Any:
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
