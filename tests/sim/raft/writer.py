"""The thread that writes, in virtual time: what was asked comes to disk some time later."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cib_store.raft.disk import AGAIN_S, Disk, Operation
from cib_store.raft.journal import Journal
from tests.sim.loop import MS, SECOND
from tests.sim.raft.disk import PowerLost

if TYPE_CHECKING:
    from tests.sim.raft.voter import Voter

SYNC_US = 1 * MS


class SimulatedDisk(Disk):
    """Carries out batches as the real one does, when the world's clock says so."""

    def __init__(self, journal: Journal, voter: Voter) -> None:
        """Take the place of the disk that the journal was opened with."""
        super().__init__(journal._file.sync, now=voter.world.now_s)
        # Never started: it says that a full disk is waited for.
        self._thread = threading.Thread()
        self._voter = voter
        self._process = voter.starts
        self._is_planned = False
        journal._disk = self

    def ask(self, operations: Sequence[Operation]) -> int:
        """Queue a batch and return its number."""
        self._last += 1
        self._asked.append((self._last, operations, self.now()))
        self._plan(self._voter.sync_us + self._voter.world.soon_us())
        return self._last

    def wait(self, limit_s: float | None = None) -> None:
        """Do what was asked now; it takes no time."""
        if self._asked:
            self._carry_out()
        if self.failure is not None:
            raise self.failure

    def end(self) -> None:
        """Nothing is left to end: the process has."""

    def _plan(self, delay_us: int) -> None:
        if not self._is_planned:
            self._is_planned = True
            loop = self._voter.world.loop
            loop.at(max(loop.now_us + delay_us, self._voter.paused_until_us), self._work)

    def _work(self) -> None:
        self._is_planned = False
        if self._voter.starts != self._process or not self._voter.is_up:
            return
        if self._voter.paused_until_us > self._voter.world.loop.now_us:
            self._plan(0)
            return
        if not self._asked:  # it was waited for
            return
        try:
            self._carry_out()
        except PowerLost:
            self._voter.crash()
            return
        self._voter.wake(self._voter.world.soon_us())
        if self.is_full:
            self._plan(int(AGAIN_S * SECOND))
        elif self._asked and self.failure is None:
            self._plan(self._voter.sync_us)
