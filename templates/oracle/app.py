"""Instalments are worked out on Oracle Functions, to the cent."""

from decimal import ROUND_DOWN, Decimal

from hyfn import oracle

CENT = Decimal("0.01")


@oracle(memory=128, timeout=20)
def instalments(amount: Decimal, months: int) -> list[Decimal]:
    """Equal monthly payments that make `amount`; the first has the cents that are left. Decimals travel as decimals."""
    each = (amount / months).quantize(CENT, ROUND_DOWN)
    return [amount - each * (months - 1), *[each] * (months - 1)]


if __name__ == "__main__":
    print(*instalments(Decimal("100.00"), 3))
