"""skopeo, which reads registries as others do."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.registry import needed


def skopeo(*arguments: str) -> Any:
    """What it prints, which is JSON or nothing."""
    needed("skopeo")
    done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.startswith("{") else None


def inspected(name: str, *options: str) -> Any:
    """What `name` is, by `skopeo inspect`, with options such as --config."""
    return skopeo("inspect", "--tls-verify=false", *options, f"docker://{name}")
