"""The state machine that the log drives: bytes in, outcome out; what it made is published.

Called on the engine's thread. Readers take `state`, one reference to a frozen value, on any thread.
"""

from __future__ import annotations

from collections.abc import Callable

from cib_store.apply import Outcome, State, apply
from cib_store.messages import commands, snapshots
from cib_store.messages.outcomes import outcome_message
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import Command
from raftmaker.vocabulary.reports import Report

Published = Callable[[State, State, Command | None], None]
"""Told the state before and after, and the command (None: a snapshot took its place)."""


def apply_entry(state: State, index: int, entry: bytes) -> tuple[State, Outcome, Command | None]:
    """Decode and apply one entry. Total: bytes that are no command have an outcome like any other.

    An unknown format is refused by every replica alike, so the replicas stay the same.
    """
    try:
        command = commands.decode(entry)
    except commands.BadCommand as error:
        report = Report(code="bad-command", what=str(error), mend="upgrade the older nodes")
        refused = Outcome(
            code=ExitCode.PROTOCOL, reports=(report,), version=state.version, index=index
        )
        return state, refused, None
    after, outcome = apply(state, index, command)
    return after, outcome, command


class Replica:
    """This node's copy of the replicated state."""

    def __init__(self, publish: Published) -> None:
        """`publish` is called on the engine's thread after every entry and snapshot."""
        self._publish = publish
        self.state = State()

    def apply(self, index: int, entry: bytes) -> bytes:
        """Apply one committed entry; return its outcome as bytes."""
        before = self.state
        self.state, outcome, command = apply_entry(before, index, entry)
        if command is not None:
            self._publish(before, self.state, command)
        return outcome_message(outcome).SerializeToString()

    def snapshot(self) -> bytes:
        """Return the whole state."""
        return snapshots.encode(self.state)

    def restore(self, index: int, data: bytes) -> None:
        """Start again from a snapshot. Raises `BadSnapshot`: the daemon must end."""
        before = self.state
        self.state = snapshots.decode(data)
        self._publish(before, self.state, None)
