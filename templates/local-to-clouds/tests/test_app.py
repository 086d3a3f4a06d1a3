from datetime import UTC

import hyfn
import pytest
from app import main, mood, stamp, words


def test_moods_come_in_the_order_of_the_texts() -> None:
    with hyfn.local():
        assert list(mood.map(["thanks", "so late", "well"])) == ["glad", "sad", "calm"]


def test_a_note_knows_when_it_was_made() -> None:
    with hyfn.local():
        assert stamp("hi", "calm").at.tzinfo == UTC


def test_a_call_can_be_fetched_later() -> None:
    with hyfn.local():
        assert words.spawn("one two three").result(timeout=10) == 3


def test_the_script_prints_every_text(capsys: pytest.CaptureFixture[str]) -> None:
    with hyfn.local():
        main()
    assert "broken" in capsys.readouterr().out
