"""Why a record was asked for: what to do when it is committed, refused, or its fate unknown."""

from __future__ import annotations

from dataclasses import dataclass

from raftmaker.vocabulary.ids import NodeName, Session, Token


@dataclass(frozen=True, slots=True)
class OpeningSession:
    """This process asks for its session."""

    seen: int
    """Log position of the view that says which session is replaced."""


@dataclass(frozen=True, slots=True)
class AcquiringDc:
    """This node asks to be DC."""


@dataclass(frozen=True, slots=True)
class ReleasingDc:
    """This node gives a lease back."""

    token: Token


@dataclass(frozen=True, slots=True)
class StampingFeatureSet:
    """The DC writes its feature set into the CIB."""


@dataclass(frozen=True, slots=True)
class ForcingState:
    """This node writes in which state it joins."""


@dataclass(frozen=True, slots=True)
class AskingForJoin:
    """This node shows the DC that it has to be joined."""


@dataclass(frozen=True, slots=True)
class StoringResults:
    """A batch of results."""

    count: int
    serial: int


@dataclass(frozen=True, slots=True)
class StoringJoin:
    """The DC stores what a member answered."""

    node: NodeName
    session: Session
    number: int


@dataclass(frozen=True, slots=True)
class MarkingUnreached:
    """The DC notes that it cannot reach a node, before it gives the lease back."""

    node: NodeName


@dataclass(frozen=True, slots=True)
class Condemning:
    """The DC notes that a node that two DCs could not reach is to be fenced."""

    node: NodeName


@dataclass(frozen=True, slots=True)
class Intending:
    """A fencing's intent."""

    target: NodeName


@dataclass(frozen=True, slots=True)
class StoringFencing:
    """A fencing's result."""

    target: NodeName


@dataclass(frozen=True, slots=True)
class ForAction:
    """The write is an action of the transition."""

    transition: int
    action: int


@dataclass(frozen=True, slots=True)
class ForCleanup:
    """The write is part of a cleanup."""

    cleanup: int


@dataclass(frozen=True, slots=True)
class Announcing:
    """This node's wish to shut down."""


@dataclass(frozen=True, slots=True)
class LeavingSession:
    """This node's end of session."""


Purpose = (
    OpeningSession
    | AcquiringDc
    | ReleasingDc
    | StampingFeatureSet
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
)
