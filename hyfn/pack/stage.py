"""What travels of hyfn itself into an artifact."""

from __future__ import annotations

import json
from pathlib import Path

import hyfn
from hyfn.model import FunctionSpec, Target

MODULES = (
    "__init__.py",
    "errors.py",
    "identity.py",
    "wiring.py",
    "current.py",
    "contract.py",
    "declare.py",
    "remote.py",
    "py.typed",
)
FOLDERS = ("wire", "call", "host")
STAYS = frozenset({"httpx_transport.py"})


def travelling(cloud: str) -> dict[str, bytes]:
    """hyfn's own files for an artifact on `cloud`: paths under the import root.

    Every cloud's decorator and caller travel (user modules import the one, calls need the other); of hosts only its own.
    """
    root = Path(hyfn.__file__).parent
    files = [root / module for module in MODULES]
    files += [file for folder in FOLDERS for file in sorted((root / folder).glob("*.py"))]
    files.append(root / "clouds" / "__init__.py")
    for folder in sorted(path.parent for path in (root / "clouds").glob("*/__init__.py")):
        files += [folder / "__init__.py", folder / "call.py"]
    files.append(root / "clouds" / cloud / "host.py")
    return {
        f"hyfn/{file.relative_to(root).as_posix()}": file.read_bytes()
        for file in files
        if file.exists() and file.name not in STAYS
    }


def manifest(app: str, functions: list[FunctionSpec], target: Target) -> bytes:
    """hyfn.json: what the artifact is, for the host in it."""
    document = {
        "app": app,
        "function": functions[0].name,
        "functions": [function.name for function in functions],
        "cloud": target.cloud,
        "platform": target.platform,
    }
    return json.dumps(document, indent=1).encode() + b"\n"
