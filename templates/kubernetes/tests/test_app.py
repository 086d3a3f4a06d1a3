import hyfn
from app import outline


def test_headings_are_indented_by_their_level() -> None:
    with hyfn.local():
        assert outline("# Rivers\nWater.\n## Rhine\n") == ["Rivers", "  Rhine"]
