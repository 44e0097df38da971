"""Who leads the modelled log, and when: decided by what runs and what reaches what.

A leader without a majority for half a second steps down (when it runs). When no leader reaches a
majority, one is elected after the election time among those that a majority can vote for. A
leader that is cut off, or stopped, may believe in its lead until then, so there are times of two.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import permutations
from random import Random

from raftmaker.vocabulary.ids import NodeName
from tests.sim.log_model import LogModel, Replica
from tests.sim.loop import MS, Handle, Loop
from tests.sim.network import Network

STEP_DOWN_MS = 500
MISSED_MS = 300
"""A leader that is not heard for so long is missed."""
ELECTION_MS = (300, 600)


class Elections:
    """Holds elections for a `LogModel`; `changed` is to be called when anything may have."""

    def __init__(
        self,
        loop: Loop,
        network: Network,
        random: Random,
        log: LogModel,
        superseded: Callable[[Replica], None] = lambda replica: None,
    ) -> None:
        """`superseded`: told of a store whose generation is over."""
        self._loop = loop
        self._network = network
        self._random = random
        self._log = log
        self._campaign: Handle | None = None
        self._doubts: dict[NodeName, Handle] = {}
        self._led_us: dict[NodeName, int] = {}
        self._superseded = superseded
        self.held = 0

    def changed(self) -> None:
        """Look again at leaders and their majorities, and who meets whom."""
        self._look_who_meets()
        valid = False
        for name, replica in self._log.replicas.items():
            if not replica.leads:
                continue
            if self._has_majority(replica):
                doubt = self._doubts.pop(name, None)
                if doubt is not None:
                    doubt.cancel()
                valid = valid or replica.process.runs
            elif name not in self._doubts:
                self._doubts[name] = self._loop.after(
                    STEP_DOWN_MS * MS,
                    partial(self._give_up, name),
                )
        if valid:
            if self._campaign is not None:
                self._campaign.cancel()
                self._campaign = None
        elif self._campaign is None:
            self._campaign_later()

    def _look_who_meets(self) -> None:
        """A store that meets one of a higher generation ends."""
        for one, other in permutations(self._log.replicas.values(), 2):
            over = one.card.generation < other.card.generation and not one.card.is_blank
            if over and one.process.runs and other.process.runs and self._reach(one, other):
                self._superseded(one)

    def _reach(self, one: Replica, other: Replica) -> bool:
        there, back = (one.name, other.name), (other.name, one.name)
        return self._network.up(*there) and self._network.up(*back)

    def meets(self, one: Replica, other: Replica) -> bool:
        """Whether two replicas can talk with each other."""
        return self._connected(one, other)

    def leaderless_ms(self, replica: Replica) -> int:
        """For how long a replica has heard no leader and led none itself; 0: it does."""
        now_us = self._loop.now_us
        if any(self._is_led(replica, other) for other in self._log.replicas.values()):
            self._led_us[replica.name] = now_us
        since_us = max(self._led_us.get(replica.name, 0), replica.process.started_us)
        missed_us = now_us - since_us
        return missed_us // MS if missed_us >= MISSED_MS * MS else 0

    def _is_led(self, replica: Replica, other: Replica) -> bool:
        if not other.leads or not other.process.runs:
            return False
        return other is replica or (
            replica.leader == other.name
            and replica.term == other.term
            and replica.hears(other)
            and self._network.up(other.name, replica.name)
        )

    def _campaign_later(self) -> None:
        wait_us = self._random.randrange(ELECTION_MS[0] * MS, ELECTION_MS[1] * MS)
        self._campaign = self._loop.after(wait_us, self._elect)

    def _give_up(self, name: NodeName) -> None:
        self._doubts.pop(name, None)
        replica = self._log.replicas[name]

        def step_down() -> None:
            if replica.leads and not self._has_majority(replica):
                self._log.step_down(replica)
                self.changed()

        replica.process.take(step_down)

    def _connected(self, one: Replica, other: Replica) -> bool:
        return other.process.runs and one.hears(other) and self._reach(one, other)

    def _reached(self, replica: Replica) -> list[Replica]:
        return [
            other
            for other in self._log.replicas.values()
            if other is replica or self._connected(replica, other)
        ]

    def _has_majority(self, replica: Replica) -> bool:
        reached = {other.name for other in self._reached(replica) if replica.counts(other)}
        return replica.process.runs and replica.current.has_majority(reached)

    def _elect(self) -> None:
        self._campaign = None
        if not self.force():
            self._campaign_later()

    def force(self) -> bool:
        """Hold an election now, whoever leads; tell whether somebody won."""
        candidates = []
        for replica in self._log.replicas.values():
            if not replica.process.runs or not replica.may_lead:
                continue
            voters = [
                other
                for other in self._reached(replica)
                if other.position <= replica.position and replica.counts(other)
            ]
            if replica.current.has_majority({other.name for other in voters}):
                candidates.append((replica, voters))
        if not candidates:
            return False
        winner, voters = self._random.choice(candidates)
        term = max(voter.term for voter in voters) + 1
        self.held += 1
        for voter in voters:
            if voter is not winner:
                self._log.step_down(voter, term)
                voter.term, voter.leader = term, None
        if winner.leads:
            self._log.step_down(winner, term)
        doubt = self._doubts.pop(winner.name, None)
        if doubt is not None:
            doubt.cancel()
        self._log.lead(winner, term)
        self.changed()
        return True
