"""Every platform calls every other one and measures it: `hyfn demo` prints what these functions return.

For each platform P there are `stamp_P(invoice)`, which is called, and `audit_P(callee, invoice, times)`, which calls
`stamp_<callee>` that often. `measure` does the same from wherever it runs: on this machine, when this machine calls it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from time import perf_counter

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


def main() -> None:
    audits = {"here": measure, "aws": audit_aws, "gcp": audit_gcp, "azure": audit_azure, "knative": audit_knative}
    for caller, audit in audits.items():
        for callee in audits.keys() - {"here", caller}:
            timing = audit(callee, SAMPLE, 6)
            print(f"{caller:>8} → {callee:8} {timing.first_ms:8.1f} ms {median(timing.warm_ms):8.1f} ms warm")


if __name__ == "__main__":
    main()
