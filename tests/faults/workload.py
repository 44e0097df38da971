"""Clients that write down every operation: registers for linearizability, a counter for losses."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cib_store.client import StoreClient
from cib_store.document.element import Element
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.commands import CibChange, CibOperation, OperationKind, Precondition
from tests.faults.linearizability import Kind, Operation

TIMEOUT_MS = 3_000
REGISTERS = 2
PAUSE_S = 0.02


@dataclass(slots=True)
class Tally:
    """What the clients know."""

    registers: dict[str, list[Operation]] = field(default_factory=dict)
    acknowledged: int = 0
    uncertain: int = 0
    operations: int = 0


def _state(name: str, value: str) -> CibOperation:
    xml = f'<node_state id="{name}" uname="{value}"/>'
    return CibOperation(kind=OperationKind.MODIFY, scope="status", xml=xml, all=True)


def counting() -> CibOperation:
    """Return an addition of one, which shows if it is done twice."""
    xml = '<node_state id="counter" uname="uname++"/>'
    return CibOperation(kind=OperationKind.MODIFY, scope="status", xml=xml, all=True, score=True)


def _path(name: str) -> str:
    return f"/cib/status/node_state[@id='{name}']"


class Worker:
    """One client; reads and writes at any store that answers, each request exactly once."""

    def __init__(self, number: int, client: StoreClient, tally: Tally, seed: int) -> None:
        self._number, self._client, self._tally = number, client, tally
        self._random = random.Random(f"{seed}-{number}")
        self._turn = 0

    async def run(self, round_number: int, is_over: Callable[[], bool]) -> None:
        """Work until it is over."""
        while not is_over():
            self._turn += 1
            self._tally.operations += 1
            name = f"reg-{round_number}-{self._random.randrange(REGISTERS)}"
            act = self._random.choice([self._read, self._write, self._swap, self._count])
            await act(name)
            await asyncio.sleep(PAUSE_S)

    def _fresh(self) -> str:
        return f"v{self._number}.{self._turn}"

    def _note(self, name: str, operation: Operation) -> None:
        self._tally.registers.setdefault(name, []).append(operation)

    async def _look(self, name: str) -> Element | None:
        answer = await self._client.query(xpath=_path(name), timeout_ms=TIMEOUT_MS)
        return answer.elements[0] if answer.elements else None

    async def _read(self, name: str) -> None:
        began = time.monotonic()
        try:
            seen = await self._look(name)
        except HaError:
            return
        value = seen.get("uname") if seen is not None else ""
        ended = time.monotonic()
        self._note(name, Operation(kind=Kind.READ, began=began, ended=ended, value=value))

    async def _write(self, name: str) -> None:
        began, value, ended = time.monotonic(), self._fresh(), None
        try:
            change = CibChange(operations=(_state(name, value),), status=True)
            outcome = await self._client.record(change, timeout_ms=TIMEOUT_MS)
            if outcome.succeeded:
                ended = time.monotonic()
        except HaError:
            pass
        self._note(name, Operation(kind=Kind.WRITE, began=began, ended=ended, value=value))

    async def _swap(self, name: str) -> None:
        try:
            seen = await self._look(name)
        except HaError:
            return
        if seen is None:
            return
        expected, value = seen.get("uname"), self._fresh()
        condition = Precondition(path=_path(name), digest=seen.digest)
        change = CibChange(
            operations=(_state(name, value),), preconditions=(condition,), status=True
        )
        began, ended, swapped = time.monotonic(), None, False
        try:
            outcome = await self._client.record(change, timeout_ms=TIMEOUT_MS)
            swapped = outcome.succeeded
            if swapped or outcome.has("conflict"):
                ended = time.monotonic()
        except HaError:
            pass
        self._note(
            name,
            Operation(
                kind=Kind.SWAP,
                began=began,
                ended=ended,
                value=value,
                expected=expected,
                swapped=swapped,
            ),
        )

    async def _count(self, _: str) -> None:
        try:
            outcome = await self._client.change([counting()], timeout_ms=TIMEOUT_MS)
        except HaError:
            self._tally.uncertain += 1
            return
        if outcome.succeeded:
            self._tally.acknowledged += 1
        else:
            self._tally.uncertain += 1


async def counted(client: StoreClient) -> int:
    """Return what the counter says."""
    answer = await client.query(xpath=_path("counter"), timeout_ms=60_000)
    return int(answer.elements[0].get("uname")) if answer.elements else 0
