"""The thread that writes: file operations in the order they were asked, one sync for all that wait.

Whoever asks never waits. What was asked while a sync ran is done together by the next one (group
commit). A full disk is not the end: the thread tries again until there is room. Any other error
ends it, since after a failed sync nobody knows what the disk holds.
"""

from __future__ import annotations

import errno
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue

Operation = Callable[[], None]

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
AGAIN_S = 0.2


class Disk:
    """Carries out batches of operations; `done` is the number of the last that is on disk."""

    def __init__(self, sync: Operation, now: Callable[[], float] = time.monotonic) -> None:
        """`sync` makes everything that the operations before it did durable; `now` in seconds."""
        self._sync = sync
        self.now = now
        self._asked: deque[tuple[int, Sequence[Operation], float]] = deque()
        self._moved_at = self.now()
        self._last = 0
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ends = False
        self._notify: Operation = lambda: None
        self._idle = threading.Condition()
        self.done = 0
        self.failure: OSError | None = None
        """Why the thread has ended; what is not done never will be."""
        self.is_full = False
        """There was no room at the last attempt."""

    def start(self, notify: Operation) -> None:
        """Begin the thread; `notify` is called on it after every sync and every failure."""
        self._notify = notify
        self._thread = threading.Thread(target=self._run, name="raft-disk", daemon=True)
        self._thread.start()

    def ask(self, operations: Sequence[Operation]) -> int:
        """Queue a batch and return its number. Without a thread it is done at once."""
        self._last += 1
        if not self._asked:
            self._moved_at = self.now()
        self._asked.append((self._last, operations, self.now()))
        if self._thread is None:
            self._carry_out()
            if self.failure is not None:
                raise self.failure
        else:
            self._wake.put(None)
        return self._last

    def stuck_s(self) -> float:
        """Return for how long the disk has not come to the end of an operation; 0 when idle.

        A slow disk ends one after the other; a stuck one ends none.
        """
        return self.now() - self._moved_at if self._asked else 0.0

    def wait(self, limit_s: float | None = None) -> None:
        """Return when everything asked is on disk, or after so long.

        Raises OSError where it cannot be.
        """
        with self._idle:
            self._idle.wait_for(
                lambda: self.done == self._last or self.failure is not None, limit_s
            )
        if self.failure is not None:
            raise self.failure

    def end(self) -> None:
        """Do what was asked and end the thread; a full disk is not waited for."""
        self._ends = True
        if self._thread is not None:
            self._wake.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while self.failure is None:
            self._wake.get()
            while self._asked and self.failure is None:
                self._carry_out()
                self._notify()
                if self.is_full:
                    if self._ends:
                        return
                    time.sleep(AGAIN_S)
            if self._ends and not self._asked:
                return

    def _carry_out(self) -> None:
        """Do all batches that wait, then sync. They leave the queue only when they are on disk."""
        batches = tuple(self._asked)
        try:
            for _, operations, _ in batches:
                for operation in operations:
                    operation()
                    self._moved_at = self.now()
            self._sync()
            self._moved_at = self.now()
        except OSError as error:
            if error.errno in FULL and self._thread is not None:
                self.is_full = True
                return
            self.failure = error
        else:
            self.is_full = False
            for _ in batches:
                self._asked.popleft()
            self.done = batches[-1][0]
        with self._idle:
            self._idle.notify_all()
