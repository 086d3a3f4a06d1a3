"""A newsroom: files arrive on OpenWhisk, Lambda reads them, Azure hears readers, a private cluster joins it all."""

from __future__ import annotations

from paper import Article, Click, File, Headline, Summary

from hyfn import Event, PartialFailure, aws, azure, knative, on, openwhisk

TRANSFERRED = "com.newsroom.file.transferred"


@openwhisk(timeout=60)
@on.event(TRANSFERRED)
def received(event: Event[File]) -> int:
    """A file was transferred: have its articles read, all at once, and keep what was read. How many there were."""
    file = event.data
    texts = [text.strip() for text in file.text.split("\n\n")]
    articles = [Article(f"{file.name}#{number}", text) for number, text in enumerate(texts, 1) if text]
    keep(list(summarise.map(articles)))  # private → public → private
    return len(articles)


@aws(region="eu-west-1", memory=512, idempotent=True)
def summarise(article: Article) -> Summary:
    """What the front page needs of an article. Raises ValueError for one without a title."""
    title, _, body = article.text.partition("\n")
    if not title.strip():
        raise ValueError(f"{article.id} has no title")
    return Summary(article.id, title.strip(), len(body.split()))


@aws(region="eu-west-1", memory=512)
@on.queue("backlog", batch=10)
def catch_up(events: list[Event[Article]]) -> None:
    """Old articles, ten at a time. Those that cannot be read go back to the queue; the others are done."""
    summaries: list[Summary] = []
    unreadable: list[Event[Article]] = []
    for event in events:
        try:
            summaries.append(summarise.local(event.data))
        except ValueError:
            unreadable.append(event)
    keep(summaries)  # public → private
    if unreadable:
        raise PartialFailure(unreadable)


@azure(region="westeurope")
@on.stream("clicks", batch=100)
async def heard(events: list[Event[Click]]) -> None:
    """What readers opened, as the stream brings it."""
    await count([event.data for event in events])  # public → private


SUMMARIES: dict[str, Summary] = {}
READERS: dict[str, int] = {}
"""The desk's memory. There is one instance of it; a real newsroom would keep this in its database."""


@knative(group="desk", min_instances=1, max_instances=1)
def keep(summaries: list[Summary]) -> None:
    """Safe to repeat: an article that comes again takes its own place."""
    SUMMARIES.update({summary.id: summary for summary in summaries})


@knative(group="desk", min_instances=1, max_instances=1)
async def count(clicks: list[Click]) -> None:
    for click in clicks:
        READERS[click.article] = READERS.get(click.article, 0) + 1


@knative(group="desk", min_instances=1, max_instances=1)
@on.http("/front", methods=["GET"])
def front_page(lines: int = 10) -> list[Headline]:
    """What was read and what readers did, joined: most read first."""
    headlines = [Headline(each.title, READERS.get(each.id, 0), each.words) for each in SUMMARIES.values()]
    return sorted(headlines, key=lambda line: (-line.readers, line.title))[:lines]


MORNING = File(
    "agency/0700.txt",
    """City opens the new bridge
After nine years the bridge over the river is open to all.

Rain until Thursday
It rains. It will rain.

Orchestra plays for the harvest
Six hundred came to listen on the market square.""",
)


def main() -> None:
    """What happens in a morning. A function that waits for events can be called as well, with one of them in hand."""
    found = received(Event(TRANSFERRED, "/agency", MORNING, id="0700"))
    print(f"{found} articles came in")

    opened = ["agency/0700.txt#1", "agency/0700.txt#3", "agency/0700.txt#1"]
    clicks = [Event("click", "/site", Click(article), id=str(number)) for number, article in enumerate(opened)]
    heard.spawn(clicks).result(timeout=60)

    for line in front_page():
        print(f"{line.readers:2} readers  {line.words:3} words  {line.title}")


if __name__ == "__main__":
    main()
