"""A plain client of a cluster's API: to read, to list by label, to apply on a condition, to delete.

Concepts: https://kubernetes.io/docs/reference/using-api/api-concepts/
Server-side apply: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from hyfn.errors import ShipError
from hyfn.ship.cluster.access import Access

Json = Mapping[str, Any]
SECONDS = 60.0
"""For one answer: as long as an API server waits for its admission webhooks and more."""
AGAIN = 5
"""Attempts at what is refused for too many requests, and at reading what does not answer."""
LONGEST_PAUSE = 10.0
PATCH = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
SECRET = "Secret"  # noqa: S105  (a kind)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: `version` is "apps/v1", `plural` as URLs have it."""

    version: str
    name: str
    plural: str

    def path(self, namespace: str, name: str = "") -> str:
        root = "api" if "/" not in self.version else "apis"
        path = f"/{root}/{self.version}/namespaces/{namespace}/{self.plural}"
        return f"{path}/{quote(name)}" if name else path


class Refused(ShipError):
    """The cluster said no. `status` is HTTP's, `reason` the cluster's own word for it, as "Conflict"."""

    def __init__(self, message: str, status: int, reason: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason


class Client:
    """Of one namespace. Safe in many threads. Raises Refused, or ShipError where nobody answers."""

    def __init__(self, access: Access, namespace: str, pause: float = 0.5) -> None:
        """`pause` is the first of those between two attempts, in seconds."""
        self.namespace = namespace
        self._access = access
        self._pause = pause
        self._http = httpx.Client(base_url=access.server, verify=access.tls, timeout=SECONDS)
        self._lock = threading.Lock()
        self._headers: dict[str, str] | None = None

    def close(self) -> None:
        self._http.close()

    def read(self, kind: Kind, name: str) -> dict[str, Any] | None:
        """The object, None where there is none."""
        try:
            return self._sent("GET", kind, name)
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    def listed(self, kind: Kind, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """Those with all these labels."""
        selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
        found: list[dict[str, Any]] = []
        params = {"labelSelector": selector, "limit": "500"}
        while True:
            page = self._sent("GET", kind, "", params)
            found += page.get("items") or []
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                # Items of a list do not say what they are.
                return [{"apiVersion": kind.version, "kind": kind.name, **each} for each in found]
            params["continue"] = following

    def apply(self, kind: Kind, name: str, wanted: Json, manager: str, force: bool) -> dict[str, Any]:
        """Let `wanted` be what `manager` says of the object, which is created where it is not there. With a
        resourceVersion in it, only where the object is still that one. `force` takes fields away from others."""
        params = {"fieldManager": manager, "force": "true" if force else "false", "fieldValidation": "Strict"}
        stated = {"apiVersion": kind.version, "kind": kind.name, **wanted}
        stated["metadata"] = {"name": name, "namespace": self.namespace, **wanted.get("metadata", {})}
        return self._sent("PATCH", kind, name, params, stated, PATCH)

    def merge(self, kind: Kind, name: str, changes: Json) -> dict[str, Any]:
        """Change single fields; None takes one away."""
        return self._sent("PATCH", kind, name, {"fieldManager": "hyfn"}, changes, MERGE)

    def delete(self, kind: Kind, name: str, uid: str) -> None:
        """Begin to take it away with all that it owns, if it is still the same. Fine where it is not there."""
        options = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
        try:
            self._sent("DELETE", kind, name, {}, {"apiVersion": "v1", "kind": "DeleteOptions", **options})
        except Refused as refused:
            if refused.status != 404:
                raise

    def _sent(
        self,
        method: str,
        kind: Kind,
        name: str,
        params: Mapping[str, str] | None = None,
        body: Json | None = None,
        content: str = "application/json",
    ) -> dict[str, Any]:
        """Reading is repeated when it fails; what changes something only where it surely had no effect."""
        pause, path = self._pause, kind.path(self.namespace, name)
        data = json.dumps(body).encode() if body is not None else None
        is_renewed = False
        for left in reversed(range(AGAIN)):
            try:
                headers = {**self._identity(is_renewed), "Content-Type": content, "Accept": "application/json"}
                response = self._http.request(method, path, params=params, content=data, headers=headers)
            except httpx.TransportError as error:
                if method != "GET" or not left:
                    said = f"the cluster at {self._access.server} gave no answer: {type(error).__name__}"
                    raise ShipError(said, hint="is it reachable from here? to run it again does no harm") from error
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            is_denied = response.status_code == 401 and not is_renewed
            is_for_later = response.status_code == 429 or (response.status_code >= 500 and method == "GET")
            if not (left and (is_denied or is_for_later)):
                return _read(response, method, kind, name)
            is_renewed = is_denied
            if is_for_later:
                time.sleep(_asked(response, pause))
                pause = min(pause * 2, LONGEST_PAUSE)
        raise AssertionError("unreachable")

    def _identity(self, is_renewed: bool) -> dict[str, str]:
        with self._lock:
            if self._headers is None or is_renewed:
                self._headers = self._access.headers()
            return self._headers


def _asked(response: httpx.Response, pause: float) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text), LONGEST_PAUSE) if text.isdigit() else pause


def _read(response: httpx.Response, method: str, kind: Kind, name: str) -> dict[str, Any]:
    try:
        document: Any = response.json()
    except ValueError:
        document = {}
    if response.is_success and isinstance(document, dict):
        return document
    status = document if isinstance(document, dict) else {}
    reason = str(status.get("reason") or response.reason_phrase)
    # What the cluster says of a Secret may quote it.
    words = "" if kind.name == SECRET else " ".join(str(status.get("message") or "").split())
    what = f"{method} of {kind.name} {name}".rstrip()
    said = f"the cluster refused {what}: {words[:400] or reason} ({response.status_code})"
    raise Refused(said, response.status_code, reason, _hint(response.status_code, kind))


def _hint(status: int, kind: Kind) -> str | None:
    if status == 401:
        return "log in to the cluster: does kubectl work with this context?"
    if status == 403:
        return f"whoever ships may get, list, patch and delete {kind.plural} ({kind.version})"
    if status >= 500 or status == 429:
        return "to run it again does no harm"
    return None


def until(done: Callable[[], Any], seconds: float, said: Callable[[], str], pause: float) -> Any:
    """What `done` gives once it is true. Raises ShipError with what `said` says after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        if found := done():
            return found
        if time.monotonic() >= end:
            raise ShipError(said(), hint="to run it again waits again")
        time.sleep(pause)
        pause = min(pause * 1.5, 2.0)
