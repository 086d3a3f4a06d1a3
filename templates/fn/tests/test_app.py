import hyfn
from app import language


def test_a_letter_is_in_the_language_of_its_small_words() -> None:
    with hyfn.local():
        assert language("Das Paket war nicht mit der Post gekommen") == "de"
        assert language("42") is None
