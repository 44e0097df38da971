"""What the store needs of a replicated log: engines stand behind this and one conformance suite.

An entry is opaque bytes. It is *applied* on every replica in one order, exactly as it was proposed;
an entry whose proposal failed with `TimedOut` may still be applied later, or never. Nothing but
success says what happened: exactly-once is made of client sessions inside the entries, not here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import Struct

from cib_store.raft.configuration import Card, Configuration, SeatStatus
from raftmaker.runtime.rpc import Service
from raftmaker.vocabulary.ids import NodeName, Term
from raftmaker.vocabulary.membership import LogPlace


class StateMachine(Protocol):
    """What the log drives. All but `prepare` is called on the event loop."""

    def prepare(self, entry: bytes) -> None:
        """Do beforehand, on another thread, what takes long of applying a large entry.

        It changes nothing that could be seen, since the entry may never be committed, and never
        raises; `apply` may come without it.
        """

    def apply(self, index: int, entry: bytes) -> object:
        """Apply one committed entry and return its outcome; deterministic, and never raises.

        Entries that were proposed together may have one `index`.
        """

    def snapshot(self) -> Callable[[], bytes]:
        """Return what writes everything that the entries applied so far have made.

        It is called once, on another thread, while further entries are applied.
        """

    def restore(self, index: int, data: bytes) -> None:
        """Forget everything and start again from a snapshot taken after the entry `index`."""


class Leadership(Struct, frozen=True, kw_only=True):
    """Who leads, as this replica knows it; an empty `leader` means nobody known."""

    term: Term
    leader: NodeName
    leads: bool


class LogStatus(Struct, frozen=True, kw_only=True):
    """Positions in the log as this replica knows them."""

    leadership: Leadership
    applied: int
    committed: int
    quorate: bool
    """It leads with a majority that answers, or hears a leader."""


class AloneStatus(Struct, frozen=True, kw_only=True):
    """Where this replica's log stands, what it says of itself, and how long it heard no leader.

    `configurations`: in its log, from the one at the last entry that it has applied on.
    """

    place: LogPlace
    card: Card
    configurations: tuple[Configuration, ...]
    leaderless_ms: int


class ReplicatedLog(ABC):
    """A log that a majority of voters agrees on. All coroutines run on the caller's event loop."""

    @abstractmethod
    def services(self) -> tuple[Service, ...]:
        """Return what the store's gRPC server must offer for the engine, before `start`."""

    @abstractmethod
    async def start(self, on_leadership: Callable[[Leadership], None]) -> None:
        """Join the other voters. `on_leadership` is called on the event loop at every change.

        Raises `Rejected` when the data on disk is damaged: an engine never starts empty instead.
        """

    @abstractmethod
    async def propose(self, entry: bytes, *, timeout_ms: int) -> object:
        """Return the outcome of `entry` once it is committed and applied here.

        Raises `NotLeader` when it was certainly not proposed, `TimedOut` when its fate is unknown,
        `Rejected` when it is too large.
        """

    @abstractmethod
    async def barrier(self, *, timeout_ms: int) -> int:
        """Return a position that this replica has applied, and that covers every entry acknowledged
        before the call. Raises as `propose` does."""

    @abstractmethod
    def step_down(self, *, abstain: bool = False) -> None:
        """Stop leading, if this replica leads; the others elect again.

        `abstain`: without this one, if they can.
        """

    @abstractmethod
    def unapplied(self) -> Iterator[bytes]:
        """Yield the entries in this replica's log that it has not applied: committed, or not yet.

        Whoever leads commits them before anything that it proposes in its term.
        """

    @abstractmethod
    def status(self) -> LogStatus:
        """Return the positions now; any thread may ask."""

    @abstractmethod
    def configuration(self) -> Configuration:
        """Return who takes part: the newest in the log of this replica, committed or not."""

    @abstractmethod
    async def reconfigure(self, wanted: Configuration, entry: bytes, *, timeout_ms: int) -> object:
        """Have `wanted` follow the configuration in force; return the outcome of `entry`.

        Only the leader can. One voter may change at a time, the next only after this is committed;
        a voter must have been a learner that has caught up. Raises `Rejected` or `NotLeader` when
        nothing was written, `TimedOut` when its fate is unknown.
        """

    @abstractmethod
    def alone(self) -> AloneStatus:
        """Return what bears on whether this replica could go on without the other of two."""

    @abstractmethod
    async def go_alone(
        self, wanted: Configuration, entry: bytes, read: LogPlace, *, timeout_ms: int
    ) -> object:
        """Begin the next generation, of which this replica is the only voter; return the outcome
        of `entry`, its first.

        The caller vouches that the other voter is down since `read`. Raises `Rejected` or
        `NotLeader` when nothing was written, `TimedOut` when it was and nothing is committed yet.
        """

    @abstractmethod
    def peers(self) -> tuple[SeatStatus, ...]:
        """Describe those who take part as this replica sees them, sorted."""

    @abstractmethod
    async def close(self) -> None:
        """Leave the others and close the files."""
