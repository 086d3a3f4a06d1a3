"""Laying files out in a folder: nothing is followed out of it, nothing overwritten, and a failure leaves nothing."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from hyfn.errors import BuildError

PLAIN, EXECUTABLE = 0o644, 0o755
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class Laying:
    """Files in the folder `into`, which is made if it is not there. Left by an error, all that it made is removed."""

    def __init__(self, into: Path) -> None:
        self._into = into
        self._files: list[Path] = []
        self._made: list[Path] = []
        self._folders: set[Path] = set()

    def __enter__(self) -> Self:
        if self._into.is_symlink():
            raise BuildError(f"{self._into} is a link")
        for above in reversed(self._into.parents):
            if not above.exists():
                above.mkdir()
                self._made.append(above)
        self._enter(self._into)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            return
        for file in self._files:
            file.unlink(missing_ok=True)
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def write(self, name: str, mode: int, content: Iterable[bytes]) -> None:
        """The file `name`: 0755 if its owner may run it, else 0644.

        BuildError if something is in its way. Nothing is written through a link.
        """
        folder = self._into
        for part in name.split("/")[:-1]:
            folder /= part
            self._enter(folder)
        path = self._into / name
        try:
            descriptor = os.open(path, NEW, EXECUTABLE if mode & 0o100 else PLAIN)
        except FileExistsError as error:
            raise BuildError(f"{path} is there already") from error
        self._files.append(path)
        with open(descriptor, "wb") as target:  # noqa: PTH123  (a descriptor has no path)
            target.writelines(content)

    def _enter(self, folder: Path) -> None:
        if folder in self._folders:
            return
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            self._made.append(folder)
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise BuildError(f"{folder} is no folder")
        self._folders.add(folder)
