"""What `--base` may name: a registry's image, a folder of this machine, or this machine's own Python."""

from __future__ import annotations

from pathlib import Path

from hyfn.errors import ConfigError
from hyfn.pack.image import layout, own_python, pull, rootfs
from hyfn.pack.image.model import Base
from hyfn.pack.image.reference import Reference

PATHS = ("/", "./", "../", "~")
HINT = f"name an image, {own_python.NAME}, or a folder that begins with ./ or /"


def find(text: str, machine: str, python: str, *, is_plain: bool = False) -> Base:
    """The base that `text` names, for `machine` ("x86_64", "aarch64") and, where it is to be made, `python` ("3.13").

    "scratch-python" is this machine's own CPython; what begins with / ./ ../ or ~ is a folder: an OCI image layout, or
    the root of a container; all else is a reference. Raises what `pull.pull`, `own_python.base`, `rootfs.base` and
    `layout.base` raise.
    """
    if text == own_python.NAME:
        return own_python.base(machine, python)
    if not text.startswith(PATHS) and text not in (".", ".."):
        return pull.pull(Reference.parse(text), machine, is_plain=is_plain)
    folder = Path(text).expanduser()
    if (folder / layout.VERSION).is_file():
        return layout.base(folder, machine)
    if not folder.is_dir():
        raise ConfigError(f"the base {text} is no folder", hint=HINT)
    return rootfs.base(folder, machine)
