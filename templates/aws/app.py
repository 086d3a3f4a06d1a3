"""Words are counted on AWS Lambda."""

from collections import Counter

from hyfn import aws


@aws(memory=256)
def count_words(text: str) -> dict[str, int]:
    """How often each word stands in `text`, the most frequent first."""
    return dict(Counter(text.lower().split()).most_common())


if __name__ == "__main__":
    print(count_words("the cat and the hat"))
