"""A script whose functions live on three public clouds. A plain call is the call across."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hyfn import aws, azure, gcp


@dataclass(frozen=True)
class Note:
    text: str
    mood: str
    at: datetime


@aws
def words(text: str) -> int:
    return len(text.split())


@gcp(idempotent=True)
def mood(text: str) -> str:
    glad, sad = ({"good", "great", "thanks"}, {"bad", "late", "broken"})
    said = set(text.lower().split())
    return "glad" if said & glad else "sad" if said & sad else "calm"


@azure
def stamp(text: str, mood: str) -> Note:
    return Note(text, mood, datetime.now(UTC))


def main() -> None:
    texts = ["thanks for the note", "it is broken", "see you"]
    counting = words.spawn(texts[0])  # on its way, while the others are asked
    moods = list(mood.map(texts))  # at once, in the order of the texts
    for note in stamp.starmap(zip(texts, moods, strict=True)):
        print(f"{note.at:%H:%M:%S} {note.mood:5} {note.text}")
    print(counting.result(timeout=30), "words in the first")


if __name__ == "__main__":
    main()
