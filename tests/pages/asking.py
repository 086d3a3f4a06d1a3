"""Asking a site as clients do: raw HTTP, and schemathesis against its own document."""

from __future__ import annotations

import functools
import http.client
import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hyfn.toolchain import environments, pythons
from hyfn.toolchain.environments import Environment

SCHEMATHESIS = "schemathesis==4.32.5"
"""In an environment of its own: it pins what the tests use in other versions."""
SEED, EXAMPLES, SECONDS = "7", "15", 120


@dataclass(frozen=True)
class Said:
    """A response. `fields` as they came, names in lower case."""

    status: int
    fields: Sequence[tuple[str, str]]
    body: bytes

    @property
    def kind(self) -> str:
        return next((value for name, value in self.fields if name == "content-type"), "")

    @property
    def cookies(self) -> list[str]:
        return [value for name, value in self.fields if name == "set-cookie"]

    def field(self, wanted: str) -> str:
        return next((value for name, value in self.fields if name == wanted), "")

    def value(self) -> Any:
        """Of a page that answered well."""
        assert (self.status, self.kind) == (200, "application/json"), self
        return json.loads(self.body)

    def problem(self) -> dict[str, Any]:
        """A whole problem document."""
        document: dict[str, Any] = json.loads(self.body)
        assert self.kind == "application/problem+json", self
        assert document.keys() == {"type", "title", "status", "detail"}
        assert document["status"] == self.status
        return document


def ask(url: str, method: str, target: str, body: object = None, **headers: str) -> Said:
    """`url` is that of the pages; `target` goes as it is. A body that is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    typed = {"Content-Type": "application/json"} if body is not None and not isinstance(body, bytes) else {}
    sent = {**typed, **{name.replace("_", "-"): value for name, value in headers.items()}}
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
        connection.request(method, f"{parts.path}{target}", content or None, sent)
        response = connection.getresponse()
        fields = [(name.lower(), value) for name, value in response.getheaders()]
        return Said(response.status, fields, response.read())


@functools.cache
def _schemathesis() -> Environment:
    python = pythons.nearest("3.13", ("3.12", "3.13", "3.14"))[0]
    return environments.environment("schemathesis", [SCHEMATHESIS], python, lambda _: None)


def run_schemathesis(document: Path, url: str, *options: str) -> None:
    """Every check of schemathesis, with values that fit and values that do not. Fails in its own words."""
    argv = [
        str(_schemathesis().bin / "schemathesis"), "run", str(document), "--url", url, "--no-color", "--seed", SEED,
        "--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing", "--generation-database", "none",
        "--continue-on-failure", "--request-timeout", "20", *options,
    ]  # fmt: skip
    env = {"PATH": os.defpath, "HOME": str(document.parent)}
    done = subprocess.run(
        argv, cwd=document.parent, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
