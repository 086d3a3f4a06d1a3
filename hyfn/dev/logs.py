"""What functions print, line by line as they print it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

Say = Callable[[str, str], None]
"""Given who printed ("ocr@aws") and a line."""
LOOK = 0.1
"""Seconds between two looks at the logs."""
MAX_AT_ONCE = 1024 * 1024
"""Bytes of one log that are read in one look."""


class Logs:
    """Follows logs while it is entered. Safe in threads."""

    def __init__(self, followed: Callable[[], Mapping[str, Path]], say: Say) -> None:
        """`followed()` names the logs that there are now, by who writes them."""
        self._followed = followed
        self._say = say
        self._read: dict[Path, int] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="hyfn-logs", daemon=True)

    def __enter__(self) -> Logs:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def look(self, who: str, log: Path, *, is_last: bool = False) -> None:
        """Say what is new in `log`: whole lines, and in the last look whatever there is."""
        with self._lock:
            began = self._read.get(log, 0)
            try:
                with log.open("rb") as file:
                    file.seek(began)
                    new = file.read(MAX_AT_ONCE)
            except OSError:
                return
            end = len(new) if is_last or len(new) == MAX_AT_ONCE else new.rfind(b"\n") + 1
            self._read[log] = began + end
            for line in new[:end].decode(errors="replace").splitlines():
                if line.strip():
                    self._say(who, line)

    def _follow(self) -> None:
        while not self._over.wait(LOOK):
            for who, log in self._followed().items():
                self.look(who, log)
