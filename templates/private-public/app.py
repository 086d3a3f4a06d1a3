"""Customers are known only in one's own cluster. It asks the public clouds, and they ask it."""

import asyncio
from dataclasses import dataclass

from hyfn import aws, gcp, knative

ADDRESSES = {"c1": ("Ada", "1 Mill Lane"), "c2": ("Max", "7 High Street")}
UNPAID = {"c1": [120.0, 30.5], "c2": [8.0]}


@dataclass(frozen=True)
class Summary:
    count: int
    total: float
    highest: float


@aws(idempotent=True)
def summarise(amounts: list[float]) -> Summary:
    """Public: it sees amounts and no customers."""
    return Summary(len(amounts), sum(amounts), max(amounts, default=0.0))


@knative(min_instances=0)
async def report() -> Summary:
    """Private: what all customers owe, summed up outside."""
    return await summarise.aio([amount for amounts in UNPAID.values() for amount in amounts])


@knative(min_instances=0)
def customer(id: str) -> str:
    """Private: the name, and nothing else. Raises KeyError."""
    name, _ = ADDRESSES[id]
    return name


@gcp
def remind(id: str, amount: float) -> str:
    """Public: a letter to somebody whom only the cluster knows."""
    return f"Dear {customer(id)}, please pay {amount:.2f}."


async def main() -> None:
    print(remind("c1", 150.5))
    print(await report())


if __name__ == "__main__":
    asyncio.run(main())
