"""Constraints on what is not there: they came from elsewhere, as no change can make them."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse
from cib_store.model.dates import Moment
from crmd.scheduler.pipeline import schedule
from tests.golden.scheduler.case_file import Case, cib_of
from tests.golden.scheduler.histories import NOW

CLUSTER = Case(
    title="",
    cluster="primitive a ocf:pacemaker:Dummy\nlocation l a inf: n2",
    state="n1 online\nn2 online",
)


@pytest.mark.parametrize(
    "constraint",
    [
        '<rsc_location id="x" rsc="gone" score="INFINITY" node="n1"/>',
        '<rsc_order id="x" first="gone" then="a"/>',
        '<rsc_colocation id="x" rsc="a" with-rsc="gone" score="INFINITY"/>',
        '<rsc_ticket id="x" rsc="gone" ticket="t"/>',
        '<rsc_order id="x"><resource_set id="s"><resource_ref id="gone"/><resource_ref id="a"/>'
        "</resource_set></rsc_order>",
        '<rsc_ticket id="x" ticket="t"><resource_set id="s"><resource_ref id="gone"/>'
        "</resource_set></rsc_ticket>",
    ],
)
def test_a_constraint_on_an_unknown_resource_is_ignored_and_told(constraint: str) -> None:
    """features 13.34"""
    cib = cib_of(CLUSTER)
    configuration, status = cib.children
    added = tuple(
        each.with_children((*each.children, parse(constraint)))
        if each.tag == "constraints"
        else each
        for each in configuration.children
    )
    made = schedule(cib.with_children((configuration.with_children(added), status)), Moment(NOW))
    assert [(each.operation_key, each.on_node) for each in made.graph.actions] == [
        ("a_start_0", "n2")
    ]
    assert [each.code for each in made.reports] == ["unknown-resource"]
    assert not made.reports[0].is_error
