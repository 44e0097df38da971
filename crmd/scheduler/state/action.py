"""Actions under consideration, and the relations between them."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from crmd.scheduler.state.trail import Place
from raftmaker.vocabulary.roles import Role

if TYPE_CHECKING:
    from cib_store.document.element import Element
    from crmd.scheduler.state.node import Node
    from crmd.scheduler.state.resource import Resource

# Flags of an action. Plain ints, as ordering evaluates them millions of times in large clusters.
PSEUDO: Final = 1 << 0
"""Nobody carries it out."""
RUNNABLE: Final = 1 << 1
"""It could be carried out now."""
OPTIONAL: Final = 1 << 2
"""It is not needed."""
ALWAYS_IN_GRAPH: Final = 1 << 3
"""In the graph even when optional."""
IN_GRAPH: Final = 1 << 4
MIGRATABLE: Final = 1 << 5
"""Part of a live migration."""
MIGRATION_ABORT: Final = 1 << 6
"""Cleans up after a migration that broke off."""
RESCHEDULE: Final = 1 << 7
"""A recurring operation that has to be issued again."""
ON_DC: Final = 1 << 8
"""Done by the DC, whatever the state of the node."""
INPUTS_MERGED: Final = 1 << 9
PARAMETERS_READ: Final = 1 << 10

# Flags of a relation "first, then".
NOTHING: Final = 0
ORDERED: Final = 1 << 0
"""If both happen, in this order."""
IF_FIRST_UNMIGRATABLE: Final = 1 << 1
"""Only if the first is not part of a live migration."""
THEN_IMPLIES_FIRST: Final = 1 << 4
"""If then is needed, so is first."""
FIRST_IMPLIES_THEN: Final = 1 << 5
"""If first is needed, so is then."""
PROMOTED_THEN_IMPLIES_FIRST: Final = 1 << 6
"""As THEN_IMPLIES_FIRST, while the resource of then is promoted."""
UNMIGRATABLE_THEN_BLOCKS: Final = 1 << 7
UNRUNNABLE_FIRST_BLOCKS: Final = 1 << 8
"""If first cannot run, neither can then."""
FIRST_ELSE_THEN: Final = 1 << 9
"""If first cannot run, then is done for real."""
FIRST_IMPLIES_SAME_NODE_THEN: Final = 1 << 10
NESTED_REMOTE_PROBE: Final = 1 << 11
INTERMEDIATE_STOP: Final = 1 << 12
"""A restart: a needed start makes the stop needed too."""
SERIALIZE: Final = 1 << 14
IF_ON_SAME_NODE: Final = 1 << 15
THEN_IMPLIES_FIRST_GRAPHED: Final = 1 << 16
FIRST_IMPLIES_THEN_GRAPHED: Final = 1 << 17
ASYMMETRIC: Final = 1 << 20
IF_ON_SAME_NODE_OR_TARGET: Final = 1 << 21
MIN_RUNNABLE: Final = 1 << 22
IF_REQUIRED_ON_SAME_NODE: Final = 1 << 23
GUEST_ALLOWED: Final = 1 << 24
THEN_CANCELS_FIRST: Final = 1 << 25


class Needs(Enum):
    """What must be given before an action may start (features: ``requires``)."""

    NOTHING = auto()
    QUORUM = auto()
    FENCING = auto()


class OnFail(Enum):
    """What a failure brings about; the order is that of severity (features: ``on-fail``)."""

    IGNORE = 0
    DEMOTE = 1
    RESTART = 2
    RESET_REMOTE = 3
    RESTART_CONTAINER = 4
    BAN = 5
    BLOCK = 6
    STOP = 7
    STANDBY = 8
    FENCE = 9


class Relation(Struct, eq=False):
    """One end of "first, then": the other action, and what follows from what."""

    action: Action
    flags: int
    graphed: bool = False


class Action(Struct, eq=False, kw_only=True):
    """Something that may have to be done. Registered in `crmd.scheduler.plan.book` only."""

    id: int
    key: str
    """``RESOURCE_TASK_INTERVAL`` for resource actions, a name of its own for others."""
    task: str
    rsc: Resource | None
    node: Node | None
    flags: int
    interval_ms: int = 0
    needs: Needs = Needs.NOTHING
    on_fail: OnFail = OnFail.IGNORE
    fail_role: Role = Role.UNKNOWN
    meta: dict[str, str] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    """Parameters of this operation only."""
    config: Element | None = None
    """The configured ``op``, if any."""
    reason: str | None = None
    cancel_task: str | None = None
    priority: int = 0
    before: list[Relation] = field(default_factory=list)
    """Actions that come before this one; the newest relation last."""
    after: list[Relation] = field(default_factory=list)
    related: dict[Action, int] = field(default_factory=dict)
    """Flags of all relations with an action after this one."""
    place: Place = ()
    """Where in the order of work it was first asked for."""
    runnable_before: int = 0
    required_runnable_before: int = 0
    visiting: bool = False
    """Guards walks along relations against loops."""

    @property
    def optional(self) -> bool:
        """Whether it is not needed."""
        return bool(self.flags & OPTIONAL)

    @property
    def runnable(self) -> bool:
        """Whether it could be carried out."""
        return bool(self.flags & RUNNABLE)

    @property
    def pseudo(self) -> bool:
        """Whether nobody carries it out."""
        return bool(self.flags & PSEUDO)

    def set_reason(self, reason: str | None, *, overwrite: bool) -> None:
        """Record why; the first reason stays unless `overwrite`."""
        if overwrite or self.reason is None:
            self.reason = reason

    def __repr__(self) -> str:
        return f"Action({self.id}, {self.key}, {self.node.name if self.node else None})"


def order(first: Action | None, then: Action | None, flags: int) -> bool:
    """Relate two actions; False where that adds nothing.

    An action never waits for itself, however a faulty configuration puts it.
    """
    if not flags or first is None or then is None or first is then:
        return False
    known = first.related.get(then, 0)
    if known & flags:
        return False
    first.related[then] = known | flags
    first.after.append(Relation(then, flags))
    then.before.append(Relation(first, flags))
    return True
