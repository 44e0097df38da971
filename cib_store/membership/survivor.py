"""Lets this store go on without the other of two voters; what is allowed is `alone`'s to say."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from cib_store.document.refusal import Refusal
from cib_store.membership.alone import (
    Standing,
    alone,
    lost_peer,
    moved,
    reason_against_proof,
    why_it_waits,
)
from cib_store.messages.commands import encode
from cib_store.proposing.proposer import Proposer
from cib_store.raft.log import AloneStatus, ReplicatedLog
from cib_store.replica import Replica
from raftmaker.runtime.errors import NotLeader, Rejected, Report
from raftmaker.runtime.logs import Log
from raftmaker.vocabulary.commands import FencingProof, GoOnAlone
from raftmaker.vocabulary.ids import BootId, NodeName
from raftmaker.vocabulary.membership import LogPlace, NodeFacts
from raftmaker.vocabulary.outcomes import Outcome

COMMIT_MS = 3_000


class Survivor:
    """Answers this node's controller; everything is called on the event loop."""

    def __init__(
        self,
        *,
        node: NodeName,
        boot_id: BootId,
        engine: ReplicatedLog,
        replica: Replica,
        proposer: Proposer,
        hears: Callable[[NodeName], bool],
        log: Log,
    ) -> None:
        """`hears`: whether any daemon of a voter's was heard within the dead time."""
        self._node, self._boot_id = node, boot_id
        self._engine, self._replica, self._proposer = engine, replica, proposer
        self._hears, self._log = hears, log

    def may(self) -> tuple[LogPlace, NodeFacts]:
        """Return the place of the log, and whose fencing would let this store go on from it.

        Raises `Rejected`: no fencing would; the report says why and what people can do.
        """
        status = self._engine.alone()
        found = lost_peer(self._standing(status))
        if isinstance(found, Refusal):
            raise Rejected(found.code, found.reports)
        return status.place, found

    def why_it_waits(self) -> Report | None:
        """Return what keeps this store, one of two, from serving without the other."""
        try:
            return why_it_waits(self._standing(self._engine.alone()))
        except NotLeader:
            return None

    def _standing(self, status: AloneStatus) -> Standing:
        seats = status.configurations[-1].seats
        others = [seat.name for seat in seats if seat.name != self._node]
        return Standing(
            me=self._node,
            boot_id=self._boot_id,
            card=status.card,
            configurations=status.configurations,
            facts=self._replica.state.facts,
            leaderless_ms=status.leaderless_ms,
            is_peer_heard=any(self._hears(name) for name in others),
        )

    async def go_alone(self, read: LogPlace, proof: FencingProof) -> Outcome:
        """Go on alone from the place `read`. Raises `Rejected` or another `HaError`."""
        place, peer = self.may()
        refusal = moved(read, place) or reason_against_proof(proof, peer)
        if refusal is not None:
            raise Rejected(refusal.code, refusal.reports)
        status = self._engine.alone()
        wanted = alone(status.configurations[-1], self._node, status.card.store_id)
        command = self._proposer.command(
            GoOnAlone(
                survivor=self._node,
                store_id=status.card.store_id,
                number=wanted.number,
                proof=proof,
            )
        )
        self._log.warning(
            "goes on alone: the other voter was fenced",
            peer=peer.node,
            boot=peer.boot_id,
            action=proof.action,
            devices=",".join(proof.devices),
            generation=wanted.generation,
        )
        entry = encode(replace(command, generation=wanted.generation))
        outcome = await self._engine.go_alone(wanted, entry, read, timeout_ms=COMMIT_MS)
        assert isinstance(outcome, Outcome)
        return outcome
