"""What the Functions Framework calls on Google Cloud: `hyfn_entry`, with the HTTP carrier."""

from __future__ import annotations

from hyfn.errors import CallError, Malformed
from hyfn.host import container, http, load
from hyfn.host.run import runner
from hyfn.wire.carrier import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def receive(event: Any) -> bytes:
    """The frame in a flask request. Raises Malformed or UnsupportedEncoding."""
    return http.receive(event.method, event.headers.get("content-type", ""), event.get_data())


def answer(answer: Answer) -> tuple[bytes, int, dict[str, str]]:
    """The reply as flask takes one."""
    status, kind, body = http.answer(answer)
    return body, status, {"Content-Type": kind}


def hyfn_entry(request: Any) -> Any:
    """Run the call in `request`, or answer it where it is plain HTTP. Anything else is refused, and nothing runs.

    In a process that is for events (HYFN_DOOR) they alone are taken.
    """
    if _events is not None:
        return _woken(request)
    try:
        frame = receive(request)
    except CallError as error:
        if _pages is not None:
            return _pages.answer(request)
        return answer(Answer(error.http_status, b"", error.code))
    return answer(_runner.answer(frame))  # type: ignore[union-attr]


def _woken(request: Any) -> Any:
    if request.method != "POST":
        return answer(Answer(405, b"", Malformed.code))
    headers = {name.lower(): value for name, value in request.headers.items()}
    status, kind, body = _events.said(headers, request.get_data())
    return body, status, {"Content-Type": kind}


def _put_first() -> None:
    """Let the artifact's own modules win over those that the platform installed for its framework.

    The framework appends the source's folder to sys.path: an artifact's locked version of what they share would lose.
    """
    import sys

    import hyfn

    root = hyfn.__path__[0].rpartition("/")[0]
    sys.path[:] = [root, *(path for path in sys.path if path != root)]


_runner = _pages = None
_events: Any = None
_document = load.manifest()
if _document is not None:
    _put_first()
    _runner = runner()
    _takes = load.pages(_document)
    # Applications that are mounted start with the first request: the framework's server forks after this, and an event
    # loop's thread would stay behind.
    _pages = None if _takes is None else _takes.Pages(_runner)
    _events = container.event_door(_runner)
