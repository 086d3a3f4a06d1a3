"""What every cloud refuses alike: frames that no honest caller sends."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hyfn.errors import (
    CallError,
    ContractMismatch,
    DeadlineExceeded,
    Forbidden,
    Malformed,
    Replay,
    Unauthenticated,
)
from hyfn.remote import Line
from hyfn.testing.conformance.live import Live, OnPlatform
from hyfn.wire import failure, message
from hyfn.wire.message import Reply, Sent


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
            raise failure.restore(reply.failure, reply.executed, ())
        return self.line.result.unpack(reply.body)


class Refusals(OnPlatform):
    @pytest.fixture
    def attacker(self, live: Live) -> Attacker:
        return Attacker(live)

    def test_an_honest_frame_is_answered(self, attacker: Attacker) -> None:
        assert attacker.send(attacker.call()) == "a"

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"key": bytes(32)}, Unauthenticated),
            ({"key_id": bytes(8)}, Unauthenticated),
            ({"issuer": "everything/dev/other@nowhere"}, Forbidden),
            ({"audience": "everything/dev/other@nowhere"}, Forbidden),
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
        self, attacker: Attacker, changed: dict[str, Any], error: type[CallError]
    ) -> None:
        with pytest.raises(error) as raised:
            attacker.send(attacker.call(**changed))
        assert raised.value.executed == 0

    def test_an_expired_frame_is_refused(self, attacker: Attacker, monkeypatch: pytest.MonkeyPatch) -> None:
        now = time.time()
        monkeypatch.setattr(message, "time", lambda: now - 400)
        sent = attacker.call()
        monkeypatch.undo()
        with pytest.raises(Unauthenticated, match="expired"):
            attacker.send(sent)

    def test_a_repeated_frame_is_refused(self, attacker: Attacker) -> None:
        sent = attacker.call()
        attacker.send(sent)
        with pytest.raises(Replay):
            attacker.send(sent)

    def test_a_changed_bit_is_refused(self, attacker: Attacker) -> None:
        sent = attacker.call()
        middle = len(sent.frame) // 2
        sent.frame = sent.frame[:middle] + bytes([sent.frame[middle] ^ 1]) + sent.frame[middle + 1 :]
        with pytest.raises(Unauthenticated):
            attacker.send(sent)

    def test_bytes_that_are_no_frame_are_refused(self, attacker: Attacker) -> None:
        sent = attacker.call()
        sent.frame = b"not a frame"
        with pytest.raises(Malformed):
            attacker.send(sent)
