"""The seeded network between voters: delay, loss, doubles, reordering, cuts in either direction.

Worse than the streams that carry Raft's messages: those keep their order and lose nothing until
they break. Every direction draws from a random of its own, so that nothing hangs on the order in
which a set is iterated. What an earlier process sent still arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from random import Random

from cib_store.raft.configuration import Card, Configuration, may_send
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire.raft_pb2 import RaftMessage
from tests.sim.loop import MS, Loop


@dataclass(slots=True)
class Direction:
    """What one direction between two voters does now."""

    random: Random
    up: bool = True
    delay_us: int = 300
    loss: float = 0.0
    doubles: float = 0.0
    late: float = 0.0
    """How many messages are held back by up to half a second."""


Deliver = Callable[[NodeName, NodeName, bytes], None]
Arrived = Callable[[NodeName, RaftMessage | Card | None], None]
Seen = Callable[[NodeName, NodeName, RaftMessage], None]


class Network:
    """All directions. `deliver` is told of each message that arrives."""

    def __init__(self, loop: Loop, seed: int, names: tuple[NodeName, ...]) -> None:
        """Everything is up, quick and exact."""
        self._loop = loop
        self.names = names
        self.directions = {
            (a, b): Direction(Random(f"{seed} {a} {b}")) for a in names for b in names if a != b
        }
        self.deliver: Deliver = lambda source, target, data: None
        self.seen: list[Seen] = []
        self.sent = 0

    def send(self, source: NodeName, target: NodeName, message: RaftMessage) -> None:
        """Carry one message, perhaps."""
        self.sent += 1
        for watcher in self.seen:
            watcher(source, target, message)
        way = self.directions[source, target]
        if not way.up or (way.loss and way.random.random() < way.loss):
            return
        data = message.SerializeToString()
        copies = 2 if way.doubles and way.random.random() < way.doubles else 1
        for _ in range(copies):
            delay_us = way.delay_us + way.random.randrange(way.delay_us)
            if way.late and way.random.random() < way.late:
                delay_us += way.random.randrange(500 * MS)
            self._loop.after(delay_us, lambda: self.deliver(source, target, data))

    def is_up(self, a: NodeName, b: NodeName) -> bool:
        """Tell whether both directions let something through."""
        return self.directions[a, b].up and self.directions[b, a].up

    def heal(self) -> None:
        """Make everything as at the beginning."""
        for way in self.directions.values():
            way.up, way.delay_us, way.loss, way.doubles, way.late = True, 300, 0.0, 0.0, 0.0


class SimulatedLinks:
    """In the place of the gRPC streams of one voter."""

    def __init__(self, name: NodeName, network: Network) -> None:
        """Nothing is connected before the engine says `start`."""
        self._name = name
        self._network = network
        self.arrived: Arrived = lambda peer, what: None
        self.card = Card(store_id="")
        self.configuration = Configuration()
        self.leaving: Collection[NodeName] = ()
        self.left: set[NodeName] = set()
        """Who is no member any more, and was not cut off yet."""
        self.greets = False

    def start(self, card: Card, configuration: Configuration, arrived: Arrived) -> None:
        """As `Links.start`."""
        self.arrived = arrived
        self.seat(card, configuration)

    def seat(
        self, card: Card, configuration: Configuration, leaving: Collection[NodeName] = ()
    ) -> None:
        """As `Links.seat`: peers that left are cut off when the world looks next."""
        self.card, self.configuration, self.leaving = card, configuration, leaving
        if not card.is_blank:
            self.left |= {
                name
                for name in self._network.names
                if not configuration.seat(name) and name not in leaving
            }

    def cut_off(self) -> None:
        """As `Links.cut_off`."""
        self.left |= {name for name in self._network.names if name != self._name}

    def reaches(self, other: SimulatedLinks) -> bool:
        """Tell whether this store dials the other one, and is heard there."""
        mine = self.configuration.seat(self._name)
        dials = mine is not None and mine.votes
        dials = dials and self.configuration.seat(other._name) is not None
        return dials and may_send(
            other.configuration, other.card, self._name, self.card, other.leaving
        )

    def send(self, peer: NodeName, messages: list[RaftMessage]) -> None:
        """As `Links.send`."""
        for message in messages:
            self._network.send(self._name, peer, message)
