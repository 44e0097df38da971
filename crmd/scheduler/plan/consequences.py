"""What one word of an order does to the flags of its two actions: the rules that all kinds share.

Each rule looks at the two ends and takes flags away from one of them; it never gives any. The table
`RULES` lists them in the order in which they are applied.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from crmd.scheduler.state.action import (
    ASYMMETRIC,
    FIRST_ELSE_THEN,
    FIRST_IMPLIES_THEN,
    INTERMEDIATE_STOP,
    MIGRATABLE,
    OPTIONAL,
    PROMOTED_THEN_IMPLIES_FIRST,
    PSEUDO,
    RUNNABLE,
    THEN_IMPLIES_FIRST,
    UNMIGRATABLE_THEN_BLOCKS,
    UNRUNNABLE_FIRST_BLOCKS,
    Action,
)
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from raftmaker.vocabulary.roles import Role

FIRST_CHANGED = 1
THEN_CHANGED = 2


class Ends(Struct, frozen=True, eq=False):
    """Two ordered actions. `given`: flags of first as they stand; `counted`: which matter now."""

    first: Action
    then: Action
    given: int
    counted: int

    def counts(self, flag: int) -> bool:
        """Whether the word is about this flag."""
        return bool(self.counted & flag)

    def demands(self) -> bool:
        """Whether the word is about need, and first is needed."""
        return bool(self.counted & OPTIONAL) and not self.given & OPTIONAL


def _clear(action: Action, flag: int, because: Action) -> None:
    """Clear a flag; when that is the doing of another resource, say so."""
    if not action.flags & flag:
        return
    action.flags &= ~flag
    if action.rsc is because.rsc or action.reason is not None:
        return
    change = {RUNNABLE: "unrunnable", MIGRATABLE: "unmigrateable", OPTIONAL: "required"}[flag]
    rsc = f" {because.rsc.id}" if because.rsc is not None else ""
    action.reason = f"{change}{rsc} {because.task}"


def _only_active_on(rsc: Resource, node: Node | None) -> bool:
    return len(rsc.active_on) == 1 and rsc.active_on[0] is node


def _one_way(ends: Ends) -> None:
    first, then, rsc = ends.first, ends.then, ends.then.rsc
    if rsc is None or first.flags & RUNNABLE:
        return
    if then.flags & OPTIONAL:
        role = rsc.kind.role(rsc, True)
        if role is Role.STOPPED and then.task == "stop":
            return
        if role >= Role.STARTED and then.task == "start" and _only_active_on(rsc, then.node):
            return
    _clear(then, OPTIONAL, first)
    _clear(then, RUNNABLE, first)


def _restart(ends: Ends) -> None:
    """first is a stop, then the start after it."""
    first, then, counted = ends.first, ends.then, ends.counted
    assert then.rsc is not None
    needed = counted & OPTIONAL and not then.flags & OPTIONAL
    stuck = (
        counted & RUNNABLE
        and not then.flags & RUNNABLE
        and then.rsc.managed
        and first.rsc is then.rsc
    )
    if not needed and not stuck:
        return
    if first.flags & RUNNABLE:
        _clear(first, OPTIONAL, then)
    if not then.flags & OPTIONAL:
        _clear(first, OPTIONAL, then)
    if not then.flags & MIGRATABLE:
        _clear(first, MIGRATABLE, then)
    if not first.flags & (OPTIONAL | RUNNABLE):
        _clear(then, RUNNABLE, first)


def _pull_first(ends: Ends) -> None:
    if ends.then.flags & OPTIONAL:
        return
    if ends.demands():
        _clear(ends.first, OPTIONAL, ends.then)
    if ends.given & MIGRATABLE and not ends.then.flags & MIGRATABLE:
        _clear(ends.first, MIGRATABLE, ends.then)


def _pull_first_of_promoted(ends: Ends) -> None:
    first, then = ends.first, ends.then
    if then.rsc is None or then.rsc.role is not Role.PROMOTED:
        return
    if not ends.counts(OPTIONAL) or then.flags & OPTIONAL:
        return
    _clear(first, OPTIONAL, then)
    if first.flags & MIGRATABLE and not then.flags & MIGRATABLE:
        _clear(first, MIGRATABLE, then)


def _hold_first_of_unmigratable(ends: Ends) -> None:
    first, then = ends.first, ends.then
    if not ends.counts(OPTIONAL):
        return
    if then.flags & (MIGRATABLE | RUNNABLE) != MIGRATABLE | RUNNABLE:
        _clear(first, RUNNABLE, then)
    if not then.flags & OPTIONAL:
        _clear(first, OPTIONAL, then)


def _stand_in(ends: Ends) -> None:
    if ends.counts(OPTIONAL) and not ends.first.flags & RUNNABLE:
        _clear(ends.then, MIGRATABLE, ends.first)
        ends.then.flags &= ~PSEUDO


def _block_then(ends: Ends) -> None:
    then = ends.then
    if ends.counts(RUNNABLE) and then.flags & RUNNABLE and not ends.given & RUNNABLE:
        _clear(then, RUNNABLE, ends.first)
        _clear(then, MIGRATABLE, ends.first)


def _require_then(ends: Ends) -> None:
    if ends.demands() and ends.then.flags & OPTIONAL and not ends.first.flags & MIGRATABLE:
        _clear(ends.then, OPTIONAL, ends.first)


RULES: tuple[tuple[int, Callable[[Ends], None]], ...] = (
    (ASYMMETRIC, _one_way),
    (THEN_IMPLIES_FIRST, _pull_first),
    (PROMOTED_THEN_IMPLIES_FIRST, _pull_first_of_promoted),
    (UNMIGRATABLE_THEN_BLOCKS, _hold_first_of_unmigratable),
    (FIRST_ELSE_THEN, _stand_in),
    (UNRUNNABLE_FIRST_BLOCKS, _block_then),
    (FIRST_IMPLIES_THEN, _require_then),
    (INTERMEDIATE_STOP, _restart),
)


@lru_cache(maxsize=4096)
def _rules_of(word: int) -> tuple[Callable[[Ends], None], ...]:
    return tuple(rule for words, rule in RULES if word & words)


def consequences(first: Action, then: Action, given: int, counted: int, word: int) -> int:
    """Apply the rules of `word` (one or several) to two actions; return which of them changed."""
    before = (first.flags, then.flags)
    rules = _rules_of(word)
    if not rules:
        return 0
    ends = Ends(first, then, given, counted)
    for rule in rules:
        rule(ends)
    return (FIRST_CHANGED if first.flags != before[0] else 0) | (
        THEN_CHANGED if then.flags != before[1] else 0
    )
