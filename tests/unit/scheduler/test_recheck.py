"""A scheduler that stays looks again when a whole run would, whatever it did not decide again."""

from __future__ import annotations

from cib_store.document.codec import parse
from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.resident.scheduler import Resident

NOW_S = 1_700_000_216


def _cib(last_failure_s: int = NOW_S - 5, *, has_failed: bool = True) -> Element:
    def history(name: str, inner: str) -> str:
        return (
            f'<lrm_resource id="{name}" class="ocf" provider="heartbeat" type="Dummy">'
            f"{inner}</lrm_resource>"
        )

    def operation(name: str, task: str, call: int, code: int, interval: int = 0) -> str:
        suffix = f"{task}_{interval}" if interval else "last_0"
        return (
            f'<lrm_rsc_op id="{name}_{suffix}" operation_key="{name}_{task}_{interval}"'
            f' operation="{task}" transition-key="1:1:0:x" transition-magic="0:{code};1:1:0:x"'
            f' on_node="n1" call-id="{call}" rc-code="{code}" op-status="0"'
            f' interval="{interval}" last-rc-change="{NOW_S - 5}"/>'
        )

    def primitive(name: str) -> str:
        return (
            f'<primitive id="{name}" class="ocf" provider="heartbeat" type="Dummy">'
            f'<meta_attributes id="{name}-m"><nvpair id="{name}-t" name="failure-timeout"'
            f' value="20s"/></meta_attributes></primitive>'
        )

    failed = operation("a", "start", 1, 0)
    if has_failed:
        failed += operation("a", "monitor", 2, 7, 10_000)
    return parse(
        '<cib validate-with="pacemaker-4.0" have-quorum="1" dc-uuid="n1"><configuration>'
        '<crm_config><cluster_property_set id="o"><nvpair id="o-f" name="stonith-enabled"'
        ' value="false"/></cluster_property_set></crm_config><nodes><node id="n1" uname="n1"/>'
        f"</nodes><resources>{primitive('a')}{primitive('b')}</resources><constraints/>"
        '</configuration><status><node_state id="n1" uname="n1" in_ccm="1" crmd="1" join="member"'
        ' expected="member"><transient_attributes id="n1"><instance_attributes id="s">'
        '<nvpair id="s-f" name="fail-count-a#monitor_10000" value="1"/><nvpair id="s-l"'
        f' name="last-failure-a#monitor_10000" value="{last_failure_s}"/></instance_attributes>'
        f'</transient_attributes><lrm id="n1"><lrm_resources>{history("a", failed)}'
        f"{history('b', operation('b', 'monitor', 3, 7))}</lrm_resources></lrm>"
        "</node_state></status></cib>"
    )


def _with_started(element: Element) -> Element:
    """The same, in which b was started since; all else is the very same elements."""
    if element.id == "b_last_0":
        return element.with_attributes(
            {
                "operation": "start",
                "operation_key": "b_start_0",
                "transition-key": "2:1:0:x",
                "transition-magic": "0:0;2:1:0:x",
                "call-id": "4",
                "rc-code": "0",
            }
        )
    children = tuple(_with_started(each) for each in element.children)
    if all(new is old for new, old in zip(children, element.children, strict=True)):
        return element
    return element.with_children(children)


def test_two_decisions_in_one_second_look_again_at_the_same_time() -> None:
    """The second of them forgot when a failure expires."""
    resident, now = Resident(), Moment(NOW_S)
    first = _cib()
    for cib in (first, _with_started(first)):
        graph = resident.graph(cib, now)
        assert graph.recheck_by == schedule(cib, now).graph.recheck_by
        assert graph.recheck_by == NOW_S + 16
    assert resident.last_run is not None, "decided in part, or this proves nothing"


def test_a_count_that_expired_before_the_newest_operation_is_cleared_when_that_has_too() -> None:
    """Nothing looked again at that time, and the count stayed (seed 5 of the simulator)."""

    def cleared(at_s: int) -> bool:
        graph = schedule(cib, Moment(at_s)).graph
        return any(action.operation == "clear_failcount" for action in graph.actions)

    cib = _cib(NOW_S - 100, has_failed=False)
    due_s = schedule(cib, Moment(NOW_S)).graph.recheck_by
    assert due_s == NOW_S + 15
    assert not cleared(due_s - 1)
    assert cleared(due_s)
