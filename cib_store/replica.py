"""The state machine that the log drives: bytes in, outcome out; what it made is published.

Readers take `state`, one reference to a frozen value, on any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cib_store.apply import Outcome, State, apply
from cib_store.messages import commands, snapshots
from cib_store.messages.outcomes import outcome_message
from raftmaker.runtime.errors import HaError, Rejected
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CheckState, Command, Origin
from raftmaker.vocabulary.reports import Report

CHECK_ENTRIES = 1000
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


@dataclass(frozen=True, slots=True)
class Mark:
    """The digest of this replica's state after the entry `index`."""

    index: int
    digest: bytes


class Replica:
    """This node's copy of the replicated state.

    Every `CHECK_ENTRIES` entries it takes a digest, which the leader commits for all to compare.
    """

    def __init__(self, publish: Published, *, differs: Callable[[HaError], None]) -> None:
        """Name whom to tell.

        `publish`: after every entry and snapshot. `differs`: the state is not the leader's.
        """
        self._publish = publish
        self._differs = differs
        self.state = State()
        self.mark = Mark(0, b"")

    def apply(self, index: int, entry: bytes) -> bytes:
        """Apply one committed entry; return its outcome as bytes."""
        before = self.state
        self.state, outcome, command = apply_entry(before, index, entry)
        if before.index // CHECK_ENTRIES < self.state.index // CHECK_ENTRIES:
            self.mark = Mark(self.state.index, snapshots.digest(self.state))
        if command is not None and isinstance(command.body, CheckState):
            self._compare(command.body, command.origin)
        if command is not None:
            self._publish(before, self.state, command)
        return outcome_message(outcome).SerializeToString()

    def _compare(self, check: CheckState, leader: Origin) -> None:
        comparable = check.index == self.mark.index and check.digest[:1] == self.mark.digest[:1]
        if not comparable or check.digest == self.mark.digest:
            return
        what = f"at log position {check.index} the state here is not that of {leader.node}"
        mend = (
            "start the daemon again; if it comes back, remove this node's store directory to"
            " refill it from its peers, and report it with the logs of both nodes"
        )
        report = Report(code="state-differs", what=what, mend=mend)
        self._differs(Rejected(ExitCode.SOFTWARE, (report,)))

    def snapshot(self) -> Callable[[], bytes]:
        """Return what writes the whole state, on any thread: the state is frozen."""
        return partial(snapshots.encode, self.state)

    def restore(self, index: int, data: bytes) -> None:
        """Start again from a snapshot. Raises `BadSnapshot`: the daemon must end."""
        before = self.state
        self.state = snapshots.decode(data)
        self.mark = Mark(0, b"")
        assert self.state.cib.digest  # kept within the tree, so that no later entry waits for it
        self._publish(before, self.state, None)
