"""The seeded network between machines: delay, loss, reordering, cuts in one or both directions.

A *link* is one direction between two machines. Messages on it take a random time each, so they
overtake one another; on a cut link they vanish, or, as on a TCP connection that outlives the cut,
arrive late. A machine reaches itself always. Folded heartbeats read `up` and `delay_us` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from random import Random

from raftmaker.vocabulary.ids import NodeName
from tests.sim.loop import MS, SECOND, Loop

Link = tuple[NodeName, NodeName]
LOCAL_US = 60


@dataclass
class LinkState:
    """One direction between two machines."""

    up: bool = True
    delay_us: int = 400
    loss: float = 0.0
    waiting: list[tuple[object, Callable[[], None]]] = field(default_factory=list)
    """Messages held by a cut link, delivered late when it is mended, and their senders' boots."""


class Network:
    """All links; hooks are called before and after every change of what they let through."""

    def __init__(self, loop: Loop, random: Random, nodes: tuple[NodeName, ...]) -> None:
        self._loop = loop
        self._random = random
        self.nodes = nodes
        self.links: dict[Link, LinkState] = {
            (a, b): LinkState() for a in nodes for b in nodes if a != b
        }
        self.boot_of: Callable[[NodeName], object] = lambda node: node
        self.before_change: list[Callable[[frozenset[NodeName]], None]] = []
        self.after_change: list[Callable[[], None]] = []
        self.sent = 0
        self.lost = 0
        self.late = 0.0
        """How many calls are held up on their way, by a busy daemon or a connection that hangs."""
        self.longest_lag_ms = 25_000

    def up(self, source: NodeName, target: NodeName) -> bool:
        """Whether the direction lets anything through."""
        return source == target or self.links[source, target].up

    def delay_us(self, source: NodeName, target: NodeName) -> int:
        """Return the usual delay of the direction."""
        return LOCAL_US if source == target else self.links[source, target].delay_us

    def send(self, source: NodeName, target: NodeName, deliver: Callable[[], None]) -> None:
        """Carry one message; perhaps late, perhaps never."""
        self.sent += 1
        if source == target:
            self._loop.after(LOCAL_US + self._random.randrange(LOCAL_US), deliver)
            return
        link = self.links[source, target]
        if not link.up:
            if self._random.random() < 0.1 and len(link.waiting) < 50:
                link.waiting.append((self.boot_of(source), deliver))
            else:
                self.lost += 1
            return
        if link.loss and self._random.random() < link.loss:
            # TCP sends it again after its retransmission timeout; sometimes the connection ends.
            if self._random.random() < 0.3:
                self.lost += 1
                return
            self._loop.after(link.delay_us + self._random.randrange(200 * MS, 1 * SECOND), deliver)
            return
        jitter_us = self._random.randrange(link.delay_us + 1)
        if self._random.random() < 0.002:
            jitter_us += self._random.randrange(300 * MS)
        self._loop.after(link.delay_us + jitter_us, deliver)

    def call(self, source: NodeName, target: NodeName, deliver: Callable[[], None]) -> None:
        """Carry the request of a call to another machine: as `send`, and now and then very late."""
        lag_us = self.lag_us()
        if lag_us:
            self._loop.after(lag_us, deliver)
        else:
            self.send(source, target, deliver)

    def lag_us(self) -> int:
        """How much a call is held up."""
        if not self.late or self._random.random() >= self.late:
            return 0
        longest_ms = min(self._random.choice((20, 200, 2_000, 25_000)), self.longest_lag_ms)
        return self._random.randrange(1 * MS, longest_ms * MS)

    def change(
        self,
        links: list[Link],
        *,
        up: bool | None = None,
        delay_us: int | None = None,
        loss: float | None = None,
    ) -> None:
        """Set what is given on all `links` at once."""
        touched = frozenset(node for link in links for node in link)
        for hook in self.before_change:
            hook(touched)
        released: list[Callable[[], None]] = []
        for link in links:
            state = self.links[link]
            if up is not None:
                state.up = up
            if delay_us is not None:
                state.delay_us = delay_us
            if loss is not None:
                state.loss = loss
            if state.up and state.waiting:
                # Nobody sends again what a machine sent that has died since.
                boot = self.boot_of(link[0])
                released += [deliver for sent_by, deliver in state.waiting if sent_by == boot]
                state.waiting = []
        for deliver in released:
            self._loop.after(self._random.randrange(1, 400 * MS), deliver)
        for changed in self.after_change:
            changed()

    def heal(self) -> None:
        """Mend everything."""
        self.change(list(self.links), up=True, delay_us=400, loss=0.0)


class Streams:
    """Messages that keep their order, as on one connection; a lost one breaks the connection."""

    def __init__(self, loop: Loop, random: Random, network: Network) -> None:
        self._loop = loop
        self._random = random
        self._network = network
        self._last_us: dict[Hashable, int] = {}
        self._broken: set[Hashable] = set()

    def send(
        self,
        key: Hashable,
        source: NodeName,
        target: NodeName,
        deliver: Callable[[], None],
        *,
        lag_us: int = 0,
    ) -> None:
        """Send on the connection `key`; nothing arrives after the first message that was lost."""
        if key in self._broken:
            return
        if not self._network.up(source, target):
            self._broken.add(key)
            return
        delay_us = self._network.delay_us(source, target)
        at_us = self._loop.now_us + delay_us + self._random.randrange(delay_us) + lag_us
        self._last_us[key] = max(at_us, self._last_us.get(key, 0))
        self._loop.at(self._last_us[key], deliver)

    def is_broken(self, key: Hashable) -> bool:
        """Whether something was lost on it."""
        return key in self._broken

    def close(self, key: Hashable) -> None:
        """Forget the connection; what is under way still arrives."""
        self._last_us.pop(key, None)
        self._broken.add(key)
