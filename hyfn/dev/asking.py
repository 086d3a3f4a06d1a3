"""One call through the door of a `hyfn dev` that runs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hyfn.dev.door import Failed
from hyfn.dev.occurring import EMIT, Occurred, written
from hyfn.dev.session import Session
from hyfn.errors import HyfnError


def ask(session: Session, identity: str, arguments: Mapping[str, Any]) -> Any:
    """The value as JSON has it. Raises Failed, or HyfnError where nobody answers. Never goes through a proxy."""
    return _ask(session, f"/{quote(identity)}", arguments)


def emit(session: Session, what: Occurred) -> list[dict[str, Any]]:
    """What became of an event, as hyfn.dev.emitting.Emitted says it. Raises HyfnError."""
    try:
        rows: list[dict[str, Any]] = _ask(session, EMIT, written(what))
    except Failed as error:
        raise HyfnError(error.document["message"], hint=error.document["hint"]) from None
    return rows


def _ask(session: Session, path: str, document: Mapping[str, Any]) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", session.port)
    headers = {"Authorization": f"Bearer {session.token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", path, json.dumps(document).encode(), headers)
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise HyfnError(f"hyfn dev does not answer at {session.url}: {error}") from error
    finally:
        connection.close()
    if "error" in answer:
        raise Failed(answer["error"])
    return answer["value"]
