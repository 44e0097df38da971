"""Who takes part in the log, and which change may follow which: arithmetic, apart from the engine.

Invariant: any majority of a configuration and any majority of the next one share a voter, since
they differ in one voter at most (Ongaro, Consensus: Bridging Theory and Practice, chapter 4). A
configuration is in force from the moment it is written into the log, committed or not; so the next
one may be written only after the last is committed.

A voter counts only with the store that was admitted: one that lost its disk comes back with another
store, has forgotten its votes and acknowledgements, and counts for nothing until it was made a
learner, has caught up, and was admitted anew.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from google.protobuf.message import DecodeError
from msgspec import Struct

from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire import raft_pb2 as pb

CLOSE = 64
"""A learner that lacks no more entries than this may vote: the rest arrives meanwhile."""


class Seat(Struct, frozen=True, kw_only=True):
    """One who takes part. `store_id`: which store of it counts; empty: a founder's."""

    name: NodeName
    address: str
    votes: bool = True
    store_id: str = ""

    def admits(self, card: Card) -> bool:
        """Tell whether the store that shows this card is the one that counts."""
        return self.store_id == card.store_id or (not self.store_id and card.founder)


class Card(Struct, frozen=True, kw_only=True):
    """What a store says of itself; `number` and `generation` are those of its configuration.

    `knows_you`: it takes part in the log with whoever is shown the card.
    """

    store_id: str
    founder: bool = False
    generation: int = 0
    number: int = 0
    knows_you: bool = False

    @property
    def is_blank(self) -> bool:
        """It holds nothing of any cluster yet, so it follows whoever leads and never votes."""
        return not self.founder and not self.number


class Configuration(Struct, frozen=True, kw_only=True):
    """Who takes part; `seats` are sorted by name."""

    number: int = 0
    generation: int = 1
    seats: tuple[Seat, ...] = ()

    def seat(self, name: str) -> Seat | None:
        """Return the seat of that name."""
        for seat in self.seats:
            if seat.name == name:
                return seat
        return None

    @property
    def voters(self) -> tuple[NodeName, ...]:
        """The names of those that vote."""
        return tuple(seat.name for seat in self.seats if seat.votes)

    @property
    def majority(self) -> int:
        """How many voters a majority is."""
        return len(self.voters) // 2 + 1

    def has_majority(self, names: Collection[str]) -> bool:
        """Tell whether these are a majority of the voters."""
        return sum(voter in names for voter in self.voters) >= self.majority


class SeatStatus(Struct, frozen=True, kw_only=True):
    """One who takes part, as a replica sees it.

    `card`: None while it is not heard. `behind`: entries that it lacks, as a leader knows.
    """

    name: NodeName
    card: Card | None
    behind: int | None


def reasons_against(current: Configuration, wanted: Configuration) -> tuple[str, ...]:
    """Return why `wanted` must not follow `current`; empty when it may."""
    reasons: list[str] = []
    if wanted.number != current.number + 1:
        reasons.append(f"configuration {wanted.number} does not follow {current.number}")
    if wanted.generation != current.generation:
        reasons.append(f"generation {wanted.generation} is not {current.generation}")
    if not wanted.voters:
        reasons.append("the last voter must stay: without one nothing can be committed")
    changed = set(current.voters) ^ set(wanted.voters)
    if len(changed) > 1:
        reasons.append(f"only one voter may change at a time, not {', '.join(sorted(changed))}")
    if len(current.voters) == 2:
        # Its acknowledgement is needed, see `must_agree`: so it must go on being spoken to.
        gone = [name for name in current.voters if wanted.seat(name) is None]
        reasons += [f"{name} must be a learner before it can go: it is one of two" for name in gone]
    for name in wanted.voters:
        reasons.extend(_against_seat(name, current.seat(name), wanted.seat(name)))
    return tuple(reasons)


def _against_seat(name: NodeName, old: Seat | None, new: Seat | None) -> list[str]:
    assert new is not None
    if old is None:
        return [f"{name} must be a learner and catch up before it votes"]
    if old.votes and old.store_id not in ("", new.store_id):
        return [f"{name} votes with store {old.store_id}: another must be a learner first"]
    if not old.votes and not new.store_id:
        return [f"it is not known which store of {name} has caught up"]
    return []


def must_agree(before: Configuration, now: Configuration) -> NodeName | None:
    """Return whose acknowledgement the change needs beside a majority's.

    Of two voters the one that loses its vote: until it knows of that, it may go on alone after a
    confirmed fencing, and what the other one had committed by itself would be lost. In a new
    generation that confirmation is what takes the place of it.
    """
    if before.generation != now.generation:
        return None
    lost = set(before.voters) - set(now.voters)
    return min(lost) if len(before.voters) == 2 and len(lost) == 1 else None


