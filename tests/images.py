"""Images to try things with: a server of the standard library, on whatever base."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from textwrap import dedent

from hyfn.pack import splice
from hyfn.pack.image import layer
from hyfn.pack.image.layer import Layer
from hyfn.pack.image.model import ARCHITECTURES, Base, Image, Settings

HERE = os.uname().machine
OTHER = next(machine for machine in ARCHITECTURES if machine != HERE)
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
SERVER = """
    import http.server
    import json
    import os
    import signal
    import sys

    from greetings import GREETING


    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            facts = {"greeting": GREETING, "user": os.getuid(), "service": os.environ.get("K_SERVICE")}
            body = json.dumps(facts).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
SETTINGS = Settings(["python3"], ["main.py"], {"PYTHONUNBUFFERED": "1"}, "/app", "65532:65532", [8080])


def wheels(size: int = 300_000) -> Layer:
    """A layer of a library with as many bytes that cannot be compressed, the same each time."""
    content = {"greetings/__init__.py": b'GREETING = "good day"\n', "greetings/table.bin": noise(size)}
    members = [splice.member(name, text) for name, text in content.items()]
    return layer.kept(f"wheels {size}", lambda: members, "app/")


def code(line: str = "") -> Layer:
    """A layer with the server, and `line` at its end."""
    text = dedent(SERVER).lstrip() + line
    return layer.kept(f"code {line}", lambda: [splice.member("main.py", text.encode())], "app/")


def greeter(machine: str = HERE, base: Base | None = None, line: str = "", size: int = 300_000) -> Image:
    return Image(machine, SETTINGS, {"wheels": wheels(size), "code": code(line)}, base)


def noise(size: int) -> bytes:
    """As many bytes without a pattern, the same each time."""
    import hashlib

    return hashlib.shake_128(str(size).encode()).digest(size)


def silent(there: int, wanted: int) -> None:
    """Watches nothing."""


def files(folder: Path) -> dict[str, bytes]:
    """What is in the folder, by path."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
