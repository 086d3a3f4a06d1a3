"""A stage's record in its store: one writer at a time, and each change written before it is made.

Who holds the lease may write. Its holder gives a sign of life now and then; who sees none for as long as a lease lasts,
by its own clock, takes the lease over, with a higher fence. From then on every write of the former holder fails, since
each is on the condition that nothing else was written meanwhile: it is fenced, however long it slept.
"""

from __future__ import annotations

import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Self

from hyfn.errors import Locked, ShipError
from hyfn.resource import Key
from hyfn.ship import state as states
from hyfn.ship.state import Lease, Record, Release, State
from hyfn.ship.stores import Conflict, Store

LEASE_SECONDS = 30.0
BEATS = 4
"""Signs of life while a lease lasts."""
POLL_SECONDS = 0.5

Mutation = Callable[[State], State]


def name_of(stage: str) -> str:
    return f"{stage}.json"


def read(store: Store, app: str, stage: str) -> State:
    """What is recorded, without any lock: a new state where nothing is. Raises ShipError."""
    return _read(store, app, stage)[0]


def _read(store: Store, app: str, stage: str) -> tuple[State, str | None]:
    found = store.read(name_of(stage))
    if found is None:
        return State(app, stage), None
    state = states.loaded(found[0], f"{store.where}/{name_of(stage)}")
    if (state.app, state.stage) != (app, stage):
        said = f"{store.where} holds the record of {state.app}, stage {state.stage}, not of {app}, stage {stage}"
        raise ShipError(said, hint="give each app a state of its own in [tool.hyfn]")
    return state, found[1]


