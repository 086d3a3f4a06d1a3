"""Blobs as files named by their digest: in the user's cache, and in OCI image layouts."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from hyfn.errors import BuildError
from hyfn.pack.image.model import Descriptor
from hyfn.toolchain import cache
from hyfn.toolchain.workers import scope


def shelf() -> Path:
    """The folder in the user's cache that holds blobs of registries, as a layout's `blobs` does."""
    return cache.home() / "images" / "blobs"


def path(folder: Path, digest: str) -> Path:
    """Where the blob is in a folder `blobs`. `digest` must be a checked one."""
    algorithm, _, hexadecimal = digest.partition(":")
    return folder / algorithm / hexadecimal


def content(folder: Path, one: Descriptor, limit: int) -> bytes:
    """The whole blob, of at most `limit` bytes. BuildError where it is missing or not what its digest says."""
    file = path(folder, one.digest)
    try:
        with file.open("rb") as opened:
            found = opened.read(limit + 1)
    except OSError as error:
        raise BuildError(f"the blob {one.digest} is not in {folder}: {error.strerror}") from error
    if len(found) != one.size or hashlib.sha256(found).hexdigest() != file.name:
        raise BuildError(f"the blob {file} is not what its name says, or larger than {limit} bytes")
    return found


def keep(folder: Path, one: Descriptor, chunks: Iterable[bytes]) -> Path:
    """The blob in `folder`, filled from `chunks`: whole and verified, or not at all. Safe to call at once.

    BuildError where `chunks` are not what the descriptor says, or longer.
    """
    final = path(folder, one.digest)
    final.parent.mkdir(parents=True, exist_ok=True)
    partial = final.with_name(f"{final.name}.{secrets.token_hex(6)}.partial")
    try:
        with partial.open("wb") as opened:
            for chunk in verified(one, chunks):
                opened.write(chunk)
        partial.chmod(0o444)
        partial.replace(final)
    finally:
        partial.unlink(missing_ok=True)
    return final


def verified(one: Descriptor, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """`chunks` as they come. BuildError as soon as they are too many, or at their end where they are others."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        scope().check()
        size += len(chunk)
        if size > one.size:
            raise BuildError(f"the blob {one.digest} has more than the {one.size} bytes that its manifest says")
        digest.update(chunk)
        yield chunk
    if size != one.size or f"sha256:{digest.hexdigest()}" != one.digest:
        raise BuildError(f"what came for the blob {one.digest} is {size} bytes of sha256:{digest.hexdigest()}")


def link(source: Path, target: Path) -> None:
    """`target` has the bytes of `source`, which nobody writes to. Nothing happens where it is there already."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{secrets.token_hex(6)}.partial")
    try:
        try:
            os.link(source, partial)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
