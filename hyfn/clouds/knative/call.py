"""Calls to Knative: the HTTP carrier, and what the proxies in front of a function say themselves. Opens no socket."""

from __future__ import annotations

from hyfn.call.proxied import ProxiedCaller, beginning
from hyfn.errors import UNKNOWN, DeadlineExceeded, Overloaded, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hyfn.call.proxied import Beginnings
    from hyfn.wire.carrier import Response

NEVER_FORWARDED: Beginnings = {
    502: ((b"dial tcp", Unavailable),),
    503: (
        (b"pending request queue full", Overloaded),
        (b"activator overload", Overloaded),
        (b"context deadline exceeded", Overloaded),
        (b"no healthy upstream", Unavailable),
    ),
}
"""How Knative's activator and queue-proxy, and Envoy before them, begin where they passed nothing on."""


class KnativeCaller(ProxiedCaller):
    """The endpoint's url is the service's own."""

    def reply(self, response: Response) -> bytes:
        """The reply's frame. Raises a CallError for an answer without one."""
        if response.status == 504 and beginning(response) == b"request timeout":
            # The queue-proxy gives up waiting; the function goes on.
            raise DeadlineExceeded("the function did not answer within the revision's timeout", executed=UNKNOWN)
        return super().reply(response)


caller = KnativeCaller("Knative", NEVER_FORWARDED)
