"""Why a record was asked for: what to do when it is committed, refused, or its fate unknown."""

from __future__ import annotations

from msgspec import Struct

from raftmaker.vocabulary.ids import NodeName, Session, Token


class OpeningSession(Struct, frozen=True):
    """This process asks for its session."""

    seen: int
    """Log position of the view that says which session is replaced."""


class AcquiringDc(Struct, frozen=True):
    """This node asks to be DC."""


class ReleasingDc(Struct, frozen=True):
    """This node gives a lease back."""

    token: Token


class Stamping(Struct, frozen=True):
    """The DC writes into the CIB what it is (`crmd.fsa.stamps`)."""


class ForcingState(Struct, frozen=True):
    """This node writes in which state it joins."""


class AskingForJoin(Struct, frozen=True):
    """This node shows the DC that it has to be joined."""


class StoringResults(Struct, frozen=True):
    """A batch of results."""

    count: int
    serial: int


class StoringJoin(Struct, frozen=True):
    """The DC stores what a member answered."""

    node: NodeName
    session: Session
    number: int


class MarkingUnreached(Struct, frozen=True):
    """The DC notes that it cannot reach a node, before it gives the lease back."""

    node: NodeName


class Condemning(Struct, frozen=True):
    """The DC notes that a node that two DCs could not reach is to be fenced."""

    node: NodeName


class Intending(Struct, frozen=True):
    """A fencing's intent."""

    target: NodeName


class StoringFencing(Struct, frozen=True):
    """A fencing's result."""

    target: NodeName


class ForAction(Struct, frozen=True):
    """The write is an action of the transition."""

    transition: int
    action: int


class ForCleanup(Struct, frozen=True):
    """The write is part of a cleanup."""

    cleanup: int


class Announcing(Struct, frozen=True):
    """This node's wish to shut down."""


class LeavingSession(Struct, frozen=True):
    """This node's end of session."""


class NotingMaintenance(Struct, frozen=True):
    """That remote nodes are in maintenance, or are no more."""


Purpose = (
    OpeningSession
    | AcquiringDc
    | ReleasingDc
    | Stamping
    | ForcingState
    | AskingForJoin
    | StoringResults
    | StoringJoin
    | MarkingUnreached
    | Condemning
    | Intending
    | StoringFencing
    | ForAction
    | ForCleanup
    | Announcing
    | LeavingSession
    | NotingMaintenance
)
