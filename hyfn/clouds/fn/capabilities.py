"""What Fn and Oracle Functions can do, by the figures that the packer and the caller refuse by."""

from __future__ import annotations

from hyfn.clouds.fn import pack
from hyfn.clouds.fn.call import MAX_REQUEST
from hyfn.model import Ability, Capabilities, Evidence, Figure, Span, Target

FN = "https://github.com/fnproject/fn/blob/master/api/models/fn.go"
ORACLE = "https://docs.oracle.com/iaas/Content/Functions/Tasks/functionscustomizing.htm"
INVOKE = "https://docs.oracle.com/iaas/api/#/en/functions/latest/Function/InvokeFunction"


def capabilities(target: Target) -> Capabilities:
    is_oracle = target.platform == pack.ORACLE
    return Capabilities(
        pack.packer.limits(target),
        dict.fromkeys(pack.PYTHONS),
        _oracle_memory() if is_oracle else Span(1, pack.MAX_MEMORY, pack.MEMORY, "MB", FN),
        Span(1, pack.MAX_TIMEOUT, pack.TIMEOUT, "s", ORACLE if is_oracle else FN),
        Figure(MAX_REQUEST, "B", INVOKE) if is_oracle else None,
        Figure(pack.SIZE, "B", INVOKE, "said of requests there; not verified for answers") if is_oracle else None,
        None,
        f"1 to {pack.MAX_NAME} letters, digits, -, _, . and ~",
        None,
        Ability(True, INVOKE, 'fn-invoke-type "detached"') if is_oracle else None,
        pack.packer.offers(target),
        Evidence("runtime", "fdk"),
    )


def _oracle_memory() -> Span:
    sizes = pack.ORACLE_MEMORIES
    return Span(sizes[0], sizes[-1], pack.MEMORY, "MB", ORACLE, only=sizes)
