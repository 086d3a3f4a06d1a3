"""Invoices: read on AWS, understood on Google, taken in on Azure, and settled in one's own Knative cluster."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256

import page
from invoice import Invoice, Unreadable

from hyfn import aws, azure, gcp, knative

READABLE = 0.75
"""The share of a page that must be readable."""

KINDS = {
    "reminder": ("REMINDER", "OVERDUE", "SECOND NOTICE"),
    "credit note": ("CREDIT", "REFUND"),
    "receipt": ("RECEIPT", "PAID", "THANK YOU"),
    "invoice": ("INVOICE", "PAY", "DUE", "TOTAL"),
}
"""The words that make a kind, the strongest kind first: a reminder quotes its invoice."""


@aws(region="eu-west-1", memory=1024, idempotent=True)
def ocr(scan: bytes) -> str:
    """The text of a scanned page."""
    return page.read(scan)


@gcp(region="europe-west1", idempotent=True)
def classify(text: str) -> str:
    """What kind of paper this is: one of KINDS, or "other"."""
    for kind, words in KINDS.items():
        if any(re.search(rf"\b{word}\b", text) for word in words):
            return kind
    return "other"


@aws(region="eu-central-1", idempotent=True)
@gcp(region="europe-west3", idempotent=True)
def pseudonymise(invoice: Invoice) -> Invoice:
    """The invoice with its names and accounts replaced by tokens. Two placements: the first is preferred."""
    return replace(invoice, text=re.sub(r"(?m)^(TO|FROM|ACCOUNT): (.+)$", _hidden, invoice.text))


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}: {sha256(found[2].encode()).hexdigest()[:8]}"


@azure(region="westeurope")
async def ingest(id: str, scan: bytes) -> Invoice:
    """Read a page and understand it. Raises Unreadable."""
    text = await ocr.aio(scan)  # Azure → AWS
    unread = text.count(page.UNKNOWN) / max(1, len(text))
    if unread > 1 - READABLE:
        raise Unreadable(id, unread)
    return Invoice(id, await classify.aio(text), text, total(text))  # Azure → Google


def total(text: str) -> Decimal | None:
    """The amount on the line that names the total."""
    found = re.search(r"(?m)^TOTAL:? +(\d+\.\d\d)\b", text)
    return Decimal(found[1]) if found else None


@knative(min_instances=0)
async def settle(id: str, scan: bytes) -> Invoice:
    """Take a page in and keep what may be kept of it. Raises Unreadable."""
    invoice = await ingest(id, scan)  # private → public
    return await pseudonymise.aio(invoice)


PAPER = """INVOICE 2024-117
FROM: ACME LTD
TO: JANE DOE
ACCOUNT: DE02 1203 0000
TOTAL: 1249.50 EUR"""


async def main() -> None:
    """From one's own machine: into the public clouds, and into the private one, which calls the public ones."""
    scan = page.draw(PAPER)
    print("this machine → AWS, Google:", classify(ocr(scan)))
    print("several at once:", list(classify.map(["PLEASE PAY", "THANK YOU", "SECOND NOTICE", "HI"])))

    settled = await settle("117", scan)
    print("this machine → Knative → Azure → AWS, Google:", settled)

    blot = b"P1\n8 6\n" + 6 * b"11111111\n"
    try:
        await settle("118", blot)
    except Unreadable as error:
        print(f"raised on Azure, caught here: {error}")
        print(*getattr(error, "__notes__", ()), sep="\n")  # the lines that it passed, on both platforms


if __name__ == "__main__":
    asyncio.run(main())
