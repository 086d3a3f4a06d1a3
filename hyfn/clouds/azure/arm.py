"""Asking Azure Resource Manager: one request at a time, waiting for what it does meanwhile. Knows no SDK: see ship.py.

https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations: an answer may name in
Azure-AsyncOperation, or in Location, where to ask until the change is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from hyfn.errors import Changed, ShipError

PATIENCE = 300.0
FIRST, LONGEST = 0.2, 5.0
TRIES = 5
"""Of one request that Azure was too busy for."""
BUSY = frozenset((429, 500, 502, 503, 504))
DONE = frozenset(("", "succeeded"))
FAILED = frozenset(("failed", "canceled"))
SUCCEEDED, ENDED_BADLY = 4, 3
"""Kudu's DeployStatus (Kudu.Contracts/Deployment/DeployStatus.cs in projectkudu/kudu)."""

Json = dict[str, Any]


class Arm:
    """`token` gives a bearer token for the endpoint. `first` is the first pause between two looks, in seconds."""

    def __init__(self, endpoint: str, token: Callable[[], str], first: float = FIRST) -> None:
        import httpx

        self.endpoint = endpoint.rstrip("/")
        self._token, self._first = token, first
        self._http = httpx.Client(timeout=60.0)

    def close(self) -> None:
        self._http.close()

    def read(self, path: str, version: str) -> Json | None:
        """None for what is not there."""
        answer = self._sent("GET", self._url(path, version))
        return None if answer.status_code == 404 else self._said("GET", path, answer)

    def write(self, method: str, path: str, version: str, body: Mapping[str, Any]) -> Json:
        """The answer, once the change is done."""
        answer = self._sent(method, self._url(path, version), json=body)
        said = self._said(method, path, answer)
        self._wait(path, answer)
        return said

    def delete(self, path: str, version: str) -> None:
        answer = self._sent("DELETE", self._url(path, version))
        if answer.status_code not in (204, 404):
            self._said("DELETE", path, answer)
            self._wait(path, answer)

    def listed(self, path: str, version: str) -> list[Json]:
        """All pages; none where what holds them is not there."""
        found, url = [], self._url(path, version)
        while url:
            answer = self._sent("GET", url)
            if answer.status_code == 404:
                break
            page = self._said("GET", path, answer)
            found += page.get("value", [])
            url = page.get("nextLink") or ""
        return found

    def publish(self, origin: str, content: bytes) -> None:
        """One-deploy: https://learn.microsoft.com/azure/azure-functions/functions-deployment-technologies#one-deploy"""
        url, headers = f"{origin}/api/publish?type=zip", {"Content-Type": "application/zip"}
        answer = self._sent("POST", url, origin, content=content, headers=headers)
        self._said("POST", "/api/publish", answer)
        latest = f"{origin}/api/deployments/latest"

        def look() -> bool:
            answer = self._sent("GET", latest, origin)
            found = {} if answer.status_code == 404 else self._said("GET", "/api/deployments/latest", answer)
            if found.get("status") == ENDED_BADLY:
                raise ShipError(f"Azure could not deploy the zip: {found.get('status_text') or 'it does not say why'}")
            return bool(found.get("status") == SUCCEEDED)

        self._until(look, "a deployment")

    def until(self, look: Callable[[], bool], what: str) -> None:
        """Wait until it is so. Raises ShipError."""
        self._until(look, what)

    def _url(self, path: str, version: str) -> str:
        return f"{self.endpoint}{path}{'&' if '?' in path else '?'}api-version={version}"

    def _sent(self, method: str, url: str, origin: str = "", **more: Any) -> Any:
        """The token goes nowhere but to ARM and to the app's own deployment site."""
        import httpx

        if not url.startswith(f"{origin or self.endpoint}/"):
            raise ShipError("Azure points to another host for the rest of its answer", hint="nothing was sent there")
        headers = {**more.pop("headers", {}), "Authorization": f"Bearer {self._token()}"}
        pause = self._first
        for left in reversed(range(TRIES)):
            try:
                answer = self._http.request(method, url, headers=headers, **more)
            except httpx.HTTPError as error:
                raise ShipError(f"Azure gave no answer to {method}: {type(error).__name__}") from error
            is_busy = answer.status_code in BUSY or _code(answer)[0] == "AnotherOperationInProgress"
            if not is_busy or not left:
                break
            time.sleep(min(LONGEST, float(answer.headers.get("Retry-After", pause))))
            pause *= 2
        return answer

    def _said(self, method: str, path: str, answer: Any) -> Json:
        if answer.status_code < 400:
            found = answer.json() if answer.content else {}
            return found if isinstance(found, dict) else {}
        code, message = _code(answer)
        what = path.partition("?")[0].rpartition("/providers/")[2]
        text = f"Azure refused {method} of {what} ({answer.status_code}): {code}: {message}"
        raise Changed(text, hint="run it again") if answer.status_code == 412 else ShipError(text)

    def _wait(self, path: str, answer: Any) -> None:
        location = answer.headers.get("Location") if answer.status_code == 202 else ""
        where = str(answer.headers.get("Azure-AsyncOperation") or location or "")

        def look() -> bool:
            polled = self._sent("GET", where)
            said = self._said("GET", path, polled)
            state = str(said.get("status") or "").lower()
            if state in FAILED:
                error = said.get("error") or {}
                raise ShipError(f"Azure did not do it: {error.get('code', state)}: {error.get('message', '')}")
            return polled.status_code != 202 and state in DONE

        if where:
            self._until(look, "a change")

    def _until(self, look: Callable[[], bool], what: str) -> None:
        deadline, pause = time.monotonic() + PATIENCE, self._first
        while not look():
            if time.monotonic() > deadline:
                raise ShipError(f"Azure did not end {what} in {PATIENCE:.0f} s", hint="run it again")
            time.sleep(pause)
            pause = min(LONGEST, 2 * pause)


def _code(answer: Any) -> tuple[str, str]:
    """The code and the words of an error of ARM's."""
    if answer.status_code < 400:
        return "", ""
    try:
        error = answer.json()["error"]
        return str(error["code"]), " ".join(str(error["message"]).split())
    except (ValueError, KeyError, TypeError):
        return "?", answer.reason_phrase
