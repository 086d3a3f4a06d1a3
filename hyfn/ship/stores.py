"""Where a stage's record is kept: a file, or an object in S3, Google Cloud Storage or Azure Blob Storage.

A store has one operation that matters: to write only where what stands there is what was read.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from hyfn.errors import ConfigError, MachineError, ShipError

SCHEMES = ("s3", "gs", "az", "abfs")
"""Of the URLs that name an object store's folder."""
PROBE = ".hyfn-probe"
SHOWN = 300
"""Characters of what a store says that an error shows."""


class Conflict(Exception):
    """Something else stands there by now."""


class Store(Protocol):
    """Names are relative paths. Safe in many threads and for many processes at once."""

    @property
    def where(self) -> str:
        """What people call it."""
        ...

    def read(self, name: str) -> tuple[bytes, str] | None:
        """The content, and the mark of this very content; None where nothing stands. Raises ShipError."""
        ...

    def write(self, name: str, content: bytes, mark: str | None) -> str:
        """Put it there if what stands there has this mark, with None if nothing stands there. The new mark.

        Raises Conflict, or ShipError where it is not known whether it was written.
        """
        ...

    def remove(self, name: str) -> None:
        """Take it away, whatever stands there. Nothing there is no error."""
        ...


def store(url: str, root: Path) -> Store:
    """The store that `url` names: a folder, relative to `root`, or a URL such as s3://bucket/folder."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return FileStore(root / url)
    if scheme not in SCHEMES or not rest:
        known = ", ".join(f"{each}://" for each in SCHEMES)
        raise ConfigError(f"state = {url!r} is no place that hyfn knows", hint=f"a folder, or one of {known}")
    return ObjectStore(url)


class FileStore:
    """A folder. For one machine: a network's file system may not keep what `flock` promises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def where(self) -> str:
        return str(self._folder)

    def read(self, name: str) -> tuple[bytes, str] | None:
        try:
            content = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ShipError(f"{self._folder / name}: {error.strerror}") from error
        return content, _mark(content)

    def write(self, name: str, content: bytes, mark: str | None) -> str:
        path = self._folder / name
        try:
            with self._locked(path):
                there = self.read(name)
                if (there[1] if there else None) != mark:
                    raise Conflict(str(path))
                _replace(path, content)
        except OSError as error:
            raise ShipError(f"{path}: {error.strerror}") from error
        return _mark(content)

    def remove(self, name: str) -> None:
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise ShipError(f"{self._folder / name}: {error.strerror}") from error

    @contextlib.contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _replace(path: Path, content: bytes) -> None:
    """All or nothing, also when the machine loses power."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class ObjectStore:
    """An object store, by obstore, with the credentials that its vendor's own tools would use."""

    def __init__(self, url: str, **options: Any) -> None:
        try:
            import obstore
            from obstore.store import from_url
        except ImportError as error:
            said = f"state = {url!r} needs the package obstore"
            raise MachineError(said, hint="pip install 'hyfn[state]'") from error
        self._obstore = obstore
        self._url = url.rstrip("/")
        try:
            self._store: Any = from_url(url, **options)
        except Exception as error:
            raise ConfigError(f"state = {url!r}: {_said(error)}") from error

    @property
    def where(self) -> str:
        return self._url

    def read(self, name: str) -> tuple[bytes, str] | None:
        try:
            got = self._obstore.get(self._store, name)
            return bytes(got.bytes()), _object_mark(got.meta)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._failed("read", name, error) from error

    def write(self, name: str, content: bytes, mark: str | None) -> str:
        mode: Any = "create" if mark is None else _condition(mark)
        try:
            return _object_mark(self._obstore.put(self._store, name, content, mode=mode, use_multipart=False))
        except Exception as error:
            kinds = self._obstore.exceptions
            if isinstance(error, kinds.AlreadyExistsError | kinds.PreconditionError):
                raise Conflict(name) from error
            raise self._failed("written", name, error) from error

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            try:
                self._obstore.delete(self._store, name)
            except FileNotFoundError:
                raise
            except Exception as error:
                raise self._failed("removed", name, error) from error

    def _failed(self, verb: str, name: str, error: Exception) -> ShipError:
        hint = "is the bucket's name right, and may these credentials read and write there?"
        return ShipError(f"{self._url}/{name} cannot be {verb}: {_said(error)}", hint=hint)


def _object_mark(meta: Any) -> str:
    return f"{meta['e_tag'] or ''} {meta['version'] or ''}"


def _condition(mark: str) -> dict[str, str]:
    e_tag, _, version = mark.partition(" ")
    return {name: value for name, value in (("e_tag", e_tag), ("version", version)) if value}


def _said(error: Exception) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip().partition(" Debug source:")[0] or type(error).__name__
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def probe(store: Store) -> None:
    """Raise ShipError unless the store refuses what it must refuse: some that speak S3 ignore conditions, and then two
    ships at once would lose what one of them did."""
    name = f"{PROBE}-{secrets.token_hex(4)}"
    first = store.write(name, b"1", None)
    try:
        store.write(name, b"2", first)
        for mark in (None, first):
            _check_refusal(store, name, mark)
    finally:
        store.remove(name)


def _check_refusal(store: Store, name: str, mark: str | None) -> None:
    try:
        store.write(name, b"3", mark)
    except Conflict:
        return
    said = f"{store.where} writes whatever the condition: two ships at once would overwrite one another's record"
    raise ShipError(said, hint="a store with conditional writes (If-Match and If-None-Match)")
