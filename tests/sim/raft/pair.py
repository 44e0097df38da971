"""Two voters without a third: each has the other one fenced and goes on alone (features 25.11).

Real are the engine, the disks and the rules of `membership.alone`. Sessions are registers: who has
a leader writes its boot down, in the place of the one that it saw. The fence device takes its time,
fails, and sometimes does what it was told without ever saying so.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from random import Random
from unittest.mock import patch

from msgspec import Struct
from msgspec.structs import replace
from pysyncobj import FAIL_REASON

from cib_store.document.refusal import Refusal
from cib_store.membership.alone import Standing, alone, lost_peer, moved, reason_against_proof
from cib_store.membership.rules import configuration_of, upkeep
from cib_store.raft.configuration import Configuration
from cib_store.raft.engine import packed
from cib_store.raft.journal import Journal
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.commands import FencingProof
from raftmaker.vocabulary.ids import BootId, NodeName, Session
from raftmaker.vocabulary.members import Member, Members
from raftmaker.vocabulary.membership import Facts, LogPlace, NodeFacts, Presence
from tests.faults.linearizability import Operation
from tests.sim.loop import MS, SECOND
from tests.sim.raft.disk import PowerLost, SimulatedFiles
from tests.sim.raft.machine import Request
from tests.sim.raft.plan import Plan
from tests.sim.raft.quiet import Steps
from tests.sim.raft.voter import Voter
from tests.sim.raft.world import World

LOOK_US = 100 * MS
ISOLATED_MS = 600
"""The controller's dead time: so long without a leader before anything is done."""
LEFT = "left"


class Conditions(Struct, frozen=True, kw_only=True):
    """One switch a condition; off means the planted fault."""

    together: bool = True
    """(a) This boot was in a quorum of both."""
    confirmed: bool = True
    """(b) A device confirmed it."""
    on_disk: bool = True
    """(c) The new generation is on disk before anybody is told of it."""
    unmoved: bool = True
    """The log is where it was before the device ran."""


