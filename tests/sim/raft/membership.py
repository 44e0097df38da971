"""Members come and go: learners are added, get their votes, lose them, and are removed.

Changes are asked of whoever leads, one after the other and at any time; the engine refuses what is
not safe. What it takes must keep all that `checkers` ask for.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from msgspec.structs import replace
from pysyncobj import FAIL_REASON

from cib_store.raft.configuration import Configuration, Seat
from cib_store.raft.engine import packed
from raftmaker.runtime.errors import NotLeader, Rejected
from raftmaker.vocabulary.ids import NodeName
from tests.sim.loop import MS

if TYPE_CHECKING:
    from tests.sim.raft.voter import Voter
    from tests.sim.raft.world import World

FEWEST = 2
EVERY_MS = 700


class Membership:
    """Asks for changes; knows the newest that was committed."""

    def __init__(self, world: World) -> None:
        """The founders take part."""
        self._world = world
        self._random = Random(f"{world.plan.seed} members")
        self.committed = Configuration(
            seats=tuple(Seat(name=name, address=name) for name in world.founders)
        )
        self.changes = 0
        self.refusals = 0
        self._over = False

    def begin(self) -> None:
        """Ask for a change every now and then."""
        if self._over:
            return
        leaders = [voter for voter in self._world.voters.values() if voter.is_up and voter.leads]
        if leaders:
            # Of two that believe it, either may be asked.
            self._ask(self._random.choice(leaders))
        self._world.loop.after(self._random.randrange(50 * MS, 2 * EVERY_MS * MS), self.begin)

    def learn(self, configuration: Configuration) -> None:
        """A configuration is committed somewhere."""
        if configuration.number > self.committed.number:
            self.committed = configuration

    def end(self) -> None:
        """Ask for nothing more."""
        self._over = True

    def _ask(self, leader: Voter) -> None:
        current = leader.configuration
        wanted = self._wanted(leader, current)
        if wanted is None:
            return
        assert leader.engine is not None

        def done(results: list[object] | None, reason: int) -> None:
            if reason == FAIL_REASON.SUCCESS:
                self.changes += 1
                self._world.trace(leader.name, f"has committed configuration {wanted.number}")

        try:
            leader.engine.seats.change(wanted, packed([]), done)
        except (NotLeader, Rejected):
            self.refusals += 1
            return
        self._world.disturbed()
        self._world.trace(leader.name, f"members {_shown(current)} -> {_shown(wanted)}")
        leader.wake(self._world.soon_us())

    def _wanted(self, leader: Voter, current: Configuration) -> Configuration | None:
        random, names = self._random, [seat.name for seat in current.seats]
        away = [name for name in self._world.names if name not in names]
        learners = [seat for seat in current.seats if not seat.votes]
        kind = random.choice(("add", "promote", "promote", "demote", "remove"))
        if kind == "add" and away:
            return self._added(current, random.choice(away))
        if kind == "promote" and learners:
            return self._promoted(leader, current, random.choice(learners))
        if len(current.voters) <= FEWEST:
            return None
        if kind == "demote":
            seat = current.seat(random.choice(current.voters))
            assert seat is not None
            return _with(current, replace(seat, votes=False, store_id=""))
        if kind == "remove":
            gone = random.choice(names)
            rest = tuple(seat for seat in current.seats if seat.name != gone)
            return replace(current, number=current.number + 1, seats=rest)
        return None

    def _added(self, current: Configuration, name: NodeName) -> Configuration:
        """A learner: with an empty disk, or with what it had when it was removed."""
        new = Seat(name=name, address=name, votes=False)
        both = tuple(sorted((*current.seats, new), key=lambda seat: seat.name))
        wanted = replace(current, number=current.number + 1, seats=both)
        voter = self._world.voters[name]
        if not voter.is_up:
            if voter.told is None and name not in self._world.founders:
                voter.told = wanted
            voter.start()
        return wanted

    def _promoted(self, leader: Voter, current: Configuration, seat: Seat) -> Configuration | None:
        assert leader.engine is not None
        card = leader.engine.seats.cards.get(seat.name)
        if card is None:
            return None
        return _with(current, replace(seat, votes=True, store_id=card.store_id))


def _with(current: Configuration, changed: Seat) -> Configuration:
    seats = tuple(changed if seat.name == changed.name else seat for seat in current.seats)
    return replace(current, number=current.number + 1, seats=seats)


def _shown(configuration: Configuration) -> str:
    return "".join(seat.name if seat.votes else f"({seat.name})" for seat in configuration.seats)
