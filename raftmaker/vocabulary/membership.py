"""The committed facts beside the CIB: who takes part, who is DC, how far fencing got (protocols).

They are one value, the same on every replica at the same log position. `Facts` is what watches
deliver and what the controller decides on; only the store's `apply` makes new ones.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from raftmaker.vocabulary.ids import BootId, ClusterId, NodeName, Session, Term, Token
from raftmaker.vocabulary.members import Members


class Presence(Enum):
    """Whether a node takes part."""

    MEMBER = "member"
    LOST = "lost"
    LEFT = "left"


class ControllerPresence(Enum):
    """Whether a node's controller takes part; LOST: silent while its store is heard."""

    PRESENT = "present"
    LOST = "lost"


class FencePhase(Enum):
    """How far the fencing of a node's session got."""

    NONE = "none"
    INTENDED = "intended"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class NodeFacts(Struct, frozen=True, kw_only=True):
    """What is committed about one node. `session` grows with every start, loss and return."""

    node: NodeName
    boot_id: BootId
    session: Session
    presence: Presence = Presence.MEMBER
    controller: ControllerPresence = ControllerPresence.PRESENT
    controller_start: int = 1
    fencing: FencePhase = FencePhase.NONE
    fence_failures: int = 0
    fence_action: str = ""
    """Of the intent that is open: off or reboot. Empty: none is, or a version stored it that did
    not keep the action; then ``fencing-action`` says what is done."""

    @property
    def is_present(self) -> bool:
        """A member whose controller can be given orders."""
        return self.presence is Presence.MEMBER and self.controller is ControllerPresence.PRESENT


class DcLease(Struct, frozen=True, kw_only=True):
    """Who is DC. It holds until its session ends, its controller is lost, or it is given back."""

    node: NodeName
    boot_id: BootId
    session: Session
    token: Token


class Facts(Struct, frozen=True, kw_only=True):
    """All committed facts; `nodes` is sorted by name, `token` is the highest ever granted."""

    cluster_id: ClusterId = ClusterId("")
    generation: int = 0
    term: Term = Term(0)
    leader: NodeName = NodeName("")
    nodes: tuple[NodeFacts, ...] = ()
    dc: DcLease | None = None
    token: Token = Token()
    feature_level: int = 1
    members: Members = Members()

    def of(self, node: NodeName) -> NodeFacts | None:
        """Return what is committed about `node`, if anything."""
        for facts in self.nodes:
            if facts.node == node:
                return facts
        return None


class LogPlace(Struct, frozen=True, kw_only=True):
    """Where a store's log stands: while it is the same, the store has agreed to nothing new.

    A vote is given in a later term, and what is acknowledged lengthens the log or cuts off entries
    of an older term for those of a later one.
    """

    term: int
    last_index: int
    generation: int
    number: int

    @property
    def told(self) -> str:
        """For people."""
        return f"entry {self.last_index} in term {self.term}, members {self.number}"