class Ledger:
    """The lease, and what may be written under it. A context manager: it leaves the lease at its end.

    Safe in many threads: what several of them write at once goes in one write.
    """

    def __init__(
        self,
        store: Store,
        app: str,
        stage: str,
        report: Callable[[str], None],
        lease_seconds: float = LEASE_SECONDS,
        patience: float = 0.0,
    ) -> None:
        """`patience` is how many seconds to wait for a holder that is alive."""
        self._store, self._app, self._stage = store, app, stage
        self._report = report
        self._lease_seconds = lease_seconds
        self._patience = patience
        self._holder = f"{_user()}@{platform.node()} {os.getpid()} {secrets.token_hex(4)}"
        self._condition = threading.Condition()
        self._pending: list[Mutation] = []
        self._is_writing = False
        self._written = self._asked = 0
        self._lost: Exception | None = None
        self._ended = threading.Event()
        self._beating: threading.Thread | None = None
        self._state = State(app, stage)
        self._mark: str | None = None

    def __enter__(self) -> Self:
        self._take()
        self._beating = threading.Thread(target=self._beat, name="hyfn-lease", daemon=True)
        self._beating.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._beating is not None:
            self._beating.join()
        if self._lost is None:
            self._change(lambda state: replace(state, lease=None))

    @property
    def state(self) -> State:
        """As it was last written."""
        with self._condition:
            return self._state

    def check(self) -> None:
        """Raise what ended the lease, if something did."""
        with self._condition:
            if self._lost is not None:
                raise self._lost

    def intend(self, intents: Mapping[Key, Record]) -> None:
        """Write down what is about to be done. Only then may it be done."""
        self._change(lambda state: replace(state, intents={**state.intents, **intents}))

    def done(self, key: Key, record: Record | None) -> None:
        """Write down what was done: what there is now, None for nothing."""

        def change(state: State) -> State:
            intents = {each: intent for each, intent in state.intents.items() if each != key}
            records = {each: old for each, old in state.records.items() if each != key}
            return replace(state, intents=intents, records=records | ({key: record} if record else {}))

        self._change(change)

    def release(self, release: Release) -> None:
        """Write down that all of it is live."""
        self._change(lambda state: replace(state, releases=[*state.releases, release][-states.KEPT_RELEASES :]))

    def forget_releases(self) -> None:
        """Of a stage of which nothing is left."""
        self._change(lambda state: replace(state, releases=[]))

    def forget_intents(self, keys: set[Key]) -> None:
        """Those of a ship that ended, which turned out to have come to nothing."""

        def change(state: State) -> State:
            return replace(state, intents={key: each for key, each in state.intents.items() if key not in keys})

        self._change(change)

    def keep_secret(self, fingerprint: str) -> None:
        """Write down which secret the stage's keys come from."""
        self._change(lambda state: replace(state, secret=fingerprint))

    def _take(self) -> None:
        """The lease, as soon as it is free or its holder gives no sign of life."""
        seen: Lease | None = None
        since = began = time.monotonic()
        is_said = False
        while True:
            state, mark = _read(self._store, self._app, self._stage)
            now = time.monotonic()
            if state.lease != seen:
                seen, since = state.lease, now
            if (seen is None or now - since >= self._lease_seconds) and self._taken(state, mark):
                return
            if seen is not None and now - began >= max(self._patience, self._lease_seconds * 1.5):
                said = f"{seen.holder.rpartition(' ')[0]} is shipping {self._app}, stage {self._stage}"
                raise Locked(said, hint="wait until that is over; should it have died, this mends itself")
            if seen is not None and not is_said:
                is_said = True
                self._report(f"waiting for {seen.holder.rpartition(' ')[0]}, who is shipping, or was")
            if seen is not None:
                time.sleep(min(POLL_SECONDS, self._lease_seconds / 4))

    def _taken(self, state: State, mark: str | None) -> bool:
        fence = state.fence + 1
        mine = replace(state, lease=Lease(self._holder, fence, 0), fence=fence)
        try:
            self._mark = self._store.write(name_of(self._stage), states.dumped(mine), mark)
        except Conflict:
            return False
        self._state = mine
        return True

    def _beat(self) -> None:
        while not self._ended.wait(self._lease_seconds / BEATS):
            try:
                self._change(_beaten)
            except Exception:  # noqa: BLE001  (whoever writes next is told)
                return

    def _change(self, mutation: Mutation) -> None:
        """Apply it and write. Several that come while one is written go together. Raises what ended the lease."""
        with self._condition:
            self._pending.append(mutation)
            self._asked += 1
            mine = self._asked
            while self._lost is None and self._written < mine:
                if self._is_writing:
                    self._condition.wait()
                else:
                    self._write_pending()
            if self._written < mine and self._lost is not None:
                raise self._lost

    def _write_pending(self) -> None:
        """With the condition held; it is let go while the store is busy."""
        mutations, self._pending = self._pending, []
        self._is_writing = True
        wanted = self._state
        for mutation in mutations:
            wanted = mutation(wanted)
        self._condition.release()
        try:
            mark = self._written_safely(wanted)
        except BaseException as error:
            self._condition.acquire()
            self._lost = error if isinstance(error, Exception) else ShipError("stopped while the record was written")
            if not isinstance(error, Exception):
                raise
        else:
            self._condition.acquire()
            self._state, self._mark = wanted, mark
            self._written += len(mutations)
        finally:
            self._is_writing = False
            self._condition.notify_all()

    def _written_safely(self, wanted: State) -> str:
        content = states.dumped(wanted)
        try:
            return self._store.write(name_of(self._stage), content, self._mark)
        except Conflict:
            return self._after_conflict(content)
        except ShipError:
            found = self._store.read(name_of(self._stage))  # the answer was lost, perhaps not the write
            if found and found[0] == content:
                return found[1]
            if found and found[1] == self._mark:
                return self._store.write(name_of(self._stage), content, self._mark)
            raise

    def _after_conflict(self, content: bytes) -> str:
        """A store that repeats requests by itself may refuse the second for what the first did."""
        found = self._store.read(name_of(self._stage))
        if found and found[0] == content:
            return found[1]
        lease = states.loaded(found[0], self._store.where).lease if found else None
        who = lease.holder.rpartition(" ")[0] if lease else "somebody"
        said = f"{who} took over the lease of {self._app}, stage {self._stage}, since this process gave no sign of life"
        raise Locked(said, hint="run it again: what was done is found, and nothing is done twice")


def _beaten(state: State) -> State:
    return replace(state, lease=replace(state.lease, beat=state.lease.beat + 1) if state.lease else None)


def _user() -> str:
    return os.environ.get("USER") or os.environ.get("LOGNAME") or str(os.getuid())
