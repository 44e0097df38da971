"""It settles when faults end: all nodes take part, one DC is idle, and what should run does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sim.checkers import Violation
from tests.sim.configurations import PRIMITIVES
from tests.sim.loop import SECOND

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster

LIMIT_SECONDS = 240
QUIET_SECONDS = 12


class Settling:
    """Waits for the cluster to settle."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.took_s = 0

    def run(self) -> None:
        """Run on without faults until it has been settled for a while. Raises `Violation`."""
        cluster = self._cluster
        begin_us = cluster.loop.now_us
        quiet = 0
        fault = ""
        while cluster.loop.now_us - begin_us < LIMIT_SECONDS * SECOND:
            cluster.loop.run_until(cluster.loop.now_us + 1 * SECOND)
            if not cluster.operator.is_right():
                cluster.operator.put_right()
            fault = self._unsettled()
            quiet = 0 if fault else quiet + 1
            if quiet >= QUIET_SECONDS:
                # Whatever falls due by time alone has fallen due in these seconds.
                cluster.idleness.judge((cluster.wall_us() - 2 * SECOND) // SECOND)
                self.took_s = (cluster.loop.now_us - begin_us) // SECOND - quiet
                return
        raise Violation("settles", f"not settled {LIMIT_SECONDS} s after the last fault: {fault}")

    def _unsettled(self) -> str:
        cluster = self._cluster
        state = cluster.log.newest.state
        for name in cluster.nodes:
            there = state.facts.of(name)
            if there is None or not there.is_present:
                return f"{name} does not take part: {there}"
        if state.facts.members.number and len(state.facts.members.voters) < len(cluster.nodes):
            return f"only {cluster.voters_in(state.facts)} vote"
        if state.facts.dc is None:
            return "there is no DC"
        dc = cluster.controllers[state.facts.dc.node]
        doing = dc.state.name.name if dc.state is not None else "down"
        if doing != "S_IDLE":
            return f"the DC {dc.label} is in {doing}"
        for resource in PRIMITIVES:
            places = cluster.agents.places(resource)
            if not places and not self._is_excused(resource):
                return f"{resource} runs nowhere"
        return self._misremembered() or cluster.idleness.unprobed()

    def _is_excused(self, resource: str) -> bool:
        """Failures that nobody has cleaned up may keep it from every node, or a failed stop."""
        status = self._cluster.log.newest.state.cib.child("status")
        if status is None:
            return False
        return any(
            element.tag == "nvpair" and element.get("name").startswith(f"fail-count-{resource}#")
            for element in status.walk()
        )

    def _misremembered(self) -> str:
        """The CIB must say of every node what runs there."""
        status = self._cluster.log.newest.state.cib.child("status")
        assert status is not None
        for node_state in status.each("node_state"):
            for element in node_state.walk():
                if element.tag != "lrm_resource" or element.id not in PRIMITIVES:
                    continue
                recorded = _recorded_as_active([one.attributes for one in element.each()])
                truth = node_state.id in self._cluster.agents.places(element.id)
                if recorded is not None and recorded != truth:
                    said = "runs" if recorded else "does not run"
                    return f"the CIB says that {element.id} {said} on {node_state.id}"
        return ""


def _recorded_as_active(operations: list[object]) -> bool | None:
    """What the newest operation of a history says; None: nothing certain."""
    newest: tuple[int, bool | None] = (-1, None)
    for attributes in operations:
        assert hasattr(attributes, "get")
        call = int(attributes.get("call-id", "-1"))
        kind, code = attributes.get("operation"), attributes.get("rc-code")
        if call <= newest[0] or attributes.get("op-status") != "0":
            continue
        match kind, code:
            case ("stop", "0") | ("monitor", "7"):
                newest = (call, False)
            case ("start", "0") | ("monitor", "0"):
                newest = (call, True)
    return newest[1]
