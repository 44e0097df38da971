"""Which node tells of what it sees (features 19.1)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crmd.alerts.values import AttributeEvent, FencingEvent, NodeEvent, ResourceEvent
from lrmd.operations.values import CANCELLED, Agent, OperationRequest, Outcome, Result, Standard
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.ids import ResourceId
from tests.unit.crmd.alerts.cluster import NODES, Cluster

A, B, C = NODES


def result(serial: int, code: OcfCode = OcfCode.OK, **changes: object) -> Result:
    request = OperationRequest(
        resource=ResourceId("web"),
        agent=Agent(Standard.OCF, "heartbeat", "apache"),
        operation="start",
    )
    request = replace(request, **changes)  # type: ignore[arg-type]  # by the field's name
    outcome = Outcome(code=code)
    return Result(serial=serial, call_id=1, request=request, outcome=outcome, last_change_us=serial)


def test_every_node_tells_of_a_node() -> None:
    cluster = Cluster()
    cluster.lose(C)
    cluster.renew(C)
    lost, back = (NodeEvent(node=C, is_member=is_member) for is_member in (False, True))
    assert cluster.told == [*((node, lost) for node in NODES), *((node, back) for node in NODES)]


def test_a_node_that_leaves_is_no_member_any_more() -> None:
    cluster = Cluster()
    cluster.leave(C)
    assert (A, NodeEvent(node=C, is_member=False)) in cluster.told


def test_a_new_boot_that_nobody_missed_is_a_loss_and_a_return() -> None:
    cluster = Cluster()
    cluster.open(C)
    told = [event for node, event in cluster.told if node == A]
    assert told == [NodeEvent(node=C, is_member=False), NodeEvent(node=C, is_member=True)]


def test_what_a_controller_finds_when_it_starts_is_no_event() -> None:
    cluster = Cluster()
    cluster.lose(C)
    cluster.set(B, "pingd", "1")
    cluster.acquire(A)
    cluster.told.clear()
    cluster.observe(A)
    assert cluster.told == []


def test_every_node_tells_of_each_fencing_that_ended() -> None:
    cluster = Cluster()
    cluster.acquire(A)
    cluster.lose(C)
    cluster.told.clear()
    cluster.fence(C, confirmed=False)
    cluster.fence(C, confirmed=False)
    cluster.fence(C, confirmed=True)
    told = [event for node, event in cluster.told if node == B]
    failed = FencingEvent(target=C, confirmed=False)
    assert told == [failed, failed, FencingEvent(target=C, confirmed=True)]


def test_a_fencing_that_failed_again_is_told_though_its_intent_was_not_seen() -> None:
    cluster = Cluster()
    cluster.acquire(A)
    cluster.lose(C)
    cluster.fence(C, confirmed=False)
    cluster.told.clear()
    cluster.blind.add(B)
    cluster.fence(C, confirmed=False)
    cluster.look(B)
    assert (B, FencingEvent(target=C, confirmed=False)) in cluster.told


def test_the_loss_of_a_node_is_told_before_its_fencing_though_both_are_seen_at_once() -> None:
    cluster = Cluster()
    cluster.acquire(A)
    cluster.blind.add(B)
    cluster.lose(C)
    cluster.fence(C, confirmed=True)
    cluster.look(B)
    told = [event for node, event in cluster.told if node == B]
    assert told == [NodeEvent(node=C, is_member=False), FencingEvent(target=C, confirmed=True)]


def test_the_dc_alone_tells_of_attributes() -> None:
    cluster = Cluster()
    cluster.acquire(B)
    cluster.set(C, "pingd", "1000")
    cluster.set(C, "pingd", "1000")
    cluster.set(C, "pingd", None)
    values = ("1000", "")
    assert cluster.told == [
        (B, AttributeEvent(node=C, name="pingd", value=value)) for value in values
    ]


def test_the_next_dc_tells_what_changed_while_there_was_none() -> None:
    cluster = Cluster()
    cluster.acquire(B)
    cluster.lose(B)
    cluster.told.clear()
    cluster.set(C, "pingd", "5")
    assert cluster.told == []
    cluster.acquire(A)
    assert cluster.told == [(A, AttributeEvent(node=C, name="pingd", value="5"))]
    cluster.set(C, "pingd", "6")
    assert len(cluster.told) == 2


def test_a_node_that_goes_takes_its_attributes_along_in_silence() -> None:
    cluster = Cluster()
    cluster.acquire(A)
    cluster.set(C, "pingd", "5")
    cluster.lose(C)
    cluster.told.clear()
    cluster.fence(C, confirmed=True)
    assert not any(isinstance(event, AttributeEvent) for _, event in cluster.told)


def test_a_node_tells_of_its_own_operations() -> None:
    cluster = Cluster()
    ended = result(1)
    cluster.result(C, ended)
    assert cluster.told == [(C, ResourceEvent(node=C, result=ended))]


def test_a_result_that_is_sent_twice_is_told_once() -> None:
    cluster = Cluster()
    for serial in (1, 2, 1, 2):
        cluster.result(C, result(serial))
    assert len(cluster.told) == 2


@pytest.mark.parametrize(
    ("code", "expected", "is_told"),
    [
        (OcfCode.NOT_RUNNING, OcfCode.NOT_RUNNING, False),
        (OcfCode.OK, OcfCode.OK, False),
        (OcfCode.OK, OcfCode.NOT_RUNNING, True),
        (OcfCode.NOT_INSTALLED, OcfCode.NOT_RUNNING, True),
    ],
)
def test_a_probe_that_finds_what_was_expected_is_not_told(
    code: OcfCode, expected: OcfCode, is_told: bool
) -> None:
    cluster = Cluster()
    cluster.result(C, result(1, code, operation="monitor", expected_code=expected))
    assert bool(cluster.told) is is_told


def test_a_recurring_monitor_and_its_end_are_told() -> None:
    cluster = Cluster()
    monitor = result(1, operation="monitor", interval_ms=10)
    cluster.result(C, monitor)
    cluster.result(C, replace(monitor, serial=2, outcome=CANCELLED))
    assert len(cluster.told) == 2


def test_a_result_that_comes_before_the_first_view_is_told_with_it() -> None:
    cluster = Cluster()
    cluster.observers[C] = replace(cluster.observers[C], cib=None)
    cluster.result(C, result(1))
    assert cluster.told == []
    cluster.look(C)
    assert [event for _, event in cluster.told] == [ResourceEvent(node=C, result=result(1))]


def test_an_older_view_is_not_looked_at() -> None:
    cluster = Cluster()
    old = cluster.state
    cluster.lose(C)
    cluster.told.clear()
    cluster.state = old
    cluster.look(A)
    assert cluster.told == []
