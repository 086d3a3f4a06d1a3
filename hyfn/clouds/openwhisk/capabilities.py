"""What OpenWhisk and IBM's Code Engine can do, by the figures that the packer and the caller refuse by."""

from __future__ import annotations

from hyfn.clouds.openwhisk import pack
from hyfn.clouds.openwhisk.call import MAX_REQUEST
from hyfn.model import Ability, Capabilities, Evidence, Figure, Span, Target

ACTIONS = "https://github.com/apache/openwhisk/blob/master/docs/actions.md"
SIZES = "https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-runtime"
MIGRATION = "https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-migrate"


def capabilities(target: Target) -> Capabilities:
    """Code Engine publishes no size of a payload: IBM's figures are those that were found."""
    there = pack.terms(target)
    is_ibm = there is pack.IBM
    size = None if is_ibm else Figure(MAX_REQUEST, "B", pack.REFERENCE, "of which a web action has base64")
    return Capabilities(
        pack.packer.limits(target),
        dict.fromkeys(there.pythons),
        _memory(there, SIZES if is_ibm else pack.REFERENCE),
        _timeout(there, MIGRATION if is_ibm else pack.REFERENCE),
        size,
        None if is_ibm else Figure(pack.MAX_PAYLOAD, "B", pack.REFERENCE),
        None if is_ibm else Figure(MAX_REQUEST, "B", pack.REFERENCE),
        there.name_rule,
        None,
        None if is_ibm else Ability(True, ACTIONS, "any call that does not block"),
        pack.packer.offers(target),
        Evidence("spec", "hyfn's stand-in for the actionloop proxy"),
    )


def _memory(there: pack.Terms, source: str) -> Span:
    sizes = there.memories
    only = () if isinstance(sizes, range) else sizes
    return Span(sizes[0], sizes[-1], there.memory, "MB", source, only=only)


def _timeout(there: pack.Terms, source: str) -> Span:
    note = "" if there is pack.IBM else f"of which a caller waits {pack.BLOCKING_SECONDS} s; an operator may allow more"
    return Span(*there.timeouts, pack.BLOCKING_SECONDS, "s", source, note)
