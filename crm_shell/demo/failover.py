"""Takes a node away from a local cluster and measures what follows: the demo and the benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

from crm_shell.demo.answers import Asker
from crm_shell.demo.observer import Observer
from crm_shell.demo.timeline import Failover, Milestone, Observation, active_on, milestones
from crm_shell.local_cluster.cluster import LocalCluster
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import TimedOut
from raftmaker.vocabulary.ids import NodeName


class Loss(Enum):
    """How a node is taken away."""

    KILLED = "killed"
    """SIGKILL to every process: a power failure."""
    STOPPED = "stopped"
    """SIGSTOP to every process: a machine that hangs."""


class Measured(Struct, frozen=True, kw_only=True):
    """What one failover took."""

    node: str
    loss: Loss
    was_dc: bool
    was_leader: bool
    times: Mapping[Milestone, int]
    """Milliseconds from the loss; a step that was not seen in time is missing."""

    @property
    def is_complete(self) -> bool:
        """Whether every step was seen."""
        return set(self.times) == set(Milestone)


def is_whole(names: tuple[str, ...], seen: Observation) -> bool:
    """Whether every node is a present member that has joined, and there is a DC."""
    joined = {
        state.get("uname")
        for status in seen.cib.each("status")
        for state in status.each("node_state")
        if state.get("join") == "member"
    }
    present = {facts.node for facts in seen.facts.nodes if facts.is_present}
    return seen.facts.dc is not None and set(names) <= joined & present


class Bench(Struct, frozen=True, kw_only=True):
    """A running cluster with a service in it, watched from outside and from inside."""

    cluster: LocalCluster
    observer: Observer
    asker: Asker
    resource: str

    def wait_whole(self, timeout_s: float) -> None:
        """Wait until every node takes part. Raises `TimedOut`."""
        names = self.cluster.names
        if self.observer.wait(lambda seen: is_whole(names, seen), timeout_s) is None:
            raise TimedOut(f"the nodes did not all join in {timeout_s:g} s; logs: {self._logs()}")

    def wait_served(self, timeout_s: float) -> str:
        """Wait until the service runs and return its node. Raises `TimedOut`."""
        seen = self.observer.wait(lambda item: bool(active_on(item.cib, self.resource)), timeout_s)
        if seen is None:
            raise TimedOut(
                f"{self.resource} was not started in {timeout_s:g} s; logs: {self._logs()}"
            )
        return active_on(seen.cib, self.resource)

    def _logs(self) -> str:
        return str(self.cluster.directory / "*" / "log" / "*.log")

    def take_away(self, node: str, loss: Loss, timeout_s: float) -> Measured:
        """Take the node away and follow the failover to its end, or until time is up."""
        before = self.observer.newest()
        dc = before.facts.dc if before else None
        leader = before.facts.leader if before else ""
        taken_at_ms = boot_ms()
        self.asker.expect(after_ms=taken_at_ms, not_from=node)
        match loss:
            case Loss.KILLED:
                self.cluster.kill(node)
            case Loss.STOPPED:
                self.cluster.pause(node)
        failover = Failover(node=NodeName(node), resource=self.resource, taken_at_ms=taken_at_ms)
        answer = self.asker.wait(timeout_s)
        answered_at_ms = answer.at_ms if answer else None

        def times() -> Mapping[Milestone, int]:
            return milestones(failover, self.observer.observed(), answered_at_ms)

        if answer is not None:
            self.observer.wait(lambda _: set(times()) == set(Milestone), timeout_s)
        return Measured(
            node=node,
            loss=loss,
            was_dc=dc is not None and dc.node == node,
            was_leader=leader == node,
            times=times(),
        )
