import asyncio
from datetime import date

import hyfn
from app import due


def test_a_weekend_is_no_time_to_pay() -> None:
    friday, monday = date(2025, 2, 28), date(2025, 3, 3)
    with hyfn.local():
        assert asyncio.run(due(friday, workdays=1)) == monday
