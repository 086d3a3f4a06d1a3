"""Reading times are estimated on IBM Cloud."""

from datetime import timedelta

from hyfn import ibm

WORDS_A_MINUTE = 240


@ibm(memory=1024)
def reading_time(text: str) -> timedelta:
    """How long `text` takes to read, in whole seconds. Spans of time travel as such."""
    return timedelta(seconds=round(60 * len(text.split()) / WORDS_A_MINUTE))


if __name__ == "__main__":
    print(reading_time("the cat and the hat " * 120))
