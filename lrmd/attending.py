"""A remote node's side of its connection: who attends to it, remembered over a restart."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from lrmd.attendance import Attendance, attended, leaving, may_end, released
from raftmaker.runtime.errors import Refused, Unreachable
from raftmaker.vocabulary.ids import Token


class Attending:
    """Holds the state of `lrmd.attendance`; in the run directory, so it ends with the boot."""

    def __init__(self, run_dir: Path) -> None:
        """Take up what an earlier process of this boot wrote."""
        self._file = run_dir / "attendance.json"
        self._state = _read(self._file)
        self._changed = asyncio.Event()
        self._is_ending = False

    @property
    def is_leaving(self) -> bool:
        """The daemon was asked to stop."""
        return self._state.is_leaving

    @property
    def router(self) -> str:
        """The member that attends to this node; empty: none does."""
        return self._state.router

    def attend(self, router: str, token: Token, highest: Token, *, begin: bool) -> None:
        """A controller attends. Raises `Refused` when another one does.

        Raises `Unreachable` when it is too late: who begins may try again until the node is back.
        """
        if self._is_ending:
            raise Unreachable("raftmaker-remoted has left and is about to end")
        self._state, fault = attended(self._state, router, token, highest, begin=begin)
        if fault:
            raise Refused(fault)
        self._keep()

    def release(self, router: str) -> None:
        """A controller attends no more."""
        self._state = released(self._state, router)
        self._keep()

    async def leave(self) -> None:
        """Ask for the resources to be moved; return when nobody attends to this node."""
        self._state = leaving(self._state)
        while not may_end(self._state):
            self._changed.clear()
            await self._changed.wait()
        self._is_ending = True

    def _keep(self) -> None:
        state = self._state
        text = json.dumps(
            {"router": state.router, "token": [state.token.generation, state.token.counter]}
        )
        if not self._file.exists() or self._file.read_text() != text:
            temporary = self._file.with_suffix(".new")
            temporary.write_text(text)
            temporary.replace(self._file)
        self._changed.set()


def _read(path: Path) -> Attendance:
    try:
        kept = json.loads(path.read_text())
        return Attendance(router=str(kept["router"]), token=Token(*map(int, kept["token"])))
    except (OSError, ValueError, KeyError, TypeError):
        return Attendance()
