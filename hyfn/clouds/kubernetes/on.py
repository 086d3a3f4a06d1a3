"""Events on plain Kubernetes: CloudEvents over HTTP from whatever in the cluster sends them, and its CronJobs' ticks.

As a program, `python3 -m` this module is what a CronJob runs: it sends one tick to the address that it is given.
"""

from __future__ import annotations

from hyfn.errors import Malformed
from hyfn.event import SCHEDULE_TICK, occurrence
from hyfn.host import cloudevents, event_door
from hyfn.host.events import Delivery, Item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

Door = event_door.Events
"""What takes them, in a process of its own."""
answer = event_door.said
TIMEOUT = 3600.0
"""Seconds that a tick waits for its function."""


def delivery(headers: Mapping[str, str], body: bytes) -> Delivery:
    """What came in one request. Raises Malformed or UnsupportedEncoding."""
    found = cloudevents.read(headers, body)
    if not found:
        raise Malformed("an empty batch")
    kind = "schedule" if found[0]["type"] == SCHEDULE_TICK else "event"
    resource = str(found[0].get("schedule") or "") if kind == "schedule" else ""
    return Delivery(kind, resource, [Item(event["id"], event) for event in found])


def main() -> int:
    """Send a tick to the address in the first argument, of the schedule in the second. The process's status.

    Kubernetes starts a job again whose status is not 0: https://kubernetes.io/docs/concepts/workloads/controllers/job/
    """
    import sys
    from datetime import UTC, datetime

    from hyfn.call import transport
    from hyfn.wire.carrier import Request

    address, when = sys.argv[1:]
    # Of one job all tries have one id, so that who remembers ids sees a repeated tick.
    tick = occurrence(SCHEDULE_TICK, "/schedule", _job(), time=datetime.now(UTC).isoformat(), schedule=when)
    response = transport.default().send(Request("POST", address, *cloudevents.binary(tick)), TIMEOUT)
    return 0 if response.status // 100 == 2 else 1


def _job() -> str:
    from os import environ

    return environ.get("JOB") or environ.get("HOSTNAME") or "tick"


if __name__ == "__main__":
    raise SystemExit(main())
