"""One controller core in a cluster whose store is the real `apply`; everybody else is the test.

Nothing of ours is replaced: what the core records is applied and comes back as a view. What it asks
of executor, members, fencers and scheduler is kept for the test to answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from cib_store.apply import State, apply
from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.document.sections import empty_cib
from crmd.fsa import effects, events
from crmd.fsa.cib import node_state
from crmd.fsa.config import Config
from crmd.fsa.effects import Effect
from crmd.fsa.events import Event
from crmd.fsa.executor import AgentTraits
from crmd.fsa.joins import join_change
from crmd.fsa.machine import initial, step
from crmd.fsa.membership import mark_of
from crmd.fsa.results import change_of
from crmd.fsa.state import ControllerState, Dc, Name, QueuedResult
from crmd.scheduler.graph import ActionKind, ActionResource, Graph, GraphAction
from crmd.transition.throttle import NodeLoad
from lrmd.operations.values import (
    Agent,
    Inventory,
    OperationRequest,
    Outcome,
    Result,
    Standard,
)
from raftmaker.vocabulary.codes import ExitCode, OcfCode, OpStatus
from raftmaker.vocabulary.commands import (
    AcquireDc,
    Body,
    Command,
    CreateCluster,
    LeaderStarted,
    NodeLost,
    OpenSession,
    Origin,
)
from raftmaker.vocabulary.feature_set import FEATURE_SET
from raftmaker.vocabulary.ids import BootId, ClusterId, NodeName, ResourceId, Session, Term, Token
from raftmaker.vocabulary.members import Members

CLUSTER = ClusterId("test")
A, B, C = NodeName("a"), NodeName("b"), NodeName("c")
NOBODY = NodeName("")
FIRST = Token(0, 1)
NEVER_ANSWERED_MS = 1_850
"""A process whose beats nobody answered is isolated after dead time and a quarter of the grace."""
DUMMY = Agent(Standard.OCF, "heartbeat", "Dummy")
Kind = TypeVar("Kind", bound=Effect)


def boot(node: NodeName) -> BootId:
    return BootId(f"boot-{node}")


def action(
    number: int,
    task: str = "start",
    *inputs: int,
    resource: str = "web",
    node: str = "b",
    interval_ms: int = 0,
    expected: int = 0,
    kind: ActionKind = ActionKind.RESOURCE,
    **attributes: str,
) -> GraphAction:
    standard = {"CRM_meta_timeout": "20000", "CRM_meta_op_target_rc": str(expected)}
    if interval_ms:
        standard["CRM_meta_interval"] = str(interval_ms)
    return GraphAction(
        id=number,
        kind=kind,
        operation=task,
        operation_key=f"{resource}_{task}_{interval_ms}",
        on_node=node,
        resource=ActionResource(id=resource, standard="ocf", provider="heartbeat", type="Dummy"),
        attributes={**standard, **attributes},
        inputs=inputs,
    )


def fence(target: str, number: int = 1) -> GraphAction:
    return GraphAction(
        id=number,
        kind=ActionKind.CLUSTER,
        operation="stonith",
        operation_key=f"stonith-{target}-reboot",
        on_node=target,
        attributes={"CRM_meta_stonith_action": "reboot"},
    )


class World:
    """Node a's controller, and the cluster around it."""

    def __init__(
        self,
        *options: tuple[str, str],
        feature_set: str = FEATURE_SET,
        software: str = "",
        cluster_name: str = "",
        members: Members | None = None,
    ) -> None:
        """`members`: as they were written down before the start; None: they were not."""
        self.at_ms = 10_000
        self.cib_root = {"crm_feature_set": feature_set}
        self.store = State()
        self.cib_options = dict(options)
        self.core: ControllerState = initial(
            Config(
                node=A,
                boot_id=boot(A),
                controller_start=1,
                uuid="uuid-a",
                nodes=(A, B, C),
                software=software,
                cluster_name=cluster_name,
                members=members or Members(),
            )
        )
        self.sent: list[Effect] = []
        self.silent_store = False
        self.recorded: list[Body] = []
        self._held: list[effects.Record] = []
        self.commit(CreateCluster(render(empty_cib(self.cib_root, self.cib_options))))
        self.commit(LeaderStarted(Term(1), B))

    # --- the store -----------------------------------------------------------------------------

    def commit(self, body: Body, token: Token | None = None, node: NodeName = NOBODY) -> ExitCode:
        command = Command(
            body=body,
            cluster_id=CLUSTER,
            generation=0,
            token=token,
            origin=Origin(node=node, at_us=5_000_000),
        )
        self.store, outcome = apply(self.store, self.store.index + 1, command)
        return outcome.code

    def show(self) -> None:
        """Let the core's watch catch up."""
        self.take(
            events.StoreChanged(
                at_ms=self.at_ms,
                index=self.store.index,
                cib=self.store.cib,
                facts=self.store.facts,
            )
        )

    @property
    def status(self) -> Element:
        status = self.store.cib.child("status")
        assert status is not None
        return status

    def node_state(self, node: NodeName) -> Element:
        state = node_state(self.store.cib, node)
        assert state is not None
        return state

    def ops(self, node: NodeName) -> dict[str, Element]:
        return {one.id: one for one in self.node_state(node).walk() if one.tag == "lrm_rsc_op"}

    def attributes(self, node: NodeName) -> dict[str, str]:
        pairs = (one for one in self.node_state(node).walk() if one.tag == "nvpair")
        return {pair.get("name"): pair.get("value") for pair in pairs}

    # --- the core ------------------------------------------------------------------------------

    def take(self, event: Event) -> list[Effect]:
        """Give the core an event; what it records is committed at once, unless held back."""
        self.core, ordered = step(self.core, event)
        self.sent.extend(ordered)
        for effect in ordered:
            if isinstance(effect, effects.Record):
                self.recorded.append(effect.body)
                self._held.append(effect)
        if not self.silent_store:
            self.settle()
        return list(ordered)

    def settle(self) -> None:
        """Commit what the core recorded; a view comes before the answer."""
        while self._held:
            record = self._held.pop(0)
            code = self.commit(record.body, record.token, record.about or A)
            self.show()
            self.take(
                events.Recorded(
                    at_ms=self.at_ms, request=record.request, code=code, index=self.store.index
                )
            )

    def drop_records(self) -> list[effects.Record]:
        """Lose what was recorded; the core hears nothing."""
        held, self._held = self._held, []
        return held

    def name(self) -> Name:
        """Return the state's name; a method, as a type checker would not let it change."""
        return self.core.name

    def dc(self) -> Dc | None:
        """Return what the core knows as DC; a method for the same reason."""
        return self.core.dc

    def last_body(self) -> Body:
        """Return what was recorded last."""
        return self.recorded[-1]

    def found(self, kind: type[Kind]) -> list[Kind]:
        return [effect for effect in self.sent if isinstance(effect, kind)]

    def last(self, kind: type[Kind]) -> Kind:
        found = self.found(kind)
        assert found, f"no {kind.__name__}"
        return found[-1]

    def take_all(self, kind: type[Kind]) -> list[Kind]:
        """Return and forget the effects of a kind."""
        found = self.found(kind)
        self.sent = [effect for effect in self.sent if not isinstance(effect, kind)]
        return found

    def pass_time(self, duration_ms: int, *, beats: bool = True) -> None:
        """Let time pass; timers fire, and with `beats` contact goes on."""
        end_ms = self.at_ms + duration_ms
        while self.at_ms < end_ms:
            due = [at_ms for at_ms in self.core.timers.values() if at_ms <= end_ms]
            next_beat_ms = self.at_ms + 100 if beats else end_ms
            self.at_ms = max(self.at_ms, min([end_ms, next_beat_ms, *due]))
            if beats:
                self.beat()
            for timer, at_ms in list(self.core.timers.items()):
                if at_ms <= self.at_ms and self.core.timers.get(timer) == at_ms:
                    self.take(events.TimerFired(at_ms=self.at_ms, timer=timer))
            if self.at_ms >= end_ms:
                return

    def beat(self) -> None:
        self.take(events.BeatsAnswered(at_ms=self.at_ms, sent_at_ms=self.at_ms))

    # --- the way to a role -----------------------------------------------------------------------

    def start(self, *others: NodeName) -> None:
        """Start node a, and after it the `others` that have no session already."""
        self.take(events.Started(at_ms=self.at_ms))
        self.take(events.ExecutorReturned(at_ms=self.at_ms, incarnation="i1"))
        self.beat()
        self.show()
        for node in others:
            self.commit(OpenSession(node=node, boot_id=boot(node), controller_start=1))
            self.show()

    def answer_executor(self, inventory: Inventory | None = None) -> None:
        """Answer what the core asked the local executor for its inventory."""
        asked: list[effects.RaiseToken | effects.AskExecutor] = [
            *self.take_all(effects.RaiseToken),
            *self.take_all(effects.AskExecutor),
        ]
        for effect in asked:
            token = effect.token if isinstance(effect, effects.RaiseToken) else Token(0, 1)
            known = inventory or Inventory(boot_id=boot(A), incarnation="i1", token=token)
            self.take(
                events.ExecutorState(at_ms=self.at_ms, request=effect.request, inventory=known)
            )

    def answer_joins(self, inventories: dict[NodeName, Inventory] | None = None) -> None:
        """Let every member that is asked join; this node by its own core."""
        for join in self.take_all(effects.SendJoin):
            known = (inventories or {}).get(
                join.node, Inventory(boot_id=boot(join.node), incarnation="i", token=join.token)
            )
            number = 1
            if join.node == A:
                self.request_join(join.token, dc=A)
                self.answer_executor(known)
                accepted = self.last(effects.JoinAccepted)
                known, number = accepted.inventory, accepted.number
            self.take(
                events.JoinAnswered(
                    at_ms=self.at_ms,
                    node=join.node,
                    token=join.token,
                    session=join.session,
                    inventory=known,
                    number=number,
                    load=NodeLoad(),
                )
            )

    def request_join(self, token: Token, *, dc: NodeName, call: int = 1) -> None:
        mine = self.store.facts.of(A)
        assert mine is not None
        self.take(
            events.JoinRequested(
                at_ms=self.at_ms,
                call=call,
                dc=dc,
                token=token,
                boot_id=boot(A),
                session=mine.session,
            )
        )

    def become_dc(self, inventories: dict[NodeName, Inventory] | None = None) -> None:
        """Start the cluster with this node as its DC, everyone joined, a schedule asked for."""
        self.start(B, C)
        assert self.core.dc is not None, self.name()
        self.answer_joins(inventories)
        assert self.name() is Name.S_POLICY_ENGINE

    def become_member(self) -> Token:
        """Start the cluster with b as DC, this node joined."""
        self.commit(OpenSession(node=B, boot_id=boot(B), controller_start=1))
        self.commit(AcquireDc(node=B, boot_id=boot(B), session=Session(1)))
        self.start(B)
        token = self.store.facts.token
        self.request_join(token, dc=B)
        self.answer_executor()
        self.store_join()
        assert self.name() is Name.S_NOT_DC
        return token

    def store_join(self) -> None:
        """Do what the DC b does with this node's answer."""
        accepted = self.last(effects.JoinAccepted)
        token = accepted.inventory.token
        change = join_change(self.store.cib, A, mark_of(token, accepted.number), accepted.inventory)
        assert self.commit(change, token, B) is ExitCode.OK
        self.show()

    def schedule(self, *actions: GraphAction, **graph: str) -> None:
        """Answer the newest question to the scheduler."""
        self.take(
            events.ScheduleReady(
                at_ms=self.at_ms,
                request=self.last(effects.Schedule).request,
                graph=Graph(actions=actions, **graph),  # type: ignore[arg-type]  # text options
                now_s=1_700_000_000,
            )
        )

    def member_reports(self, order: effects.SendOrder, code: int = 0, call_id: int = 1) -> None:
        """Let the member commit the result of an order, as its own controller would."""
        result = result_of(order.operation, code=code, serial=call_id, call_id=call_id)
        change = change_of(
            self.store.cib, order.node, (QueuedResult(result),), {result.serial: AgentTraits()}
        )
        assert self.commit(change, None, order.node) is ExitCode.OK
        self.show()

    def accept(self, order: effects.SendOrder) -> None:
        self.take(events.OrderAccepted(at_ms=self.at_ms, order=order.order, node=order.node))

    def lose(self, node: NodeName) -> None:
        facts = self.store.facts.of(node)
        assert facts is not None
        lost = NodeLost(node=node, boot_id=facts.boot_id, session=facts.session, term=Term(1))
        assert self.commit(lost) is ExitCode.OK
        self.show()

    def configure(self, change: Callable[[Element], Element]) -> None:
        """Change the CIB as a tool would."""
        self.store = replace(self.store, cib=change(self.store.cib), index=self.store.index + 1)
        self.show()


