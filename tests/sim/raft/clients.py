"""Clients that change and read registers, and write down what they were told."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from pysyncobj import FAIL_REASON

from cib_store.raft.engine import _NOT_PROPOSED
from tests.faults.linearizability import Kind, Operation
from tests.sim.loop import MS, SECOND
from tests.sim.raft.machine import Request

if TYPE_CHECKING:
    from tests.sim.raft.voter import Voter
    from tests.sim.raft.world import World

PATIENCE_US = 700 * MS
ATTEMPTS = 6
REGISTERS = 3
WINDOW_US = 3 * SECOND
"""Registers get new names now and then, so that each history stays short."""


class Client:
    """One operation at a time; a change is asked for again until its outcome is known."""

    def __init__(self, name: str, world: World) -> None:
        """Begin after a moment."""
        self.name = name
        self._world = world
        self._random = Random(f"{world.plan.seed} client {name}")
        self._sequence = 0
        self._began_s = 0.0
        self._attempt = 0
        self.known = 0
        self.unknown = 0
        self.histories: dict[str, list[Operation]] = {}
        self._seen: dict[str, str] = {}
        self._over = False
        self._think()

    def stop(self) -> None:
        """Begin nothing more."""
        self._over = True

    def _think(self) -> None:
        if self._over:
            return
        self._world.loop.after(self._random.randrange(2 * MS, 60 * MS), self._begin)

    def _register(self) -> str:
        window = self._world.loop.now_us // WINDOW_US
        return f"r{window}.{self._random.randrange(REGISTERS)}"

    def _begin(self) -> None:
        self._began_s = self._world.now_s()
        self._attempt = 0
        register = self._register()
        if self._random.random() < 0.3:
            self._read(register)
            return
        self._sequence += 1
        value = f"{self.name}.{self._sequence}"
        swaps = self._random.random() < 0.3
        expected = self._seen.get(register, "") if swaps else None
        request = Request(
            client=self.name,
            sequence=self._sequence,
            register=register,
            value=value,
            expected=expected,
        )
        self._try(request, certain=True)

    def _voter(self) -> Voter | None:
        up = [voter for voter in self._world.voters.values() if voter.is_up]
        leading = [voter for voter in up if voter.leads]
        if leading and self._random.random() < 0.5:
            return self._random.choice(leading)
        return self._random.choice(up) if up else None

    def _try(self, request: Request, *, certain: bool) -> None:
        """Ask a voter; `certain`: no earlier attempt can have been done."""
        voter = self._voter()
        if self._attempt == ATTEMPTS or voter is None:
            self._note(request, None)
            if certain:
                self._world.checkers.never_proposed(request)
            self._think()
            return
        self._attempt += 1
        answered = False

        def again(still_certain: bool) -> None:
            nonlocal answered
            answered = True
            delay_us = self._random.randrange(5 * MS, 150 * MS)
            self._world.loop.after(delay_us, lambda: self._try(request, certain=still_certain))

        def callback(result: bytes | None, reason: int) -> None:
            nonlocal answered
            if answered:
                return
            if reason == FAIL_REASON.SUCCESS and result is not None:
                answered = True
                self._world.checkers.acknowledged(voter, request)
                self._note(request, result.decode())
                self._think()
            else:
                again(certain and reason in _NOT_PROPOSED)

        voter.propose(request.encode(), callback)
        self._world.loop.after(PATIENCE_US, lambda: None if answered else again(False))

    def _note(self, request: Request, outcome: str | None) -> None:
        swaps = request.expected is not None
        known = outcome is not None
        self.known += known
        self.unknown += not known
        if outcome == "set":
            self._seen[request.register] = request.value
        self._write_down(
            request.register,
            Operation(
                kind=Kind.SWAP if swaps else Kind.WRITE,
                began=self._began_s,
                ended=self._world.now_s() if known else None,
                value=request.value,
                expected=request.expected or "",
                swapped=outcome == "set",
            ),
        )

    def _write_down(self, register: str, operation: Operation) -> None:
        self.histories.setdefault(register, []).append(operation)

    def _read(self, register: str) -> None:
        voter = self._voter()
        if voter is None:
            self._think()
            return
        answered = False

        def over() -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._think()

        def callback(result: bytes | None, reason: int) -> None:
            if answered or reason != FAIL_REASON.SUCCESS:
                over()
                return
            value = voter.machine.registers.get(register, "")
            self._seen[register] = value
            now_s = self._world.now_s()
            self.known += 1
            self._write_down(
                register,
                Operation(kind=Kind.READ, began=self._began_s, ended=now_s, value=value),
            )
            over()

        if self._world.plan.guards.reads_wait:
            voter.propose(b"", callback)
        else:
            callback(b"", FAIL_REASON.SUCCESS)
        self._world.loop.after(PATIENCE_US, over)
