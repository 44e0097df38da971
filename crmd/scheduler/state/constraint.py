"""Constraints bound to the resources of a run."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from crmd.scheduler.state.trail import Place
from raftmaker.vocabulary.roles import Role

if TYPE_CHECKING:
    from crmd.scheduler.state.action import Action
    from crmd.scheduler.state.node import Node
    from crmd.scheduler.state.resource import Resource


class ProbeMode(IntEnum):
    """``resource-discovery`` of a location constraint, in order of precedence."""

    ALWAYS = 0
    NEVER = 1
    EXCLUSIVE = 2


class Location(Struct, eq=False, kw_only=True):
    """Scores that one constraint (or rule) gives a resource on nodes."""

    id: str
    rsc: Resource
    role: Role = Role.UNKNOWN
    """Only for a resource that shall have this role; UNKNOWN for any."""
    constraint: str = ""
    """The constraint that a rule belongs to; `id` is the rule's then."""
    scores: dict[Node, int] = field(default_factory=dict)
    probe_mode: ProbeMode = ProbeMode.ALWAYS


class Colocation(Struct, eq=False, kw_only=True):
    """Place `dependent` by where `primary` is."""

    id: str
    score: int
    dependent: Resource
    primary: Resource
    dependent_role: Role = Role.UNKNOWN
    primary_role: Role = Role.UNKNOWN
    node_attribute: str = "#uname"
    explicit: bool = False
    """Configured by the user, not implied by a group or container."""
    influence: bool = False
    """Whether the dependent's preferences move a running primary."""

    def __repr__(self) -> str:
        return f"Colocation({self.id}, {self.score}, {self.dependent.id} with {self.primary.id})"


class Ordering(Struct, eq=False, kw_only=True):
    """One "first, then" between actions, or between resources and the keys of their actions."""

    first_rsc: Resource | None
    first_key: str | None
    first: Action | None
    then_rsc: Resource | None
    then_key: str | None
    then: Action | None
    flags: int
    place: Place
    """Where in the order of work it was recorded."""


class Ticket(Struct, kw_only=True):
    """State of a ticket (features section 15)."""

    id: str
    granted: bool = False
    standby: bool = False
    last_granted: int = -1
    state: dict[str, str] = field(default_factory=dict)


class TicketLoss(Enum):
    """``loss-policy`` (features section 15)."""

    STOP = "stop"
    DEMOTE = "demote"
    FENCE = "fence"
    FREEZE = "freeze"


class TicketConstraint(Struct, eq=False, kw_only=True):
    """A resource (in a role) depends on a ticket."""

    ticket: Ticket
    role: Role
    loss: TicketLoss
