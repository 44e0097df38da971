"""What each word of an order means where the resource that owns the actions has a say.

A relation between two actions is a set of words. Each is put to the resource of one of the two, as
its kind of resource understands it (`Behaviour.update_ordered`); actions that belong to no resource
follow a plain rule instead. The words are taken in this table's order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from crmd.scheduler.plan.consequences import FIRST_CHANGED, THEN_CHANGED
from crmd.scheduler.state.action import (
    ALWAYS_IN_GRAPH,
    ASYMMETRIC,
    FIRST_ELSE_THEN,
    FIRST_IMPLIES_SAME_NODE_THEN,
    FIRST_IMPLIES_THEN,
    FIRST_IMPLIES_THEN_GRAPHED,
    INTERMEDIATE_STOP,
    MIN_RUNNABLE,
    NESTED_REMOTE_PROBE,
    NOTHING,
    OPTIONAL,
    ORDERED,
    PROMOTED_THEN_IMPLIES_FIRST,
    RUNNABLE,
    THEN_IMPLIES_FIRST,
    THEN_IMPLIES_FIRST_GRAPHED,
    UNMIGRATABLE_THEN_BLOCKS,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
    Relation,
)
from crmd.scheduler.state.run import Run

Alone = Callable[[Action, Action, int], int]
"""The rule for actions without a resource: first, then, flags of first; returns what changed."""


def _nothing(first: Action, then: Action, first_flags: int) -> int:
    return 0


def _require_then(first: Action, then: Action, first_flags: int) -> int:
    if first_flags & OPTIONAL or not then.flags & OPTIONAL:
        return 0
    then.flags &= ~OPTIONAL
    return THEN_CHANGED


def _stop_first(first: Action, then: Action, first_flags: int) -> int:
    if first_flags & OPTIONAL or not first.flags & RUNNABLE:
        return 0
    first.flags &= ~RUNNABLE
    return FIRST_CHANGED


def _count_runnable(first: Action, then: Action, first_flags: int) -> int:
    if not first_flags & RUNNABLE:
        return 0
    then.runnable_before += 1
    if then.runnable_before < then.required_runnable_before or then.flags & RUNNABLE:
        return 0
    then.flags |= RUNNABLE
    return THEN_CHANGED


def _block_then(first: Action, then: Action, first_flags: int) -> int:
    if first_flags & RUNNABLE or not then.flags & RUNNABLE:
        return 0
    then.flags &= ~RUNNABLE
    return THEN_CHANGED


class Word(Struct, frozen=True, kw_only=True):
    """One word. `counted`: which of an action's flags it is about.

    `asks`: the word that the owner is asked to apply, where that is another one. `of_first`: the
    resource of the first action has the say. `demand_only`: it hears only whether first is needed.
    """

    word: int
    counted: int
    asks: int = 0
    of_first: bool = False
    demand_only: bool = False
    alone: Alone = _nothing


WORDS = (
    Word(word=FIRST_IMPLIES_THEN, counted=OPTIONAL, demand_only=True, alone=_require_then),
    Word(word=INTERMEDIATE_STOP, counted=OPTIONAL | RUNNABLE),
    Word(word=THEN_IMPLIES_FIRST, counted=OPTIONAL, of_first=True, alone=_stop_first),
    Word(word=PROMOTED_THEN_IMPLIES_FIRST, counted=OPTIONAL, demand_only=True),
    Word(word=MIN_RUNNABLE, counted=RUNNABLE, alone=_count_runnable),
    Word(word=NESTED_REMOTE_PROBE, counted=RUNNABLE, asks=UNRUNNABLE_FIRST_BLOCKS),
    Word(word=UNRUNNABLE_FIRST_BLOCKS, counted=RUNNABLE, alone=_block_then),
    Word(word=UNMIGRATABLE_THEN_BLOCKS, counted=OPTIONAL),
    Word(word=FIRST_ELSE_THEN, counted=OPTIONAL),
    Word(word=ORDERED, counted=RUNNABLE),
    Word(word=ASYMMETRIC, counted=RUNNABLE),
)


@lru_cache(maxsize=4096)
def _words_in(flags: int) -> tuple[Word, ...]:
    return tuple(word for word in WORDS if flags & word.word)


def apply_relation(
    run: Run, relation: Relation, then: Action, first_flags: int, then_flags: int
) -> int:
    """Apply each word of a relation; return which of the two actions changed."""
    first, node = relation.action, then.node
    if relation.flags & FIRST_IMPLIES_SAME_NODE_THEN:
        relation.flags &= ~FIRST_IMPLIES_SAME_NODE_THEN
        relation.flags |= FIRST_IMPLIES_THEN
        node = first.node
    changed = 0
    for word in _words_in(relation.flags):
        if not relation.flags & word.word:
            continue  # what an earlier word led to took it away
        if word.word == NESTED_REMOTE_PROBE and _probes_a_running_host(first, then, first_flags):
            relation.flags = NOTHING
            break
        owner = first.rsc if word.of_first else then.rsc
        if owner is None:
            changed |= word.alone(first, then, first_flags)
            continue
        given = first_flags & OPTIONAL if word.demand_only else first_flags
        changed |= owner.kind.update_ordered(
            run, first, then, node, given, word.counted, word.asks or word.word
        )
    return changed | _keep_in_graph(first, then, first_flags, then_flags, relation.flags)


def _probes_a_running_host(first: Action, then: Action, first_flags: int) -> bool:
    if then.rsc is None or first_flags & RUNNABLE or first.rsc is None:
        return False
    return bool(first.rsc.active_on)


def _keep_in_graph(
    first: Action, then: Action, first_flags: int, then_flags: int, flags: int
) -> int:
    if first.flags & RUNNABLE and flags & FIRST_IMPLIES_THEN_GRAPHED and not first_flags & OPTIONAL:
        then.flags |= ALWAYS_IN_GRAPH
    if flags & THEN_IMPLIES_FIRST_GRAPHED and not then_flags & OPTIONAL:
        first.flags |= ALWAYS_IN_GRAPH
    rsc = first.rsc
    if (
        flags & (FIRST_IMPLIES_THEN | THEN_IMPLIES_FIRST | INTERMEDIATE_STOP)
        and rsc is not None
        and not rsc.managed
        and rsc.blocked
        and not first.flags & RUNNABLE
        and first.task == "stop"
        and then.flags & RUNNABLE
    ):
        then.flags &= ~RUNNABLE
        return THEN_CHANGED
    return 0
