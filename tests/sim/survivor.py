"""What one of two simulated stores does about their members of itself (protocols, Two nodes).

Real are the rules: who may go on alone (`membership.alone`), and what the leader's upkeep changes
(`membership.rules`). The controllers of both nodes ask for it, as on real ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from cib_store.document.refusal import Refusal
from cib_store.membership.alone import Standing, alone, lost_peer, moved, reason_against_proof
from cib_store.membership.rules import configuration_of, upkeep
from cib_store.raft.configuration import Configuration, Seat, SeatStatus, reasons_against
from raftmaker.vocabulary.commands import Body, Command, FencingProof, GoOnAlone, Origin, SetMembers
from raftmaker.vocabulary.ids import BootId, NodeName
from raftmaker.vocabulary.members import Member, Members
from raftmaker.vocabulary.membership import LogPlace
from raftmaker.vocabulary.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sim.cluster import Cluster
    from tests.sim.store import Store

UPKEEP_MS = 500


def seed_of(nodes: tuple[NodeName, ...], generation: int) -> Configuration:
    """Return who takes part when the cluster is founded: everybody votes."""
    seats = tuple(Seat(name=name, address=name) for name in nodes)
    return Configuration(number=1, generation=generation, seats=seats)


class Survivor:
    """The part of one store. Whether a device may run is noted for the checkers."""

    def __init__(self, store: Store, cluster: Cluster) -> None:
        self._store = store
        self._cluster = cluster
        self.may_end: set[tuple[NodeName, BootId]] = set()
        """Whose end would let this store go on alone, by what it told its controller."""

    def standing(self) -> Standing:
        """Return how the store stands to the other."""
        store, replica = self._store, self._store.replica
        others = [seat.name for seat in replica.current.seats if seat.name != store.machine.name]
        beats, boot_id = self._cluster.beats, store.machine.boot_id
        mine = store.facts.of(store.machine.name)
        if mine is not None and not self._cluster.rules.survivor_was_together:
            boot_id = mine.boot_id
        return Standing(
            me=store.machine.name,
            boot_id=boot_id,
            card=replica.card,
            configurations=replica.since(replica.applied),
            facts=store.facts,
            leaderless_ms=self._cluster.elections.leaderless_ms(replica),
            is_peer_heard=any(not beats.is_silent(store.machine.name, name) for name in others),
        )

    def may(self, reply: Callable[[object], None]) -> None:
        """Answer the place of the log and whose fencing would let it go on; or why none would."""
        found = lost_peer(self.standing())
        if isinstance(found, Refusal):
            reply(found.reports[0].code)
            return
        self.may_end.add((found.node, found.boot_id))
        reply((self._store.replica.place, found.node, found.boot_id))

    def go(self, read: LogPlace, proof: FencingProof, reply: Callable[[object], None]) -> None:
        """Go on alone; answer True once that is committed, or why not."""
        store, replica = self._store, self._store.replica
        standing, place = self.standing(), replica.place
        peer = lost_peer(standing)
        if isinstance(peer, Refusal):
            refusal: Refusal | None = peer
        else:
            refusal = moved(read, place) or reason_against_proof(proof, peer)
        if refusal is not None:
            reply(refusal.reports[0].code)
            return
        wanted = alone(replica.current, store.machine.name, replica.store_id)
        body = GoOnAlone(
            survivor=store.machine.name,
            store_id=replica.store_id,
            number=wanted.number,
            proof=proof,
        )
        store.machine.trace(store.label, f"goes on alone, generation {wanted.generation}")
        command = replace(self._command(body), generation=wanted.generation)

        def done(outcome: Outcome | None) -> None:
            reply(True if outcome is not None and outcome.succeeded else "unknown")

        self._cluster.log.go_alone(replica, wanted, command, done)
        self._cluster.elections.changed()

    def begin(self) -> None:
        """Commit the members that founded the cluster, when none are; then keep them up."""
        members = self._store.facts.members
        if not members.number:
            every = tuple(Member(name=name, store=name) for name in self._cluster.nodes)
            self._change(Members(number=1, members=every, two_node=True))
        self._store.later(UPKEEP_MS, self._keep_up)

    def _keep_up(self) -> None:
        store, replica = self._store, self._store.replica
        if not store.is_leading:
            return
        store.later(UPKEEP_MS, self._keep_up)
        members = store.facts.members
        if not members.number:
            return
        wanted = upkeep(members, self._peers(), store.facts)
        if wanted is None:
            return
        me = wanted.of(store.machine.name)
        if me is None or not me.votes:
            self._cluster.log.step_down(replica)
            self._cluster.elections.changed()
            return
        self._change(wanted)

    def _change(self, wanted: Members) -> None:
        store, replica = self._store, self._store.replica
        configuration = configuration_of(wanted, replica.current.generation)
        current = replica.current
        first = configuration.number == current.number == 1
        if replica.applied < replica.configurations[-1][0]:
            return
        if not first and reasons_against(current, configuration):
            return
        store.machine.trace(store.label, f"members: {', '.join(configuration.voters)} vote")
        self._cluster.log.reconfigure(
            replica, configuration, self._command(SetMembers(wanted)), lambda outcome: None
        )

    def _peers(self) -> tuple[SeatStatus, ...]:
        replica, log = self._store.replica, self._cluster.log
        found = []
        for seat in replica.current.seats:
            other = log.replicas[seat.name]
            met = other is replica or self._cluster.elections.meets(replica, other)
            known = len(replica.log) if other is replica else replica.known.get(seat.name, 0)
            found.append(
                SeatStatus(
                    name=seat.name,
                    card=other.card if met else None,
                    behind=len(replica.log) - known if met and known else None,
                )
            )
        return tuple(found)

    def _command(self, body: Body) -> Command:
        origin = Origin(
            node=self._store.machine.name, client="cib_store", at_us=self._cluster.wall_us()
        )
        return Command(
            body=body,
            cluster_id=self._cluster.cluster_id,
            generation=self._store.generation,
            origin=origin,
        )
