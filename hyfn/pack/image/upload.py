"""One blob to a registry: mounted, or sent in one request if it is small, else in chunks that can be taken up again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from hyfn.pack.image.model import Descriptor
from hyfn.pack.image.registry import PASSING, TRIES, Answer, Registry, Unreachable, pause

CHUNK = 8 * 1024**2
"""Bytes of one request. ECR wants 5 MiB at least unless it is the last, Azure's registry takes 20 MB at most."""
BYTES = {"Content-Type": "application/octet-stream"}
RANGE = re.compile(r"(?:bytes=)?0-(\d+)")
"""How much of an upload a registry has (distribution-spec 1.1, "Pushing a blob in chunks")."""
UPLOADS = "blobs/uploads/"
LOST = (404, 416)
"""The upload is gone, or is not where it was thought to be: a new one may do."""


def mount(registry: Registry, one: Descriptor, source: str) -> str | None:
    """Let the registry take the blob from its repository `source`: None where it did, else where to upload it, "" where
    that is still to be asked."""
    url = _with_query(registry.url(UPLOADS), mount=one.digest, **{"from": source})
    answer = registry.ask("POST", url)
    if answer.status == 201:
        return None
    return registry.location(url, answer) if answer.status == 202 else ""


def send(registry: Registry, one: Descriptor, file: Path, location: str | None, advance: Callable[[int], None]) -> None:
    """Upload the blob in `file` to `location`, or to where the registry says. `advance` hears of bytes that are there.

    What breaks off is taken up where it stopped, or from the start, and then bytes are taken back; raises what the
    registry's last word was.
    """
    there = 0

    def count(more: int) -> None:
        nonlocal there
        there += more
        advance(more)

    with file.open("rb") as opened:
        for attempt in range(1, TRIES + 1):
            is_last = attempt == TRIES
            try:
                answer = _sent(registry, one, opened, location or _begun(registry), count)
            except Unreachable:
                if is_last:
                    raise
            else:
                if answer.status == 201:
                    return
                if is_last or answer.status not in (*PASSING, *LOST):
                    raise registry.refusal(answer, "push")
            location = None
            count(-there)
            pause(attempt)


def _begun(registry: Registry) -> str:
    url = registry.url(UPLOADS)
    answer = registry.ask("POST", url)
    if answer.status != 202:
        raise registry.refusal(answer, "push")
    return registry.location(url, answer)


def _sent(
    registry: Registry, one: Descriptor, opened: IO[bytes], location: str, advance: Callable[[int], None]
) -> Answer:
    opened.seek(0)
    if one.size > CHUNK:
        answer, location = _in_chunks(registry, one, opened, location, advance)
        if answer is not None:
            return answer
    rest = opened.read() if one.size <= CHUNK else b""
    answer = registry.ask("PUT", _with_query(location, digest=one.digest), BYTES, rest, tries=1)
    if answer.status == 201:
        advance(len(rest))
    return answer


def _in_chunks(
    registry: Registry, one: Descriptor, opened: IO[bytes], location: str, advance: Callable[[int], None]
) -> tuple[Answer | None, str]:
    """Where to finish the upload, all of which is there; or the answer that ended it."""
    offset = failures = 0
    while offset < one.size:
        opened.seek(offset)
        chunk = opened.read(CHUNK)
        headers = {**BYTES, "Content-Range": f"{offset}-{offset + len(chunk) - 1}"}
        try:
            answer = registry.ask("PATCH", location, headers, chunk, tries=1)
        except Unreachable:
            if (failures := failures + 1) == TRIES:
                raise
            pause(failures)
            answer = _resumed(registry, location)
        if answer.status not in (202, 204):
            return answer, location
        location = registry.location(location, answer)
        received = _received(answer, offset + len(chunk))
        advance(received - offset)
        offset = received
    return None, location


def _resumed(registry: Registry, location: str) -> Answer:
    """How far an upload has come that broke off."""
    return registry.ask("GET", location)


def _received(answer: Answer, otherwise: int) -> int:
    found = RANGE.fullmatch(answer.headers.get("range", ""))
    # Nothing yet is "0-0" too: there is no form for it.
    return (int(found[1]) + 1 if found[1] != "0" else 0) if found else otherwise


def _with_query(url: str, **more: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *more.items()])))
