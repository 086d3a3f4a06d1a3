"""Letters are sorted by their language on Fn, in one's own data centre, in a container that takes one at a time."""

from hyfn import fn

WORDS = {
    "de": {"und", "der", "die", "nicht", "mit"},
    "en": {"and", "the", "of", "not", "with"},
    "fr": {"et", "le", "la", "pas", "avec"},
}


@fn(memory=256, timeout=20)
def language(text: str) -> str | None:
    """The language with the most of its small words in `text`, or None where there are none."""
    words = text.lower().split()
    counts = {name: sum(word in small for word in words) for name, small in WORDS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None


if __name__ == "__main__":
    print(language("We regret that the parcel was not with the letter."))
