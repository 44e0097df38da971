"""The demo's and the benchmark's times are read from observations, not guessed."""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.document.element import Element
from crm_shell.demo.timeline import (
    Failover,
    Milestone,
    Observation,
    active_on,
    milestones,
    started_on,
)
from raftmaker.vocabulary.ids import BootId, NodeName, Session
from raftmaker.vocabulary.membership import Facts, FencePhase, NodeFacts, Presence

N1 = NodeFacts(node=NodeName("n1"), boot_id=BootId("a"), session=Session(1))
LOST = replace(N1, presence=Presence.LOST)
INTENDED = replace(LOST, fencing=FencePhase.INTENDED)
CONFIRMED = replace(LOST, fencing=FencePhase.CONFIRMED)
FAILOVER = Failover(node=NodeName("n1"), resource="web", taken_at_ms=1000)


def operation(name: str, call: int, rc: int = 0) -> Element:
    attributes = {"operation": name, "call-id": str(call), "rc-code": str(rc), "op-status": "0"}
    return Element("lrm_rsc_op", attributes)


def cib(**operations: list[Element]) -> Element:
    nodes = tuple(
        Element(
            "node_state",
            {"uname": node},
            (
                Element(
                    "lrm",
                    {},
                    (
                        Element(
                            "lrm_resources",
                            {},
                            (Element("lrm_resource", {"id": "web"}, tuple(found)),),
                        ),
                    ),
                ),
            ),
        )
        for node, found in operations.items()
    )
    return Element("cib", {}, (Element("status", {}, nodes),))


def seen(at_ms: int, facts: NodeFacts, document: Element) -> Observation:
    return Observation(at_ms=at_ms, index=at_ms, facts=Facts(nodes=(facts,)), cib=document)


BEFORE = cib(n1=[operation("start", 3)], n2=[operation("start", 1), operation("stop", 2)])
AFTER = cib(n2=[operation("start", 9)])


def test_each_step_is_its_first_observation() -> None:
    observed = [
        seen(900, N1, BEFORE),
        seen(1600, LOST, BEFORE),
        seen(1620, INTENDED, BEFORE),
        seen(1700, CONFIRMED, BEFORE),
        seen(1800, CONFIRMED, AFTER),
        seen(1900, CONFIRMED, AFTER),
    ]
    assert milestones(FAILOVER, observed, 1790) == {
        Milestone.LOST: 600,
        Milestone.FENCING_INTENDED: 620,
        Milestone.FENCED: 700,
        Milestone.STARTED: 800,
        Milestone.ANSWERED: 790,
    }


def test_what_was_not_seen_is_left_out() -> None:
    assert milestones(FAILOVER, [seen(900, N1, BEFORE), seen(1100, N1, BEFORE)], None) == {}


def test_an_earlier_failover_of_the_node_does_not_count() -> None:
    earlier = replace(CONFIRMED, boot_id=BootId("earlier"))
    observed = [seen(900, N1, BEFORE), seen(1100, earlier, BEFORE), seen(1600, LOST, BEFORE)]
    assert milestones(FAILOVER, observed, None) == {Milestone.LOST: 600}


def test_starts_on_the_lost_node_or_that_failed_do_not_count() -> None:
    document = cib(n1=[operation("start", 8)], n2=[operation("start", 9, rc=1)])
    observed = [seen(900, N1, BEFORE), seen(1500, LOST, document)]
    assert Milestone.STARTED not in milestones(FAILOVER, observed, None)


def test_active_on_is_where_the_newest_finished_operation_is_a_start() -> None:
    assert active_on(BEFORE, "web") == "n1"
    assert active_on(AFTER, "web") == "n2"
    assert active_on(cib(n2=[operation("start", 1), operation("stop", 2)]), "web") == ""
    assert started_on(AFTER, "other") == frozenset()
