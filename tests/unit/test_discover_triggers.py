"""What `hyfn.on` says of a function, read from its source; and what in it is wrong, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyfn.discover import schedules
from tests.unit.discovering import functions, refusal

HEAD = "from hyfn import aws, on, Event, Blob\n"


def source(decorator: str, function: str = "def f(event: Event): ...") -> dict[str, str]:
    return {"app.py": f"{HEAD}@aws\n{decorator}\n{function}\n"}


@pytest.mark.parametrize(
    "decorator, kind, options",
    [
        ('@on.blob("in", prefix="a/")', "blob", {"container": "in", "prefix": "a/", "suffix": "", "change": "created"}),
        ('@on.blob(container="in", change="deleted")', "blob", {"container": "in", "change": "deleted"}),
        ('@on.queue("q", batch=5)', "queue", {"name": "q", "batch": 5}),
        ('@on.topic("t")', "topic", {"name": "t"}),
        ('@on.stream("s", start="earliest", via="kafka")', "stream", {"name": "s", "batch": 100, "via": "kafka"}),
        ('@on.event("com.acme.x", source="/shop")', "event", {"type": "com.acme.x", "source": "/shop"}),
        ('@on.schedule("every 5 minutes")', "schedule", {"when": "every 5 minutes", "timezone": "UTC"}),
    ],
)
def test_a_trigger_is_read_with_all_its_options(
    tmp_path: Path, decorator: str, kind: str, options: dict[str, object]
) -> None:
    [trigger] = functions(tmp_path, source(decorator))["app:f"].triggers
    assert trigger.kind == kind
    assert options.items() <= trigger.options.items()
    assert str(trigger.place) == "app.py:3"


@pytest.mark.parametrize(
    "text",
    [
        '@aws\n@on.queue("q")\n',
        '@on.queue("q")\n@aws\n',
        "@aws(memory=256)\n@on.queue(NAME)\n",
    ],
)
def test_a_trigger_may_stand_on_either_side_of_the_platform(tmp_path: Path, text: str) -> None:
    found = functions(tmp_path, {"app.py": f'{HEAD}NAME = "q"\n{text}def f(event: Event): ...\n'})
    assert [trigger.resource for trigger in found["app:f"].triggers] == ["q"]


def test_a_function_may_have_several(tmp_path: Path) -> None:
    found = functions(tmp_path, source('@on.queue("q")\n@on.topic("t")\n@on.http'))
    assert [trigger.kind for trigger in found["app:f"].triggers] == ["queue", "topic", "http"]


def test_bare_http_takes_posts_at_the_root(tmp_path: Path) -> None:
    [trigger] = functions(tmp_path, source("@on.http", "def f(n: int) -> int: ..."))["app:f"].triggers
    assert trigger.options == {"path": "/", "methods": ("POST",), "mount": ""}


@pytest.mark.parametrize(
    "decorator, function, words",
    [
        ("@on.queue()", "def f(event: Event): ...", "app.py:3: @on.queue needs name"),
        ('@on.queue("")', "def f(event: Event): ...", "app.py:3: @on.queue needs to know of what"),
        ('@on.queue("q", "r")', "def f(event: Event): ...", "on.queue takes its options by name"),
        (
            '@on.queue("q", batches=3)',
            "def f(event: Event): ...",
            "on.queue has no option 'batches' (did you mean batch",
        ),
        ('@on.queue("q", batch="3")', "def f(event: Event): ...", "batch of on.queue must be int"),
        ('@on.queue("q", batch=0)', "def f(event: Event): ...", "a batch is 1 to 10000 events, not 0"),
        ("@on.queue(name())", "def f(event: Event): ...", "option name cannot be read"),
        ('@on.quue("q")', "def f(event: Event): ...", "hyfn has no decorator 'on.quue' (did you mean on.queue"),
        ('@on.blob("c", change="moved")', "def f(event: Event): ...", "must be one of 'created', 'deleted'"),
        ('@on.topic("t")', "def f(events: list[Event]): ...", "@on.topic brings one event at a time"),
        ('@on.topic("t")', "def f(one: Event, two: Event): ...", "f takes 2 events"),
        ('@on.topic("t")', "def f(event: Event, n: int): ...", "n of f gets no value from an event"),
        ('@on.schedule("5 minutes")', "def f(): ...", "'5 minutes' is no schedule"),
        ('@on.schedule("61 * * * *")', "def f(): ...", "'61' is no minute: 0 to 59"),
        ('@on.schedule("0 6 1 * 1")', "def f(): ...", "which platforms understand differently"),
        ('@on.schedule("0 6 * * *", timezone="Mars/Olympus")', "def f(): ...", "no time zone is called 'Mars/Olympus'"),
        ('@on.schedule("0 6 * * *")', "def f(n: int): ...", "n of f gets no value on a schedule"),
        ('@on.http("orders")', "def f(): ...", "'orders' is no path"),
        ('@on.http("/a/{b...}/c")', "def f(b: str): ...", "is no path"),
        ('@on.http("/a/{b}")', "def f(): ...", "the path has {b}, which f does not take"),
        ('@on.http("/", methods=["FETCH"])', "def f(): ...", "HTTP has no method 'FETCH'"),
        ('@on.http("/", mount="asgi")', "def f(n: int): ...", "f mounts an application: it is a plain def"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, decorator: str, function: str, words: str) -> None:
    assert words in str(refusal(tmp_path, source(decorator, function)["app.py"]))


def test_a_function_that_lives_nowhere_cannot_be_woken(tmp_path: Path) -> None:
    said = refusal(tmp_path, f'{HEAD}@on.queue("q")\ndef f(event: Event): ...\n')
    assert "app.py:2: @on.queue wakes f, which lives on no platform" in str(said)


@pytest.mark.parametrize(
    "when, cron, minutes",
    [
        ("0 6 * * 1-5", "0 6 * * 1-5", 0),
        ("0 6 * * MON-FRI", "0 6 * * 1-5", 0),
        ("*/15 0,12 1 jan *", "*/15 0,12 1 1 *", 0),
        ("0 0 * * 7", "0 0 * * 0", 0),
        ("every minute", "* * * * *", 1),
        ("every 5 minutes", "*/5 * * * *", 5),
        ("every 7 minutes", "", 7),
        ("every 2 hours", "0 */2 * * *", 120),
        ("every 90 minutes", "", 90),
        ("Every day", "0 0 * * *", 1440),
        ("every 2 days", "", 2880),
    ],
)
def test_one_syntax_says_when(when: str, cron: str, minutes: int) -> None:
    read = schedules.read(when)
    assert (read.text, read.minutes) == (cron, minutes)


@pytest.mark.parametrize(
    "when", ["", "* * * *", "* * * * * *", "every 0 minutes", "every year", "a * * * *", "5-1 * * * *", "*/0 * * * *"]
)
def test_what_is_no_schedule_is_refused(when: str) -> None:
    with pytest.raises(ValueError, match=r"is no|a rate is"):
        schedules.read(when)
