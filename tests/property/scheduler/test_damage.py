"""Whatever a CIB contains, the scheduler ends with a decision: damage is reported, never raised."""

from __future__ import annotations

from hypothesis import given, settings

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.scheduler.graph_xml import graph_xml
from crmd.scheduler.pipeline import schedule
from tests.property.scheduler.clusters import damaged

_NOW = Moment(1_700_000_000)


@given(damaged())
@settings(max_examples=150)
def test_a_damaged_configuration_ends_with_a_decision(cib: Element) -> None:
    """features 16: a fault in the configuration is no fault of the scheduler."""
    decision = schedule(cib, _NOW, show_scores=True)
    ids = {action.id for action in decision.graph.actions + decision.graph.absent}
    assert all(first in ids for action in decision.graph.actions for first in action.inputs)
    assert graph_xml(decision.graph)
