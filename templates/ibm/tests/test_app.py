from datetime import timedelta

import hyfn
from app import reading_time


def test_a_minute_holds_240_words() -> None:
    with hyfn.local():
        assert reading_time("word " * 240) == timedelta(minutes=1)