def may_send(
    configuration: Configuration,
    card: Card,
    peer: NodeName,
    theirs: Card,
    leaving: Collection[NodeName] = (),
) -> bool:
    """Tell whether a store hears a peer; it goes by `configuration` and shows `card`.

    It hears the members, those that are `leaving` (see `ConfigurationLog.leaving`), and while it
    holds nothing yet, whoever leads. And a peer whose members are as new or newer: that may be the
    leader which this store does not know yet, and nobody else could tell it. Whose vote counts is
    asked elsewhere.
    """
    if configuration.seat(peer) is not None or peer in leaving or card.is_blank:
        return True
    return not theirs.is_blank and theirs.number >= card.number


def card_message(card: Card) -> pb.RaftCard:
    """Write a card."""
    return pb.RaftCard(
        store_id=card.store_id,
        founder=card.founder,
        generation=card.generation,
        number=card.number,
        knows_you=card.knows_you,
    )


def card_of(message: pb.RaftCard) -> Card:
    """Read a card."""
    return Card(
        store_id=message.store_id,
        founder=message.founder,
        generation=message.generation,
        number=message.number,
        knows_you=message.knows_you,
    )


def encode(configuration: Configuration, entry: bytes = b"") -> bytes:
    """Write an entry of the log: the configuration, and what the state machine is given."""
    seats = [
        pb.RaftSeat(name=s.name, address=s.address, votes=s.votes, store_id=s.store_id)
        for s in configuration.seats
    ]
    message = pb.RaftConfiguration(
        number=configuration.number, generation=configuration.generation, seats=seats
    )
    return pb.RaftReconfiguration(configuration=message, entry=entry).SerializeToString()


def decode(data: bytes) -> tuple[Configuration, bytes]:
    """Read it. Raises ValueError for bytes that are none."""
    message = pb.RaftReconfiguration()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise ValueError("a configuration in the log cannot be read") from None
    seats = tuple(
        Seat(name=NodeName(s.name), address=s.address, votes=s.votes, store_id=s.store_id)
        for s in message.configuration.seats
    )
    configuration = Configuration(
        number=message.configuration.number,
        generation=message.configuration.generation,
        seats=seats,
    )
    return configuration, message.entry


class Entries(Protocol):
    """The part of a journal that is looked at: its entries are (command, index, term)."""

    def __len__(self) -> int:
        """Return how many entries there are."""

    def __getitem__(self, item: Any, /) -> Any:
        """Return one entry, or those of a slice, by position."""

    def term_at(self, index: int) -> int | None:
        """Return the term of an entry, None where it is not held."""


KIND = 2
"""First byte of an entry that holds a configuration."""


class ConfigurationLog:
    """Which configuration is in force: the newest in the log; an older one when that is cut off."""

    def __init__(self, base: Configuration, index: int = 0) -> None:
        """Begin with the snapshot's configuration, after entry `index`, or with the seed (0)."""
        self._found: list[tuple[int, Configuration]] = [(index, base)]
        self._seen = (0, 0)

    @property
    def current(self) -> Configuration:
        """What is in force."""
        return self._found[-1][1]

    @property
    def index(self) -> int:
        """Where it is in the log; 0: it is the seed."""
        return self._found[-1][0]

    def at(self, index: int) -> Configuration:
        """Return what was in force after the entry `index`; the oldest known for those before."""
        newest = self._found[0][1]
        for where, configuration in self._found:
            if where <= index:
                newest = configuration
        return newest

    def since(self, index: int) -> tuple[Configuration, ...]:
        """Return what was in force after an entry, and everything that followed it in the log."""
        later = (configuration for where, configuration in self._found if where > index)
        return (self.at(index), *later)

    def leaving(self, committed: int) -> frozenset[NodeName]:
        """Return who is a member no more, as far as what is committed does not say so yet.

        Where it never will be committed, one of them may lead the cluster on.
        """
        names = {seat.name for seat in self.at(committed).seats}
        for where, configuration in self._found:
            if where > committed:
                names |= {seat.name for seat in configuration.seats}
        return frozenset(names - {seat.name for seat in self.current.seats})

    def follow(self, journal: Entries) -> bool:
        """Take in what was written or cut off; tell whether another configuration is in force."""
        if not len(journal):
            return False
        first, end = journal[0][1], (journal[-1][1], journal[-1][2])
        if end == self._seen:
            return False
        before = self.current
        index, term = self._seen
        if index >= first and journal.term_at(index) == term:
            news = journal[index - first + 1 :]
        else:  # Cut off, or seen for the first time: what went into a snapshot before stays.
            self._found[1:] = [each for each in self._found[1:] if each[0] < first]
            news = journal[0:]
        for command, where, _ in news:
            if command[0] == KIND and where > self._found[0][0]:
                self._found.append((where, decode(command[1:])[0]))
        self._seen = end
        return self.current != before
