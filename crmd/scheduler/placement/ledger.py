"""Recording where scores come from; off unless somebody wants an explanation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cib_store.model.scores import INFINITY
from crmd.scheduler.state.contribution import Contribution, Origin
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


@contextmanager
def noted(run: Run, rsc: Resource, origin: Origin, detail: str) -> Iterator[None]:
    """Record what the block changes in the scores of a resource and all below it."""
    if run.contributions is None:
        yield
        return
    before = [(each, dict(each.scores)) for each in _primitives(rsc)]
    yield
    for each, known in before:
        for node, after in each.scores.items():
            previous = known.get(node)
            if previous != after:
                run.contributions.append(
                    Contribution(
                        resource=each.id,
                        node=node.name,
                        origin=origin,
                        detail=detail,
                        added=_added(previous, after, node),
                        before=previous,
                        after=after,
                    )
                )


def _added(before: int | None, after: int, node: Node) -> int:
    if abs(after) >= INFINITY:
        return after
    return after - (node.score if before is None else before)


def _primitives(rsc: Resource) -> Iterator[Resource]:
    if not rsc.children:
        yield rsc
    for child in rsc.children:
        yield from _primitives(child)
