import asyncio

import hyfn
import pytest
from app import Summary, remind, report


def test_the_report_sums_up_what_all_owe() -> None:
    with hyfn.local():
        assert asyncio.run(report()) == Summary(3, 158.5, 120.0)


def test_a_reminder_has_the_name_and_not_the_address() -> None:
    with hyfn.local():
        assert remind("c1", 150.5) == "Dear Ada, please pay 150.50."


def test_nobody_reminds_a_stranger() -> None:
    with hyfn.local(), pytest.raises(KeyError):
        remind("c3", 1)
