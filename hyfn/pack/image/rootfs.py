"""Base images from a folder that is to be the root of a container."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from hyfn.errors import BuildError, ConfigError
from hyfn.pack import splice
from hyfn.pack.image import layer, layout
from hyfn.pack.image.layer import Layer
from hyfn.pack.image.model import Base, Image, Settings
from hyfn.pack.image.tar import Entry, Folder, Link
from hyfn.pack.splice import Member
from hyfn.toolchain import cache, scratch

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
USUAL = Settings(env={"PATH": PATH})
MAX_LINKS = 16
ELF_MACHINES = {62: "x86_64", 183: "aarch64"}
"""e_machine in an ELF header (System V ABI)."""


def base(root: Path, machine: str) -> Base:
    """The image of the folder `root`, which holds a `python3` for `machine` on the usual PATH.

    Modes are kept, owners are not. Made again when a file changed. ConfigError for a folder that is no such root.
    """
    _check(root, machine)
    return _made(_fingerprint(root), machine, lambda out: layer.write_entries(entries(root), out))


def kept(key: str, fill: Callable[[Path], None], machine: str, settings: Settings) -> Base:
    """The image of the root that `fill` makes in an empty folder, where the user's cache has none for `key`.

    Safe to call at once.
    """

    def write(out: Path) -> Layer:
        with scratch.folder("hyfn-root-") as root:
            fill(root)
            return layer.write_entries(entries(root), out)

    return _made(key, machine, write, settings)


def _made(key: str, machine: str, write: Callable[[Path], Layer], settings: Settings = USUAL) -> Base:
    def make(folder: Path) -> None:
        folder.mkdir()
        made = write(folder / "layer.partial")
        made.path.chmod(0o444)
        layout.write([Image(machine, settings, {"base": made})], folder)
        made.path.unlink()  # linked into the layout

    return layout.base(cache.made_once(cache.home() / "images" / "bases" / f"{key}-{machine}", make), machine)


def entries(root: Path) -> Iterator[Entry]:
    """What is in the folder, in the order of names. BuildError for what is neither file nor folder nor link."""
    for name, path, status in _listed(root):
        if stat.S_ISLNK(status.st_mode):
            yield Link(name, str(path.readlink()))
        elif stat.S_ISDIR(status.st_mode):
            yield Folder(name, stat.S_IMODE(status.st_mode))
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
            mode = stat.S_IMODE(status.st_mode)
            yield Member(name, mode, zlib.crc32(content), len(content), splice.deflated(content))
        else:
            raise BuildError(f"{path} is neither a file, a folder nor a link", hint="a layer holds nothing else")


def _listed(root: Path) -> list[tuple[str, Path, os.stat_result]]:
    found = []
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder) / name
            found.append((path.relative_to(root).as_posix(), path, path.lstat()))
    return sorted(found, key=lambda each: each[0])


def _fingerprint(root: Path) -> str:
    """Another one as soon as any file in it was written."""
    digest = hashlib.sha256(f"{layer.VERSION}\0{root.resolve()}".encode())
    for name, _, status in _listed(root):
        facts = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        digest.update(os.fsencode(f"\0{name}\0{facts}"))
    return digest.hexdigest()[:32]


def _check(root: Path, machine: str) -> None:
    places = [root / folder.lstrip("/") / "python3" for folder in PATH.split(":")]
    found = next((file for place in places if (file := _inside(root, place)) is not None), None)
    if found is None:
        raise ConfigError(f"{root} is no root for a container: it has no python3 on {PATH}")
    other = elf_machine(found)
    if other not in (None, machine):
        raise ConfigError(f"the python3 in {root} is for {other}, not for {machine}")


def _inside(root: Path, path: Path) -> Path | None:
    """The file that `path` is in a container with this root, or None."""
    for _ in range(MAX_LINKS):
        if not path.is_symlink():
            return path if path.is_file() else None
        target = str(path.readlink())
        path = root / target.lstrip("/") if target.startswith("/") else path.parent / target
    return None


def elf_machine(file: Path) -> str | None:
    """Which machine a program is for; None where it is no program for one that hyfn knows."""
    with file.open("rb") as opened:
        start = opened.read(20)
    if len(start) < 20 or not start.startswith(b"\x7fELF"):
        return None
    (number,) = struct.unpack_from("<H", start, 18)
    return ELF_MACHINES.get(number, "another machine")
