"""An idle DC has nothing to do: the scheduler, asked with the newest CIB, gives no action.

A graph that ended, or was never asked for, while something was left to do shows in nothing else:
the next change or recheck hides it. So every second the DC is looked at, and one that has been idle
for a while with the newest CIB is asked about, once a CIB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmd.fsa.state import ControllerState, Name
from crmd.scheduler.graph import ActionKind, Graph, GraphAction
from raftmaker.vocabulary.ids import NodeName
from tests.sim.checkers import Violation
from tests.sim.configurations import PRIMITIVES
from tests.sim.loop import SECOND

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster

IDLE_SECONDS = 4
"""Longer than results need to come in, and shorter than any recheck."""


class Idleness:
    """Looks every second from its beginning to the end of the run."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._since: tuple[object, int] = (None, 0)
        """What the idle DC saw, and when first, in seconds of the wall clock."""
        self.asked = 0

    def begin(self) -> None:
        """Look now, and every second from now on. Raises `Violation`."""
        self._look()
        self._cluster.loop.after(SECOND, self.begin)

    def _look(self) -> None:
        seen = self._seen_by_idle_dc()
        now_s = self._cluster.wall_us() // SECOND
        if seen is None or self._since[0] is not seen:
            self._since = (seen, now_s)
        elif now_s - self._since[1] == IDLE_SECONDS:
            # What falls due with time is due a moment later for the DC: ask about the beginning.
            self.judge(self._since[1] + 1)

    def _seen_by_idle_dc(self) -> object:
        """Return the newest CIB if there is a DC that has seen it, is idle, and could act on it."""
        newest = self._cluster.log.newest.state
        if newest.facts.dc is None:
            return None
        dc = self._cluster.controllers[newest.facts.dc.node]
        if not dc.runs or dc.state is None or dc.state.view.cib is not newest.cib:
            return None
        return newest.cib if _is_idle(dc.state, dc.at_ms) else None

    def judge(self, now_s: int) -> None:
        """Ask the scheduler about the newest CIB, which the DC has seen. Raises `Violation`."""
        self.asked += 1
        cib = self._cluster.log.newest.state.cib
        left = self._left(self._cluster.schedules.graph(cib, now_s))
        if left:
            raise Violation("idle", f"the DC is idle and has to {', '.join(left)}")

    def _left(self, graph: Graph) -> list[str]:
        return [
            f"{action.operation} {action.resource.id if action.resource is not None else ''}"
            f" on {action.on_node}"
            for action in graph.actions
            if action.kind is not ActionKind.PSEUDO and not self._is_under_way(action)
        ]

    def _is_under_way(self, action: GraphAction) -> bool:
        """A node was told to leave, and nobody waits for it: it does when it has a store again."""
        told = action.operation == "do_shutdown" and action.on_node is not None
        state = self._cluster.controllers[NodeName(action.on_node or "")].state if told else None
        return state is not None and state.leaving is not None

    def unprobed(self) -> str:
        """Say on which node nobody has looked for what; empty: all is known of every node."""
        state = self._cluster.log.newest.state
        status = state.cib.child("status")
        states = {one.id: one for one in status.each("node_state")} if status is not None else {}
        for node in self._cluster.nodes:
            there = states.get(node)
            known = (
                {one.id for one in there.walk() if one.tag == "lrm_resource" and one.children}
                if there is not None
                else set()
            )
            for resource in PRIMITIVES:
                if resource not in known:
                    return f"nobody has looked whether {resource} runs on {node}"
        return ""


def _is_idle(state: ControllerState, at_ms: int) -> bool:
    """Idle, waiting for no commit, and not in the pause after a fencing that failed."""
    dc = state.dc
    waits = bool(state.records)
    return dc is not None and state.name is Name.S_IDLE and not waits and dc.not_before_ms <= at_ms
