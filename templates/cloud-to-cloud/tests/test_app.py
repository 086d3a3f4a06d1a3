import asyncio
from decimal import Decimal

import hyfn
import pytest
from app import Order, SoldOut, order


def test_ten_lamps_are_a_tenth_cheaper() -> None:
    with hyfn.local():
        assert asyncio.run(order("lamp", 10)) == Order("lamp", 10, Decimal("224.10"))


def test_what_is_sold_out_says_how_many_are_left() -> None:
    with hyfn.local(), pytest.raises(SoldOut) as raised:
        asyncio.run(order("desk", 3))
    assert raised.value.left == 2
