"""An explanation leaves nothing out."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.scheduler.pipeline import decide, read_cluster
from crmd.scheduler.state.contribution import Contribution
from crmd.scheduler.state.resource import Resource
from tests.property.scheduler.clusters import clusters

_NOW = Moment(1_700_000_000)


def _primitives(rsc: Resource) -> Iterator[Resource]:
    if not rsc.children:
        yield rsc
    for child in rsc.children:
        yield from _primitives(child)


@given(clusters())
@settings(max_examples=60)
def test_every_score_follows_from_its_contributions(cib: Element) -> None:
    """From nothing to the final score, each contribution begins where the one before it ended."""
    run = read_cluster(cib, _NOW, explained=True)
    decide(run)
    assert run.contributions is not None
    trails: dict[tuple[str, str], list[Contribution]] = {}
    for one in run.contributions:
        trails.setdefault((one.resource, one.node), []).append(one)
    for top in run.resources:
        for rsc in _primitives(top):
            for node, score in rsc.scores.items():
                # A node that is found to be offline counts for what is not yet allowed there only.
                at = 0 if node.score < 0 and score > node.score else node.score
                for one in trails.get((rsc.id, node.name), ()):
                    assert one.before in (at, 0, None), one
                    at = one.after
                assert at == score, (rsc.id, node.name)


@given(clusters())
@settings(max_examples=30)
def test_to_explain_changes_nothing(cib: Element) -> None:
    """The decision is the same whether somebody wants its reasons or not."""
    assert decide(read_cluster(cib, _NOW, explained=True)) == decide(read_cluster(cib, _NOW))
