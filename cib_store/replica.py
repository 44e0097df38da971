"""The state machine that the log drives: bytes in, outcome out; what it made is published.

Readers take `state`, one reference to a frozen value, on any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from cib_store.apply import Outcome, State, apply
from cib_store.apply.sessions import earlier_outcome
from cib_store.document.codec import forget_ahead, read_ahead
from cib_store.messages import commands, snapshots
from raftmaker.runtime.errors import HaError, Rejected
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CheckState, CibChange, CibOperation, Command, Origin
from raftmaker.vocabulary.reports import Report

CHECK_ENTRIES = 1000
FORESEEN_MAX = 1024
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


def _operations(command: Command | None) -> tuple[CibOperation, ...]:
    """Return the operations on the CIB that a command has; empty for any other command."""
    if command is None or not isinstance(command.body, CibChange):
        return ()
    return command.body.operations


class Mark(Struct, frozen=True):
    """The digest of this replica's state after the entry `index`."""

    index: int
    digest: bytes


class Replica:
    """This node's copy of the replicated state.

    Every `CHECK_ENTRIES` entries it takes a digest, which the leader commits for all to compare.
    """

    def __init__(
        self,
        publish: Published,
        *,
        differs: Callable[[HaError], None],
        before_snapshot: Callable[[], None] = lambda: None,
    ) -> None:
        """Name whom to tell.

        `publish`: after every entry and snapshot. `differs`: the state is not the leader's.
        `before_snapshot`: on another thread, before the log forgets the entries.
        """
        self._publish = publish
        self._differs = differs
        self._before_snapshot = before_snapshot
        self.state = State()
        self._foreseen: dict[bytes, Command] = {}
        self.mark = Mark(0, b"")

    def foresee(self, entry: bytes, command: Command) -> None:
        """Remember what an entry says that is about to be proposed here: it need not be read."""
        if len(self._foreseen) >= FORESEEN_MAX:
            self._foreseen.clear()
        self._foreseen[entry] = command

    def prepare(self, entry: bytes) -> None:
        """Read a large change, on another thread, so that `apply` finds it done.

        What was proposed again and is done already is not read: `apply` will not look at it.
        """
        try:
            command = commands.decode(entry)
        except commands.BadCommand:
            return  # `apply` says so
        if earlier_outcome(self.state, command) is not None:
            return
        for operation in _operations(command):
            read_ahead(operation.xml)

    def apply(self, index: int, entry: bytes) -> Outcome:
        """Apply one committed entry; return its outcome.

        `index` is the log's, which entries that were proposed together share: commands have a
        number of their own, one after the other.
        """
        before = self.state
        command = self._foreseen.pop(entry, None)
        if command is None:
            self.state, outcome, command = apply_entry(before, before.index + 1, entry)
        else:
            self.state, outcome = apply(before, before.index + 1, command)
        for operation in _operations(command):
            forget_ahead(operation.xml)
        if before.index // CHECK_ENTRIES < self.state.index // CHECK_ENTRIES:
            self.mark = Mark(self.state.index, snapshots.digest(self.state))
        if command is not None and isinstance(command.body, CheckState):
            self._compare(command.body, command.origin)
        if command is not None:
            self._publish(before, self.state, command)
        return outcome

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
        return partial(self._encoded, self.state)

    def _encoded(self, state: State) -> bytes:
        self._before_snapshot()  # what the log will not tell again
        return snapshots.encode(state)

    def restore(self, index: int, data: bytes) -> None:
        """Start again from a snapshot. Raises `BadSnapshot`: the daemon must end."""
        before = self.state
        self.state = snapshots.decode(data)
        self.mark = Mark(0, b"")
        assert self.state.cib.digest  # kept within the tree, so that no later entry waits for it
        self._publish(before, self.state, None)
