"""One call through the door of a `hyfn dev` that runs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hyfn.dev.door import Failed
from hyfn.dev.session import Session
from hyfn.errors import HyfnError


def ask(session: Session, identity: str, arguments: Mapping[str, Any]) -> Any:
    """The value as JSON has it. Raises Failed, or HyfnError where nobody answers. Never goes through a proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", session.port)
    headers = {"Authorization": f"Bearer {session.token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", f"/{quote(identity)}", json.dumps(arguments).encode(), headers)
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise HyfnError(f"hyfn dev does not answer at {session.url}: {error}") from error
    finally:
        connection.close()
    if "error" in answer:
        raise Failed(answer["error"])
    return answer["value"]