def request(
    task: str = "start",
    *,
    resource: str = "web",
    interval_ms: int = 0,
    token: Token = FIRST,
    key: str = "1:1:0:uuid-b",
    expected: OcfCode = OcfCode.OK,
    **parameters: str,
) -> OperationRequest:
    return OperationRequest(
        resource=ResourceId(resource),
        agent=DUMMY,
        operation=task,
        token=token,
        interval_ms=interval_ms,
        transition_key=key,
        expected_code=expected,
        parameters=parameters,
        meta={"timeout": "20000"},
    )


def result_of(
    operation: OperationRequest,
    *,
    code: int = 0,
    status: OpStatus = OpStatus.DONE,
    serial: int = 1,
    call_id: int = 1,
    reason: str = "",
    at_s: int = 1_700_000_000,
) -> Result:
    return Result(
        serial=serial,
        call_id=call_id,
        request=operation,
        outcome=Outcome(code=OcfCode(code), status=status, exit_reason=reason),
        last_change_us=at_s * 1_000_000,
        exec_ms=12,
        queue_ms=3,
    )


def with_option(cib: Element, name: str, value: str) -> Element:
    pair = Element("nvpair", {"id": name, "name": name, "value": value})
    options = Element("cluster_property_set", {"id": "cib-bootstrap-options"}, (pair,))
    crm_config = Element("crm_config", {}, (options,))
    configuration = cib.child("configuration")
    assert configuration is not None
    changed = configuration.with_children(
        tuple(crm_config if one.tag == "crm_config" else one for one in configuration.children)
    )
    return cib.with_children((changed, *cib.children[1:]))
