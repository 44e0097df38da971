"""One turn of the core: the state as it changes and the effects as they gather."""

from __future__ import annotations

from msgspec.structs import replace

from raftmaker.vocabulary.ids import NodeName, Token
from stonithd.fencing.effects import FencingEffect, PersistHistory, PersistToken, ShareRecord
from stonithd.fencing.history import FencingRecord, FencingState, recorded
from stonithd.fencing.state import Duplicate, Operation, Run, State


class Turn:
    """Lives for one `step`; everything in it is frozen, only the references move on."""

    def __init__(self, state: State, now_ms: int) -> None:
        """Begin with `state` at `now_ms`."""
        self.state = state
        self.now_ms = now_ms
        self.effects: list[FencingEffect] = []

    def emit(self, effect: FencingEffect) -> None:
        """Add an effect after those so far."""
        self.effects.append(effect)

    def number(self) -> int:
        """Take the next number, for an operation or a run."""
        taken = self.state.next_number
        self.state = replace(self.state, next_number=taken + 1)
        return taken

    def put_operation(self, operation: Operation) -> None:
        """Add an operation, or put it in the place of the one with its number."""
        others = [one for one in self.state.operations if one.number != operation.number]
        together = sorted([*others, operation], key=lambda one: one.number)
        self.state = replace(self.state, operations=tuple(together))

    def drop_operation(self, number: int) -> None:
        """Forget an operation."""
        kept = tuple(one for one in self.state.operations if one.number != number)
        self.state = replace(self.state, operations=kept)

    def put_run(self, run: Run) -> None:
        """Add a run, or put it in the place of the one with its number."""
        others = [one for one in self.state.runs if one.number != run.number]
        together = sorted([*others, run], key=lambda one: one.number)
        self.state = replace(self.state, runs=tuple(together))

    def drop_run(self, number: int) -> None:
        """Forget a run."""
        kept = tuple(one for one in self.state.runs if one.number != number)
        self.state = replace(self.state, runs=kept)

    def raise_token(self, token: Token) -> None:
        """Remember the highest token, on disk before anything else happens (protocols, DC)."""
        if token > self.state.token:
            self.state = replace(self.state, token=token)
            self.emit(PersistToken(token))

    def record(self, operation: Operation, state: FencingState) -> None:
        """Write how a fencing stands into the history; a delegated one is its asker's to keep."""
        if operation.is_delegated:
            return
        elapsed_us = (self.now_ms - operation.requested_ms) * 1000
        entry = FencingRecord(
            number=operation.number,
            keeper=self.state.node,
            target=operation.target,
            action=operation.action,
            client=operation.client,
            origin=operation.origin,
            delegate=operation.delegate,
            state=state,
            devices=operation.devices,
            at_us=operation.wall_us + (elapsed_us if state.is_over else 0),
            reason="\n".join(operation.reasons),
        )
        self._enter(entry)

    def record_duplicate(
        self, operation: Operation, duplicate: Duplicate, state: FencingState
    ) -> None:
        """Write into the history how a request stands that joined `operation` (features 17.42)."""
        asked = replace(
            operation,
            number=duplicate.number,
            client=duplicate.client,
            origin=duplicate.origin,
            requested_ms=duplicate.requested_ms,
            wall_us=duplicate.wall_us,
        )
        self.record(asked, state)

    def _enter(self, entry: FencingRecord) -> None:
        self.state = replace(self.state, history=recorded(self.state.history, entry))
        self.emit(PersistHistory(self.state.history))
        if entry.state.is_over:
            self.emit(ShareRecord(entry))

    def hear(self, records: tuple[FencingRecord, ...]) -> None:
        """Remember what peers saw to and has ended (features 17.41)."""
        history = self.state.history
        for record in records:
            if record.state.is_over and record.keeper != self.state.node and record not in history:
                history = recorded(history, record)
        self._keep(history)

    def forget(self, target: NodeName) -> None:
        """Forget what has ended: all, or what concerns one target."""
        self._keep(
            tuple(
                one
                for one in self.state.history
                if not one.state.is_over or (target and one.target != target)
            )
        )

    def _keep(self, history: tuple[FencingRecord, ...]) -> None:
        if history != self.state.history:
            self.state = replace(self.state, history=history)
            self.emit(PersistHistory(history))