class Pair(World):
    """A world of two voters in survivor mode."""

    def __init__(self, seed: int, *, seconds: float = 20.0, conditions: Conditions) -> None:
        """Nothing runs before `run`."""
        focus = ("kill", "kill-leader", "power-all", "crash-at-call", "partition", "one-way")
        super().__init__(Plan(seed=seed, voters=2, seconds=seconds, focus=focus))
        self.nemesis.away_ms = (500, 4_000, 8_000)
        self.conditions = conditions
        self.counts: Counter[str] = Counter()
        self._chance = Random(f"{seed} pair")
        self._boots = dict.fromkeys(self.names, 1)
        self._fencing: dict[NodeName, int] = {}
        self._wishes = 0

    def start(self) -> None:
        """Start both, and look after them."""
        super().start()
        self.loop.after(LOOK_US, self._look)
        self.loop.after(3 * SECOND, self._someone_leaves)

    def ended(self, voter: Voter) -> None:
        """Where a machine lost its power its next boot is another one."""
        if voter.loses_power:
            self._boots[voter.name] += 1
        super().ended(voter)

    def histories(self) -> dict[str, list[Operation]]:
        """None: so many operations have no known outcome that no order could be searched for.

        That nothing acknowledged is lost, and that all have the same, is checked nevertheless.
        """
        return {}

    def other(self, voter: Voter) -> Voter:
        """The other one."""
        return next(one for one in self.voters.values() if one is not voter)

    # What the daemons around the engine do.

    def _look(self) -> None:
        for voter in self.voters.values():
            if voter.is_up and voter.paused_until_us <= self.loop.now_us:
                self._open_session(voter)
                self._keep_up(voter)
                self._survive(voter)
        self.loop.after(LOOK_US, self._look)

    def _boot(self, name: NodeName) -> str:
        return str(self._boots[name])

    def _open_session(self, voter: Voter) -> None:
        held, boot = voter.machine.registers.get(f"boot {voter.name}", ""), self._boot(voter.name)
        if held not in (boot, f"{LEFT} {boot}"):
            self._register(voter, held, boot)

    def _register(self, voter: Voter, held: str, value: str) -> None:
        self._wishes += 1
        wish = Request(
            client=f"session {self._wishes}",
            sequence=1,
            register=f"boot {voter.name}",
            value=value,
            expected=held,
        )
        voter.propose(wish.encode(), lambda result, reason: None)

    def _facts(self, voter: Voter) -> Facts:
        assert voter.engine is not None
        seats = voter.engine.seats
        nodes = []
        for name in self.names:
            held = voter.machine.registers.get(f"boot {name}", "")
            if held:
                left = held.startswith(LEFT)
                nodes.append(
                    NodeFacts(
                        node=name,
                        boot_id=BootId(held.split()[-1]),
                        session=Session(1),
                        presence=Presence.LEFT if left else Presence.MEMBER,
                    )
                )
        return Facts(nodes=tuple(nodes), members=members_of(seats.at(voter.engine.raftLastApplied)))

    def _keep_up(self, voter: Voter) -> None:
        """What the leader's keeper does."""
        engine = voter.engine
        assert engine is not None
        if not voter.leads:
            return
        facts = self._facts(voter)
        wanted = upkeep(members_of(engine.seats.current), engine.seats.status(), facts)
        if wanted is None:
            return
        if voter.name not in [one.name for one in wanted.voters]:
            engine.abstain()
            return
        try:
            engine.seats.change(
                configuration_of(wanted, engine.seats.current.generation),
                packed([]),
                self._noted("changes"),
            )
        except HaError:
            return
        self.disturbed()
        self.trace(voter.name, f"members {[one.name for one in wanted.voters]}")
        voter.wake(self.soon_us())

    def _noted(self, what: str) -> Callable[[list[object] | None, int], None]:
        def done(results: list[object] | None, reason: int) -> None:
            if reason == FAIL_REASON.SUCCESS:
                self.counts[what] += 1

        return done

    def _someone_leaves(self) -> None:
        """A node leaves in good order, ends when it has no vote, and comes back."""
        voter = self._chance.choice(list(self.voters.values()))
        if voter.is_up:
            held = voter.machine.registers.get(f"boot {voter.name}", "")
            if held == self._boot(voter.name):
                self._register(voter, held, f"{LEFT} {held}")
                self.loop.after(2 * SECOND, lambda: self._end(voter))
        self.loop.after(self._chance.randrange(5, 20) * SECOND, self._someone_leaves)

    def _end(self, voter: Voter) -> None:
        if voter.is_up and voter.machine.registers.get(f"boot {voter.name}", "").startswith(LEFT):
            self.counts["left"] += 1
            voter.loses_power = True
            voter.crash()

    # Going on alone.

    def standing(self, voter: Voter) -> Standing:
        """Return how a voter stands to the other."""
        engine = voter.engine
        assert engine is not None
        facts = self._facts(voter)
        mine = facts.of(voter.name)
        boot = BootId(self._boot(voter.name))
        if not self.conditions.together and mine is not None:
            boot = mine.boot_id
        return Standing(
            me=voter.name,
            boot_id=boot,
            card=engine.seats.card,
            configurations=engine.seats.since(engine.raftLastApplied),
            facts=facts,
            leaderless_ms=int(engine.leaderless_s() * 1000),
            is_peer_heard=self.other(voter).is_up
            and self.network.directions[self.other(voter).name, voter.name].up,
        )

    def _survive(self, voter: Voter) -> None:
        """What controller and store do together."""
        standing = self.standing(voter)
        if standing.leaderless_ms < ISOLATED_MS or voter.name in self._fencing:
            return
        peer = lost_peer(standing)
        if isinstance(peer, Refusal):
            self.counts[peer.reports[0].code] += 1
            return
        assert voter.engine is not None
        read, starts = voter.engine.seats.place, voter.starts
        self._fencing[voter.name] = starts
        self.counts["asked"] += 1
        self.trace(voter.name, f"has {peer.node} fenced, boot {peer.boot_id}, at {read.told}")
        works = self._chance.random() < 0.8
        tells = self._chance.random() < 0.9

        def run() -> None:
            if not (voter.is_up and voter.starts == starts):
                self._fencing.pop(voter.name, None)  # its agent ended with it
                return
            if works:
                self.cut_power(self.other(voter))
            confirmed = (works and tells) or not self.conditions.confirmed
            wait_us = self._chance.randrange(20 * MS, self._chance.choice((200, 4_000)) * MS)
            self.loop.after(wait_us, lambda: ended(confirmed))

        def ended(confirmed: bool) -> None:
            self._fencing.pop(voter.name, None)
            if confirmed and voter.is_up and voter.starts == starts:
                self.go_alone(voter, read, peer.boot_id)

        run_us = self._chance.randrange(20 * MS, self._chance.choice((100, 1_500)) * MS)
        self.loop.after(run_us, run)

    def cut_power(self, voter: Voter) -> None:
        """Do what a fence device does: what runs there ends, and its next boot is another one."""
        self.disturbed()
        if voter.is_up:
            voter.loses_power = True
            voter.crash()
        else:
            self._boots[voter.name] += 1
            voter.files.lose_power()

    def go_alone(self, voter: Voter, read: LogPlace, boot: BootId) -> None:
        """Do what a store does with a proof that its peer's boot is over."""
        engine = voter.engine
        assert engine is not None
        standing, place = self.standing(voter), engine.seats.place
        peer = lost_peer(standing)
        if isinstance(peer, Refusal):
            self.counts[f"not gone: {peer.reports[0].code}"] += 1
            return
        proof = FencingProof(target=peer.node, boot_id=boot, action="off", devices=("d",))
        if self.conditions.unmoved and (moved(read, place) or reason_against_proof(proof, peer)):
            self.counts["moved"] += 1
            return
        wanted = alone(engine.seats.current, voter.name, engine.seats.card.store_id)
        self.disturbed()
        counted = self._noted("alone")
        try:
            with self._disk_or_none():
                engine.seats.go_alone(wanted, packed([]), place, counted)
        except PowerLost:
            voter.crash()
            return
        except OSError as error:
            voter.end(error)
            return
        self.trace(voter.name, f"goes on alone in generation {wanted.generation}")
        voter.wake(self.soon_us())

    def _disk_or_none(self) -> AbstractContextManager[object]:
        if self.conditions.on_disk:
            return nullcontext()
        stack = ExitStack()
        stack.enter_context(patch.object(Journal, "sync", lambda journal, limit_s=None: None))
        last = property(lambda journal: journal.last_index)
        stack.enter_context(patch.object(Journal, "synced_index", last))
        return stack

    # Cards.

    def _meet(self, a: NodeName, b: NodeName) -> bool:
        one, other = self.voters[a], self.voters[b]
        if one.links.card.generation == other.links.card.generation:
            return super()._meet(a, b)
        old, new = sorted((one, other), key=lambda voter: voter.links.card.generation)
        if old.links.card.is_blank:
            return super()._meet(a, b)
        self.counts["begun anew"] += 1
        self.trace(old.name, f"begins anew: {new.name} is in another generation")
        old.loses_power = False
        old.crash()
        self.disturbed()
        old.files = SimulatedFiles(Random(f"{self.plan.seed} {old.name} {old.starts}"))
        return False


