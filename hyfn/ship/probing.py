"""Calling an edge without running its function: a frame whose contract nobody has."""

from __future__ import annotations

from hyfn.errors import ContractMismatch
from hyfn.wire import failure, message
from hyfn.wire.message import Sent
from hyfn.wiring import Route

NO_CONTRACT = bytes(16)
"""The function's own is a hash, and is never this."""


def frame(issuer: str, route: Route, seconds: float) -> Sent:
    """What the caller `issuer` would send, but that the function refuses it: by then it is loaded, and has checked the
    key of this very edge."""
    id = message.new_id()
    return message.call(
        route.key_id,
        route.key,
        issuer=issuer,
        audience=route.audience,
        contract=NO_CONTRACT,
        remaining=seconds,
        body=b"",
        id=id,
        root=id,
        hop=0,
    )


def check(reply: bytes, sent: Sent) -> None:
    """Raise what the function answered, unless it is the refusal that was asked for. Raises Malformed or
    Unauthenticated for what is no reply to `sent`."""
    answered = message.Reply(reply, sent)
    try:
        if answered.failure is not None:
            raise failure.restore(answered.failure, answered.executed, frozenset())
    except ContractMismatch:
        return
