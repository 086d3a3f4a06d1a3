"""Every platform calls every other one and measures it: `hyfn demo` prints what these functions return.

For each platform P there are `stamp_P(invoice)`, which is called, and `audit_P(callee, invoice, times)`, which calls
`stamp_<callee>` that often. `measure` does the same from wherever it runs: on this machine, when this machine calls it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from time import perf_counter
from typing import Any

from invoice import Invoice

from hyfn import aws, azure, gcp, knative

SAMPLE = Invoice("117", "invoice", "TOTAL: 1249.50 EUR", Decimal("1249.50"))


@dataclass(frozen=True)
class Stamp:
    """Who had the invoice in hand: the platform, its Python, and the process there."""

    platform: str
    python: str
    process: int
    invoice: Invoice


@dataclass(frozen=True)
class Timing:
    """What the calls took, in milliseconds: the first, and those that followed."""

    first_ms: float
    warm_ms: list[float]
    stamp: Stamp


@aws
def stamp_aws(invoice: Invoice) -> Stamp:
    return stamped("aws", invoice)


@gcp
def stamp_gcp(invoice: Invoice) -> Stamp:
    return stamped("gcp", invoice)


@azure
def stamp_azure(invoice: Invoice) -> Stamp:
    return stamped("azure", invoice)


@knative
def stamp_knative(invoice: Invoice) -> Stamp:
    return stamped("knative", invoice)


def stamped(platform: str, invoice: Invoice) -> Stamp:
    return Stamp(platform, sys.version.partition(" ")[0], os.getpid(), invoice)


@aws
def audit_aws(callee: str, invoice: Invoice, times: int) -> Timing:
    return measure(callee, invoice, times)


@gcp
def audit_gcp(callee: str, invoice: Invoice, times: int) -> Timing:
    return measure(callee, invoice, times)


@azure
def audit_azure(callee: str, invoice: Invoice, times: int) -> Timing:
    return measure(callee, invoice, times)


@knative
def audit_knative(callee: str, invoice: Invoice, times: int) -> Timing:
    return measure(callee, invoice, times)


def measure(callee: str, invoice: Invoice, times: int) -> Timing:
    """Call `times` times. Raises RuntimeError unless every answer comes from `callee`, with the invoice unchanged."""
    took: list[float] = []
    for _ in range(times):
        start = perf_counter()
        stamp = stamp_on(callee, invoice)
        took.append((perf_counter() - start) * 1000)
        if (stamp.platform, stamp.invoice) != (callee, invoice):
            raise RuntimeError(f"{callee} was called, and {stamp} came back")
    return Timing(took[0], took[1:], stamp)


def stamp_on(callee: str, invoice: Invoice) -> Stamp:
    """Each call stands here by name: that is how the build knows who may call whom."""
    if callee == "aws":
        return stamp_aws(invoice)
    if callee == "gcp":
        return stamp_gcp(invoice)
    if callee == "azure":
        return stamp_azure(invoice)
    if callee == "knative":
        return stamp_knative(invoice)
    raise ValueError(f"there is no platform {callee!r} in this audit")


def row(caller: str, callee: str, audit: Callable[[str, Invoice, int], Timing], times: int) -> dict[str, Any]:
    """How `caller` reaches `callee`, or what went wrong. `warm_ms` is a median."""
    found: dict[str, Any] = {
        "caller": f"audit_{caller}",
        "callee": f"stamp_{callee}",
        "caller_platform": caller,
        "callee_platform": callee,
    }
    try:
        timing = audit(callee, SAMPLE, times)
    except Exception as error:  # noqa: BLE001  (the table shows it, and goes on)
        return found | {"first_ms": None, "warm_ms": None, "ok": False, "error": f"{type(error).__name__}: {error}"}
    return found | {"first_ms": timing.first_ms, "warm_ms": median(timing.warm_ms), "ok": True}


def main() -> None:
    parser = argparse.ArgumentParser(description="Call every platform from every other one and from here.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("times", type=int, nargs="?", default=10, help="calls of each pair, at least 2")
    options = parser.parse_args()
    audits: dict[str, Callable[[str, Invoice, int], Timing]] = {
        "laptop": measure,
        "aws": audit_aws,
        "gcp": audit_gcp,
        "azure": audit_azure,
        "knative": audit_knative,
    }
    rows = [
        row(caller, callee, audit, options.times)
        for caller, audit in audits.items()
        for callee in audits
        if callee not in (caller, "laptop")
    ]
    if options.json:
        print(json.dumps(rows))
        return
    for each in rows:
        outcome = f"{each['first_ms']:8.1f} ms {each['warm_ms']:8.1f} ms warm" if each["ok"] else each["error"]
        print(f"{each['caller_platform']:>8} → {each['callee_platform']:8} {outcome}")


if __name__ == "__main__":
    main()