def members_of(configuration: Configuration) -> Members:
    """Return the members that a configuration stands for."""
    return Members(
        number=configuration.number,
        two_node=True,
        members=tuple(
            Member(name=seat.name, store=seat.name, learner=not seat.votes, store_id=seat.store_id)
            for seat in configuration.seats
        ),
    )


def with_conditions(**off: bool) -> Conditions:
    """Return all conditions, some of them switched off."""
    return replace(Conditions(), **off)


class ScriptedPair(Steps, Pair):
    """Two voters that are together; nothing happens to them but what is asked for."""

    def __init__(self, **off: bool) -> None:
        """Start both and wait until their sessions are committed."""
        Pair.__init__(self, 1, conditions=with_conditions(**off))
        self.nemesis.brings_back = False
        random.seed(1)
        for voter in self.voters.values():
            voter.start()
        self._redial()
        self._attend()
        self.until(self.are_together)

    def _attend(self) -> None:
        for voter in self.voters.values():
            if voter.is_up:
                self._open_session(voter)
                self._keep_up(voter)
        self.loop.after(LOOK_US, self._attend)

    def are_together(self) -> bool:
        """Tell whether both vote, and know each other's boot."""
        return all(
            voter.is_up
            and len(voter.configuration.voters) == 2
            and {one.node: one.boot_id for one in self._facts(voter).nodes}
            == {name: self._boot(name) for name in self.names}
            for voter in self.voters.values()
        )

    def misses(self, voter: Voter) -> bool:
        """Tell whether a voter has no leader for so long that it would act."""
        return voter.is_up and self.standing(voter).leaderless_ms >= ISOLATED_MS

    def ask(self, voter: Voter) -> tuple[LogPlace, BootId] | str:
        """Ask a store if it could go on alone: from where and after whose end, or why not."""
        found = lost_peer(self.standing(voter))
        if isinstance(found, Refusal):
            return found.reports[0].code
        assert voter.engine is not None
        return voter.engine.seats.place, found.boot_id
