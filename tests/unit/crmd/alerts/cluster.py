"""A store (the real `apply`) and observers at nodes, for tests of who tells what."""

from __future__ import annotations

from dataclasses import dataclass, field

from cib_store.apply import State, apply
from cib_store.document.codec import render
from cib_store.document.sections import empty_cib
from crmd.alerts.observing import Observer, observe
from crmd.alerts.values import AlertEvent
from crmd.fsa.events import ExecutorResult, StoreChanged
from lrmd.operations.values import Result
from raftmaker.vocabulary.commands import (
    AcquireDc,
    AttributeChange,
    Body,
    Command,
    CreateCluster,
    FenceIntent,
    FenceResult,
    ForgetAttributes,
    LeaderStarted,
    LeaveSession,
    NodeLost,
    OpenSession,
    Origin,
    RenewSession,
    UpdateAttributes,
)
from raftmaker.vocabulary.ids import BootId, ClusterId, NodeName, Session, Term, Token
from raftmaker.vocabulary.membership import FencePhase, NodeFacts

NODES = tuple(NodeName(name) for name in ("a", "b", "c"))
CLUSTER = ClusterId("alerts")


@dataclass
class Cluster:
    """Commits facts; every observer sees every state, unless told not to look."""

    state: State = field(default_factory=State)
    observers: dict[NodeName, Observer] = field(default_factory=dict)
    told: list[tuple[NodeName, AlertEvent]] = field(default_factory=list)
    """By whom, what."""
    boots: int = 0
    blind: set[NodeName] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.commit(CreateCluster(render(empty_cib({}, {}))))
        self.commit(LeaderStarted(Term(1), NODES[0]))
        for node in NODES:
            self.open(node)
            self.observe(node)
        self.told.clear()

    def observe(self, node: NodeName) -> None:
        """A controller starts on the node and sees the present state."""
        self.observers[node] = Observer(node=node, boot_id=self.of(node).boot_id)
        self._look(node)

    def commit(self, body: Body, token: Token | None = None) -> bool:
        """Apply a command and have it seen; tell whether it was taken."""
        command = Command(
            body=body,
            cluster_id=CLUSTER,
            generation=0,
            origin=Origin(at_us=1_000_000),
            token=token,
        )
        self.state, outcome = apply(self.state, self.state.index + 1, command)
        for node in self.observers:
            if node not in self.blind:
                self._look(node)
        return outcome.succeeded

    def look(self, node: NodeName) -> None:
        """The node sees the newest state, whatever it missed."""
        self.blind.discard(node)
        self._look(node)

    def _look(self, node: NodeName) -> None:
        state = self.state
        seen = StoreChanged(at_ms=0, index=state.index, cib=state.cib, facts=state.facts)
        self.observers[node], events = observe(self.observers[node], seen)
        self.told.extend((node, event) for event in events)

    def result(self, node: NodeName, result: Result) -> None:
        event = ExecutorResult(at_ms=0, result=result)
        self.observers[node], events = observe(self.observers[node], event)
        self.told.extend((node, event) for event in events)

    def of(self, node: NodeName) -> NodeFacts:
        facts = self.state.facts.of(node)
        assert facts is not None
        return facts

    # -- what happens to nodes ------------------------------------------------------------------

    def open(self, node: NodeName) -> bool:
        there = self.state.facts.of(node)
        self.boots += 1
        return self.commit(
            OpenSession(
                node=node,
                boot_id=BootId(f"{node}{self.boots}"),
                controller_start=1,
                replaces=there.session if there is not None else Session(0),
            )
        )

    def lose(self, node: NodeName) -> bool:
        there = self.of(node)
        return self.commit(
            NodeLost(
                node=node,
                boot_id=there.boot_id,
                session=there.session,
                term=self.state.facts.term,
            )
        )

    def renew(self, node: NodeName) -> bool:
        there = self.of(node)
        return self.commit(RenewSession(node=node, boot_id=there.boot_id, session=there.session))

    def leave(self, node: NodeName) -> bool:
        there = self.of(node)
        return self.commit(LeaveSession(node=node, boot_id=there.boot_id, session=there.session))

    def acquire(self, node: NodeName) -> bool:
        there = self.of(node)
        return self.commit(AcquireDc(node=node, boot_id=there.boot_id, session=there.session))

    def fence(self, node: NodeName, *, confirmed: bool) -> bool:
        token = self.state.facts.token
        there = self.of(node)
        if there.fencing is not FencePhase.INTENDED:
            self.commit(
                FenceIntent(
                    target=node, boot_id=there.boot_id, session=there.session, action="reboot"
                ),
                token,
            )
        return self.commit(
            FenceResult(
                target=node,
                boot_id=there.boot_id,
                session=there.session,
                confirmed=confirmed,
                device="ipmi" if confirmed else "",
            ),
            token,
        )

    def set(self, node: NodeName, name: str, value: str | None) -> bool:
        change = AttributeChange(name=name, node=node, value=value)
        return self.commit(UpdateAttributes((change,)))

    def forget(self, node: NodeName) -> bool:
        return self.commit(ForgetAttributes(node))
