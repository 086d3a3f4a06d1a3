"""An order is taken on Azure; its price comes from AWS and its stock from Google."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from hyfn import aws, azure, gcp

PRICES = {"lamp": Decimal("24.90"), "desk": Decimal("189.00")}
SHELF = {"lamp": 40, "desk": 2}


class SoldOut(Exception):
    """`left` is how many there are."""

    def __init__(self, article: str, left: int) -> None:
        super().__init__(f"only {left} × {article} left")
        self.left = left


@dataclass(frozen=True)
class Order:
    article: str
    count: int
    total: Decimal


@aws(idempotent=True)
def price(article: str, count: int) -> Decimal:
    """The price of them all: ten of a kind are a tenth cheaper."""
    discount = Decimal("0.9") if count >= 10 else 1
    return (PRICES[article] * count * discount).quantize(Decimal("0.01"))


@gcp
def stock(article: str, count: int) -> int:
    """What would be left on the shelf. Raises SoldOut."""
    if SHELF[article] < count:
        raise SoldOut(article, SHELF[article])
    return SHELF[article] - count


@azure
async def order(article: str, count: int) -> Order:
    """Ask both clouds at once. Raises SoldOut."""
    total, _ = await asyncio.gather(price.aio(article, count), stock.aio(article, count))
    return Order(article, count, total)


async def main() -> None:
    print(await order("lamp", 10))
    try:
        await order("desk", 3)
    except SoldOut as error:
        print(f"{error}: take {error.left}")


if __name__ == "__main__":
    asyncio.run(main())
