"""Google's control plane, one call at a time: functions by Google's own client, all else by its REST APIs.

Credentials are the application's default ones. Where the APIs are may be said as to gcloud, by
CLOUDSDK_API_ENDPOINT_OVERRIDES_<API> (https://cloud.google.com/sdk/docs/properties).
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from hyfn.errors import Changed, ConfigError, ShipError

Json = dict[str, Any]
HOSTS = {
    "cloudfunctions": "v2",
    "iam": "v1",
    "secretmanager": "v1",
    "run": "v2",
    "eventarc": "v1",
    "cloudscheduler": "v1",
    "cloudtasks": "v2",
    "pubsub": "v1",
    "cloudresourcemanager": "v3",
}
"""Each API and its version."""
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
SECONDS = 60.0
AGAIN = 5
PATIENCE = 900.0
"""Seconds for a build and what follows it."""
LONGEST = 5.0
FAILED = "FAILED_PRECONDITION"


class Refused(ShipError):
    """Google said no. `status` is HTTP's."""

    def __init__(self, message: str, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


def project_of(options: Mapping[str, Any]) -> str:
    """Raises ConfigError where nobody says."""
    found = options.get("project") or os.environ.get("GOOGLE_CLOUD_PROJECT") or os.environ.get("CLOUDSDK_CORE_PROJECT")
    if not found:
        found = _of_credentials()
    if not found:
        raise ConfigError(
            "which Google Cloud project?", hint='project = "…" in [tool.hyfn.gcp], or set GOOGLE_CLOUD_PROJECT'
        )
    return str(found)


def region_of(options: Mapping[str, Any]) -> str:
    """Raises ConfigError where nobody says."""
    names = ("CLOUDSDK_FUNCTIONS_REGION", "CLOUDSDK_RUN_REGION", "GOOGLE_CLOUD_REGION")
    found = options.get("region") or next((os.environ[name] for name in names if os.environ.get(name)), "")
    if not found:
        raise ConfigError("which Google Cloud region?", hint='region = "europe-west1" in [tool.hyfn.gcp]')
    return str(found)


def _of_credentials() -> str:
    """The project that the default credentials' file names. https://google.aip.dev/auth/4110"""
    own = Path(os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config/gcloud")
    file = Path(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS") or own / "application_default_credentials.json")
    try:
        document = json.loads(file.read_text())
    except (OSError, ValueError):
        return ""
    return str(document.get("project_id") or document.get("quota_project_id") or "") if document else ""


class Google:
    """One project and region. A context manager. `sdk` is google.cloud.functions_v2; `pause` is the first between two
    looks, in seconds."""

    def __init__(self, scope: str, sdk: Any, pause: float = 0.5) -> None:
        self.project, _, self.region = scope.partition("/")
        self.scope, self.pause, self._sdk = scope, pause, sdk
        self._session, self._credentials = _session()
        self._functions: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()
        if self._functions is not None:
            self._functions.transport.close()

    @property
    def parent(self) -> str:
        return f"projects/{self.project}/locations/{self.region}"

    def call(
        self, api: str, method: str, path: str, body: Json | None = None, params: Mapping[str, str] | None = None
    ) -> Json:
        """`path` follows the version. Repeated where that is safe. Raises Refused, or ShipError without an answer."""
        import google.auth.exceptions
        import requests

        url, pause = f"{origin(api)}/{HOSTS[api]}/{path}", self.pause
        for left in reversed(range(AGAIN)):
            try:
                response = self._session.request(method, url, json=body, params=params, timeout=SECONDS)
            except google.auth.exceptions.GoogleAuthError as error:
                raise _unauthenticated(error) from error
            except requests.RequestException as error:
                if method != "GET" or not left:
                    said = f"Google gave no answer to {method} {path}: {type(error).__name__}"
                    raise ShipError(said, hint="to run it again does no harm") from error
            else:
                is_later = response.status_code == 429 or (response.status_code >= 500 and method == "GET")
                if not (left and is_later):
                    return _read(response.status_code, response.content, f"{method} {path}")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)
        raise AssertionError("unreachable")

    def found(self, api: str, path: str, params: Mapping[str, str] | None = None) -> Json | None:
        return found(lambda: self.call(api, "GET", path, None, params))

    def pages(self, api: str, path: str, under: str, params: Mapping[str, str] | None = None) -> Iterator[Json]:
        asked = dict(params or {})
        while True:
            page = self.call(api, "GET", path, None, asked)
            yield from page.get(under) or []
            if not page.get("nextPageToken"):
                return
            asked["pageToken"] = page["nextPageToken"]

    def ended(self, api: str, operation: Json) -> None:
        """Wait until a long-running operation is over. Raises Refused for one that failed."""

        def look() -> Json | None:
            now = self.call(api, "GET", operation["name"])
            return now if now.get("done") else None

        last = operation if operation.get("done") else self.until(look, operation["name"])
        if error := last.get("error"):
            raise Refused(f"Google could not do it: {_line(error.get('message'))}", 400, "see the build's log")

    def until(self, ask: Callable[[], Any], what: str) -> Any:
        """What `ask` gives as soon as that is true."""
        deadline, pause = time.monotonic() + PATIENCE, self.pause
        while not (answer := ask()):
            if time.monotonic() > deadline:
                raise ShipError(f"Google did not end {what} in {PATIENCE:.0f} s", hint="run it again")
            time.sleep(pause)
            pause = min(1.5 * pause, LONGEST)
        return answer

    def functions(self, verb: str, request: Json) -> Json:
        """A method of FunctionServiceClient, with its request and its answer as JSON. Operations are not waited for."""
        import google.api_core.exceptions as said
        import google.auth.exceptions
        import requests
        from google.protobuf import json_format

        client, kind = self._client(), "".join(word.title() for word in verb.split("_")) + "Request"
        message = json_format.ParseDict(request, getattr(self._sdk, kind).pb()())
        retrying = self._retry() if verb.startswith(("get", "list")) else None
        try:
            answer = getattr(client, verb)(
                request=getattr(self._sdk, kind).wrap(message), retry=retrying, timeout=SECONDS
            )
        except said.GoogleAPICallError as error:
            raise _refused(int(error.code or 0), str(error.message), f"{verb} {_subject(request)}") from error
        except google.auth.exceptions.GoogleAuthError as error:
            raise _unauthenticated(error) from error
        except (said.GoogleAPIError, requests.RequestException) as error:
            raise ShipError(
                f"Google gave no answer to {verb}: {type(error).__name__}", hint="to run it again does no harm"
            ) from error
        if verb == "list_functions":
            return {"functions": [json_format.MessageToDict(type(each).pb(each)) for each in answer]}
        if hasattr(answer, "operation"):
            whole = answer.operation
            return {
                "name": whole.name,
                "done": whole.done,
                "error": {"message": whole.error.message} if whole.error.code else None,
            }
        return dict(json_format.MessageToDict(type(answer).pb(answer)))

    def _client(self) -> Any:
        if self._functions is None:
            from google.api_core.client_options import ClientOptions

            options = ClientOptions(api_endpoint=origin("cloudfunctions"))
            self._functions = self._sdk.FunctionServiceClient(
                credentials=self._credentials, transport="rest", client_options=options
            )
        return self._functions

    def _retry(self) -> Any:
        from google.api_core import retry

        return retry.Retry(initial=self.pause, maximum=LONGEST, timeout=SECONDS)

    def upload(self, url: str, content: bytes) -> None:
        """Without credentials: the URL is signed. https://cloud.google.com/functions/docs/reference/rest/v2"""
        import requests

        try:
            response = requests.put(url, content, headers={"Content-Type": "application/zip"}, timeout=SECONDS * 5)
        except requests.RequestException as error:
            raise ShipError(f"the upload of the code broke off: {type(error).__name__}", hint="run it again") from error
        if not response.ok:
            raise ShipError(f"Google refused the upload of the code ({response.status_code})", hint="run it again")


def found(ask: Callable[[], Json]) -> Json | None:
    """None for what is not there."""
    try:
        return ask()
    except Refused as error:
        if error.status == 404:
            return None
        raise


def origin(api: str) -> str:
    said = os.environ.get(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}")
    return said.rstrip("/") if said else f"https://{api}.googleapis.com"


def _session() -> tuple[Any, Any]:
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    try:
        credentials, _ = google.auth.default(scopes=SCOPES)
    except google.auth.exceptions.GoogleAuthError as error:
        raise _unauthenticated(error) from error
    session: Any = AuthorizedSession
    return session(credentials), credentials


def _unauthenticated(error: Exception) -> ShipError:
    hint = "gcloud auth application-default login"
    return ShipError(f"no credentials for Google Cloud: {_line(error)[:200]}", hint=hint)


def _read(status: int, content: bytes, what: str) -> Json:
    try:
        document = json.loads(content or b"{}")
    except ValueError:
        document = {}
    if status < 300:
        return dict(document)
    error = document.get("error") if isinstance(document, dict) else None
    words = f"{error.get('status', '')}: {error.get('message', '')}" if isinstance(error, dict) else ""
    raise _refused(status, words, what)


def _refused(status: int, words: str, what: str) -> ShipError:
    said = f"Google refused {what}: {_line(words)[:400] or status} ({status})"
    if re.search(r"\betag\b", words, re.IGNORECASE) and status in (400, 409, 412):
        return Changed(said, hint="run it again")
    hints = {401: "gcloud auth application-default login", 403: "whoever ships needs this permission"}
    return Refused(said, status, hints.get(status, "to run it again does no harm" if status >= 429 else None))


def _line(words: object) -> str:
    return " ".join(str(words or "").split())


def _subject(request: Json) -> str:
    return str(request.get("name") or request.get("functionId") or request.get("function", {}).get("name") or "")
