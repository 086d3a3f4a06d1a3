"""A plain client of a platform's JSON interface: what it refuses, or does not answer, is one line without a secret."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from hyfn.errors import ShipError

Json = dict[str, Any]
SECONDS = 90.0
"""For one answer: longer than a platform lets a caller of its own wait."""
AGAIN = 5
"""Attempts at what is refused for too many requests, and at reading what does not answer."""
LONGEST_PAUSE = 10.0
WIRING = "HYFN_WIRING"
EXCERPT = 300


class Refused(ShipError):
    """The platform said no. `status` is HTTP's, `words` are its own."""

    def __init__(self, message: str, status: int, words: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.words = words


class Rest:
    """Safe in many threads. Raises Refused, or ShipError where nobody answers."""

    def __init__(
        self,
        who: str,
        base: str,
        headers: Mapping[str, str],
        words: Callable[[Any], str],
        hidden: Sequence[str] = (),
        pause: float = 0.5,
    ) -> None:
        """`words` reads a refusal's own from its document, and `hidden` are never shown of them. `pause` is the first
        between two attempts, in seconds."""
        self.base = base
        self._who, self._words, self._hidden, self._pause = who, words, hidden, pause
        self._http = httpx.Client(base_url=base, headers={**headers, "Accept": "application/json"}, timeout=SECONDS)

    def close(self) -> None:
        self._http.close()

    def read(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The document, None where there is none."""
        try:
            return self.sent("GET", path, params)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    def delete(self, path: str) -> None:
        """Fine where it is not there."""
        try:
            self.sent("DELETE", path)
        except Refused as refused:
            if refused.status != 404:
                raise

    def sent(self, method: str, path: str, params: Mapping[str, str] | None = None, body: Json | None = None) -> Any:
        """The document of the answer. Reading is repeated when it fails; what changes something only where it surely
        had no effect."""
        answer = self.asked(method, path, params, body)
        if answer.is_success:
            return answer.json() if answer.content else None
        raise self.refusal(method, path, answer)

    def asked(
        self, method: str, path: str, params: Mapping[str, str] | None = None, body: Json | None = None
    ) -> httpx.Response:
        """The same, but that a refusal is an answer too."""
        pause = self._pause
        for left in reversed(range(AGAIN)):
            try:
                answer = self._http.request(method, path, params=params, json=body)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                if method != "GET" or not left:
                    said = f"{self._who} at {self.base} gave no answer: {type(error).__name__}"
                    raise ShipError(said, hint="is it reachable from here? to run it again does no harm") from error
            else:
                is_for_later = answer.status_code == 429 or (answer.status_code >= 500 and method == "GET")
                if not (left and is_for_later):
                    return answer
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        raise AssertionError("unreachable")

    def refusal(self, method: str, path: str, answer: httpx.Response) -> Refused:
        try:
            words = " ".join(self._words(answer.json()).split())
        except (ValueError, KeyError, TypeError, AttributeError):
            words = ""
        for each in self._hidden:
            words = words.replace(each, "…")
        # What quotes the wiring quotes keys.
        words = "" if WIRING in words else words[:EXCERPT]
        status = answer.status_code
        said = f"{self._who} refused {method} of {path}: {words or answer.reason_phrase} ({status})"
        return Refused(said, status, words, _hint(status))


def _hint(status: int) -> str | None:
    if status in (401, 403):
        return "is the key the right one, and of this place?"
    return "to run it again does no harm" if status >= 500 or status == 429 else None
