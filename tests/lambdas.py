"""An application on Lambda, in AWS's runtime, and what it takes to tell its functions of events."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hyfn import project
from hyfn.dev.application import Application
from tests import waking


@dataclass(frozen=True)
class Lambdas:
    """`folder` is the project's, in which its functions write down what they get."""

    folder: Path
    application: Application

    def invoke(self, function: str, event: object) -> tuple[bool, Any]:
        """Whether the invocation went well, and what it gave."""
        endpoint = self.application.running[f"app:{function}@aws"].events
        assert endpoint is not None
        url = urlsplit(endpoint.url)
        with closing(http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)) as connection:
            connection.request("POST", url.path, json.dumps(event).encode(), {"Content-Type": "application/json"})
            response = connection.getresponse()
            failed = response.getheader("x-amz-function-error")
            return failed is None and response.status == 200, json.loads(response.read())

    @property
    def got(self) -> list[dict[str, Any]]:
        """What functions got since this was asked before."""
        return waking.recorded(self.folder)


@contextmanager
def running(folder: Path) -> Iterator[Lambdas]:
    """The project in `folder`."""
    with Application(project.read(folder), lambda text: None) as application:
        yield Lambdas(folder, application)
