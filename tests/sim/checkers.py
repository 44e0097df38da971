"""What must hold, judged from outside: by what really ran, what was committed, and who was heard.

No checker asks a core for its opinion. Each keeps its own small record of the world, and raises
`Violation` at the step that breaks a rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cib_store.apply import State
from cib_store.document.element import Element
from cib_store.document.path import find
from crmd.fsa import effects as fx
from crmd.fsa import events as ev
from crmd.fsa.membership import MARK
from lrmd.operations.values import OperationRequest
from raftmaker.vocabulary.commands import (
    AcquireDc,
    CibChange,
    Command,
    ControllerLost,
    FenceIntent,
    FenceResult,
    LeaveSession,
    NodeLost,
    OpenSession,
    RenewSession,
)
from raftmaker.vocabulary.ids import BootId, NodeName, Session, Token
from raftmaker.vocabulary.membership import ControllerPresence, FencePhase, Presence
from stonithd.fencing.effects import RunAgent
from stonithd.fencing.state import Operation
from tests.sim.configurations import PRIMITIVES
from tests.sim.log_model import Applied
from tests.sim.loop import MS

if TYPE_CHECKING:
    from tests.sim.cluster import Cluster
    from tests.sim.controller import Controller
    from tests.sim.executor import Executor
    from tests.sim.fencer import Fencer
    from tests.sim.store import Store


class Violation(AssertionError):
    """A rule was broken; `rule` names it, the message says how."""

    def __init__(self, rule: str, what: str) -> None:
        super().__init__(f"{rule}: {what}")
        self.rule = rule


class Checkers:
    """All checkers of one simulation."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.checks = 0
        self._facts = FactsChecker(cluster)
        self._takeover = TakeoverChecker(cluster)
        self._tokens = TokenChecker()
        self._joins = JoinChecker()
        cluster.agents.on_active.append(self._active)
        cluster.log.after_apply.append(self._applied)
        cluster.log.on_two_histories = self._two_histories

    def _two_histories(self, index: int) -> None:
        """Of two voters never both go on: what one of them committed is the other's history too."""
        raise Violation("one-history", f"two entries were committed at index {index}")

    def _active(self, node: NodeName, resource: str) -> None:
        """No primitive is active on two nodes."""
        self.checks += 1
        if resource in PRIMITIVES:
            places = self._cluster.agents.places(resource)
            if len(places) > 1:
                raise Violation("active-once", f"{resource} is active on {', '.join(places)}")

    def _applied(self, before: Applied, after: Applied) -> None:
        self.checks += 1
        self._facts.applied(before.state, after)
        self._takeover.applied(before.state, after)
        self._joins.applied(before.state, after.state)

    def executor_accepted(self, executor: Executor, request: OperationRequest) -> None:
        """The executor took an order in."""
        self.checks += 1
        self._tokens.executor(executor, request.token, "accepted")

    def executor_forks(self, executor: Executor, request: OperationRequest, *, first: bool) -> None:
        """The executor forks an agent; `first`: the first run of its operation."""
        self.checks += 1
        if first:
            self._tokens.executor(executor, request.token, f"forked {request.operation}")
        if request.operation == "start":
            self._takeover.starts(executor.machine.name, request.resource)

    def executor_raised(self, executor: Executor, token: Token) -> None:
        """The executor acknowledged a token."""
        self._tokens.executor(executor, token, "raised")

    def fencer_raised(self, fencer: Fencer, token: Token) -> None:
        """The fencer acknowledged a token."""
        self._tokens.fencer(fencer, token, "raised")

    def fencer_forks(self, fencer: Fencer, effect: RunAgent, operation: Operation) -> None:
        """A fence agent is run: its intent must be committed, its token the highest."""
        self.checks += 1
        what = f"ran {effect.action.value} of {effect.target}"
        self._tokens.fencer(fencer, operation.token, what)
        self._facts.device_runs(fencer.machine.name, operation)

    def loss_proposed(self, store: Store, body: NodeLost | ControllerLost | RenewSession) -> None:
        """A leader proposes a loss: not when it hears no majority itself."""
        self.checks += 1
        if not isinstance(body, NodeLost):
            return
        mine = store.machine.name
        voters = store.voter.voters
        deaf = [
            name for name in voters if name != mine and self._cluster.beats.is_silent(mine, name)
        ]
        if len(deaf) >= store.voter.majority:
            raise Violation(
                "minority-steps-down", f"{mine} declares {body.node} lost and hears not {deaf}"
            )

    def order_sent(self, controller: Controller, token: Token) -> None:
        """A DC gives an order: it must be in contact with a majority."""
        self.checks += 1
        machine = controller.machine
        contact_us = self._cluster.beats.answered_us(machine.name)
        limit_us = self._cluster.timings.dead_ms * MS
        age_us = machine.loop.now_us - contact_us if contact_us is not None else None
        if age_us is None or age_us > limit_us + MS:
            age = "never" if age_us is None else f"{age_us // MS} ms ago"
            raise Violation("dc-fresh", f"{machine.name} orders under {token}, contact {age}")

    def controller_stepped(
        self, controller: Controller, event: ev.Event, effects: tuple[fx.Effect, ...]
    ) -> None:
        """The controller's core made a step."""
        self.checks += 1
        for effect in effects:
            if isinstance(effect, fx.Record) and isinstance(effect.body, AcquireDc):
                self._first_dc(controller, effect.body)

    def order_taken(self, controller: Controller, meant: BootId) -> None:
        """A member took an order that names a boot."""
        if meant != controller.machine.boot_id:
            raise Violation(
                "order-names-boot",
                f"{controller.machine.boot_id} carries out an order for {meant}",
            )

    def join_accepted(self, controller: Controller, answer: fx.JoinAccepted) -> None:
        """A member joined: what it tells must become its history in the CIB."""
        self._joins.accepted(controller.machine.name, answer)

    def _first_dc(self, controller: Controller, body: AcquireDc) -> None:
        """A controller proposes itself: on a cold start only when all are there, or in time."""
        self.checks += 1
        store = controller.store
        if store is None or controller.has_met_dc:
            return
        facts = store.facts
        present = {one.node for one in facts.nodes if one.is_present}
        waited_us = controller.machine.loop.now_us - controller.started_us
        if set(self._cluster.nodes) <= present or waited_us >= self._cluster.dc_deadtime_ms * MS:
            return
        raise Violation(
            "first-dc-waits",
            f"{body.node} wants to be the first DC after {waited_us // MS} ms"
            f" with {sorted(present)} present",
        )


class TokenChecker:
    """Nobody does under a token lower than the highest he ever acknowledged in this boot."""

    def __init__(self) -> None:
        self._executors: dict[BootId, Token] = {}
        self._fencers: dict[NodeName, Token] = {}

    def executor(self, executor: Executor, token: Token, what: str) -> None:
        """An executor did something under a token."""
        boot = executor.machine.boot_id
        known = self._executors.get(boot, Token())
        if token < known:
            raise Violation("executor-token", f"{boot} {what} under {token} after {known}")
        self._executors[boot] = token

    def executor_token(self, boot: BootId) -> Token:
        """Return the highest token acknowledged in a boot."""
        return self._executors.get(boot, Token())

    def fencer(self, fencer: Fencer, token: Token, what: str) -> None:
        """A fencer did something under a token; its token outlives boots."""
        node = fencer.machine.name
        known = self._fencers.get(node, Token())
        if token < known:
            raise Violation("fencer-token", f"{node} {what} under {token} after {known}")
        self._fencers[node] = token


class JoinChecker:
    """On its return the executor's full state replaces what the CIB says of a node."""

    def __init__(self) -> None:
        self._told: dict[tuple[NodeName, str], dict[str, frozenset[int]]] = {}

    def accepted(self, node: NodeName, answer: fx.JoinAccepted) -> None:
        """A member told its inventory in answer to the join of this number."""
        calls: dict[str, set[int]] = {}
        for result in answer.inventory.history:
            calls.setdefault(result.request.resource, set()).add(result.call_id)
        for pending in answer.inventory.pending:
            calls.setdefault(pending.request.resource, set()).add(pending.call_id)
        mark = f"-{answer.number}"
        self._told[node, mark] = {name: frozenset(ids) for name, ids in calls.items()}

    def applied(self, before: State, after: State) -> None:
        """One entry was applied: a node's join mark may have changed."""
        old, new = before.cib.child("status"), after.cib.child("status")
        if new is None or old is new:
            return
        marks = {one.id: one.get(MARK) for one in old.each()} if old is not None else {}
        for state in new.each("node_state"):
            mark = state.get(MARK)
            if mark and marks.get(state.id) != mark:
                self._compare(state, mark)

    def _compare(self, state: Element, mark: str) -> None:
        told = self._told.get((NodeName(state.id), mark[mark.rindex("-") :]))
        if told is None:
            return
        for element in state.walk():
            if element.tag != "lrm_resource":
                continue
            shown = {int(one.get("call-id", "-1")) for one in element.each("lrm_rsc_op")}
            strange = {call for call in shown if call > 0} - told.get(element.id, frozenset())
            if strange:
                raise Violation(
                    "return-resyncs",
                    f"{state.id} joined, yet the CIB keeps calls {sorted(strange)} of"
                    f" {element.id} that its executor did not tell",
                )


class FactsChecker:
    """A command that names what is not current changes nothing; what grows never shrinks."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._executed: set[tuple[str, int]] = set()
        self._intents: set[tuple[NodeName, BootId, Session]] = set()
        self.late_devices = 0
        """Devices that were run for a session that was over: a node that had come back is hit."""
        self._lost_controller_us: dict[tuple[NodeName, Session], int] = {}
        self._sessions_us: dict[tuple[NodeName, Session], int] = {}

    def applied(self, before: State, applied: Applied) -> None:
        """One entry was applied."""
        command, after = applied.command, applied.state
        if command is None:
            return
        changed = after.facts != before.facts or after.cib is not before.cib
        fault = self._fault(before, command)
        if fault and changed:
            raise Violation(fault[0], f"{command.body} took effect though {fault[1]}")
        self._monotone(before, after)
        if changed:
            if command.sequence:
                self._executed.add((command.client_id, command.sequence))
            self._took_effect(before, after, command)

    def _fault(self, before: State, command: Command) -> tuple[str, str] | None:
        facts = before.facts
        if facts.cluster_id and command.cluster_id != facts.cluster_id:
            return "foreign-cluster", f"it is of cluster {command.cluster_id}"
        if command.generation < facts.generation:
            return "generation", f"generation {facts.generation} won"
        if command.token is not None and command.token < facts.token:
            return "store-token", f"token {facts.token} was granted"
        if command.sequence:
            if (command.client_id, command.sequence) in self._executed:
                return "once", "it had been executed"
            if command.client_id not in before.clients:
                return "unknown-client", "nobody knows its client session"
        body = command.body
        if isinstance(body, CibChange):
            for condition in body.preconditions:
                there = find(before.cib, condition.path)
                if (there.digest if there is not None else b"") != condition.digest:
                    return "precondition", f"{condition.path} had changed"
        return self._fact_fault(before, command)

    def _fact_fault(self, before: State, command: Command) -> tuple[str, str] | None:
        body, facts = command.body, before.facts
        match body:
            case NodeLost() | ControllerLost() | RenewSession() | LeaveSession() | AcquireDc():
                node = body.node
            case FenceIntent() | FenceResult():
                node = body.target
            case OpenSession():
                there = facts.of(body.node)
                if there is not None and there.fencing is FencePhase.INTENDED:
                    return "intent-bars-return", "its fencing is intended"
                return None
            case _:
                return None
        there = facts.of(node)
        if there is None:
            return None if isinstance(body, FenceIntent) else ("boot", "the node has no session")
        if body.boot_id != there.boot_id:
            return "boot", f"the boot is {there.boot_id}"
        if body.session != there.session:
            return "session", f"the session is {there.session}"
        if isinstance(body, NodeLost | ControllerLost) and body.term != facts.term:
            return "term", f"the term is {facts.term}"
        if isinstance(body, RenewSession) and there.fencing in (
            FencePhase.INTENDED,
            FencePhase.CONFIRMED,
        ):
            return "intent-bars-return", f"its fencing is {there.fencing.value}"
        return None

    def _monotone(self, before: State, after: State) -> None:
        old, new = before.facts, after.facts
        if new is old:
            return
        if (new.generation, new.token, new.term) < (old.generation, old.token, old.term) or (
            new.token < old.token or new.term < old.term or new.generation < old.generation
        ):
            raise Violation("monotone", f"{new} is behind {old}")
        for one in new.nodes:
            self._sessions_us.setdefault((one.node, one.session), self._cluster.loop.now_us)
        for one in old.nodes:
            there = new.of(one.node)
            if there is None or there.session < one.session:
                raise Violation("monotone", f"{one.node} lost a session number")
        if new.dc is not None and old.dc is not None and new.dc.token != old.dc.token:
            raise Violation("one-dc", f"{new.dc} while {old.dc} holds the lease")

    def _took_effect(self, before: State, after: State, command: Command) -> None:
        body = command.body
        now_us = self._cluster.loop.now_us
        match body:
            case NodeLost():
                self._judge(body)
            case ControllerLost():
                self._lost_controller_us[body.node, body.session] = now_us
            case FenceIntent():
                self._intents.add((body.target, body.boot_id, body.session))
                there = before.facts.of(body.target)
                since_us = self._lost_controller_us.get((body.target, body.session))
                delay_us = self._cluster.timings.controller_fence_delay_ms * MS
                if (
                    there is not None
                    and there.presence is Presence.MEMBER
                    and there.controller is ControllerPresence.LOST
                    and since_us is not None
                    and now_us - since_us < delay_us
                    # What was intended for another reason, and took long to be committed, stands.
                    and command.origin.at_us >= self._cluster.wall_us() - now_us + since_us
                ):
                    raise Violation(
                        "controller-fence-delay",
                        f"{body.target} is to be fenced {(now_us - since_us) // MS} ms after"
                        f" its controller was lost: {body.reason}",
                    )
            case _:
                pass

    def _judge(self, body: NodeLost) -> None:
        """Judge a loss; one that an earlier leader left behind may be revoked by the next.

        That has to be in its log before the loss is committed, ahead of any intent.
        """
        try:
            self._judge_loss(body.node, body.boot_id, body.session)
        except Violation:
            log = self._cluster.log
            for following in log.behind(log.newest.index):
                match following:
                    case RenewSession() if following.session == body.session:
                        if following.node == body.node and log.committing_term > body.term:
                            return
                    case FenceIntent() if following.target == body.node:
                        raise
            raise

    def _judge_loss(self, node: NodeName, boot_id: BootId, session: Session) -> None:
        """A boot is either answered or lost, never both; and a majority must not hear it."""
        if self._cluster.machines[node].boot_id != boot_id:
            return  # it is over
        beats = self._cluster.beats
        now_us = self._cluster.loop.now_us
        contact_us = beats.answered_us(node)
        dead_us = self._cluster.timings.dead_ms * MS
        if contact_us is not None and now_us - contact_us < dead_us:
            raise Violation(
                "answered-or-lost",
                f"{node} is lost, yet a majority answered it {(now_us - contact_us) // MS} ms ago",
            )
        since_us = self._sessions_us.get((node, session), 0)
        voters = self._cluster.log.voters
        silent = [one for one in beats.silent_since(node, since_us) if one in voters]
        if len(silent) < self._cluster.log.majority:
            raise Violation("majority-silent", f"{node} is lost, yet silent only for {silent}")

    def device_runs(self, node: NodeName, operation: Operation) -> None:
        """A device is used: an intent for the session that it is used for must be committed.

        Or it is used by one of two nodes, whose store could go on alone after that.
        """
        session = (operation.target, operation.boot_id, operation.session)
        may_end = self._cluster.stores[node].survivor.may_end
        if session not in self._intents and session[:2] not in may_end:
            raise Violation("intent-first", f"a device runs without an intent for {session}")
        there = self._cluster.log.newest.state.facts.of(operation.target)
        if there is not None and (there.boot_id, there.session) != session[1:]:
            self.late_devices += 1


class TakeoverChecker:
    """Nothing of a lost node starts elsewhere before its fencing is committed.

    With fencing off: before the dead time and the grace have passed since the node's last beat
    that a majority answered.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._held: dict[NodeName, dict[str, int]] = {}

    def applied(self, before: State, applied: Applied) -> None:
        """Losses hold what ran there; confirmations and returns let it go."""
        command = applied.command
        facts = applied.state.facts
        if command is None or facts is before.facts:
            return
        for one in facts.nodes:
            old = before.facts.of(one.node)
            if one.presence is Presence.LOST and (old is None or old.presence is not Presence.LOST):
                self._hold(one.node)
            if one.fencing is FencePhase.CONFIRMED or one.presence is not Presence.LOST:
                self._held.pop(one.node, None)

    def _hold(self, node: NodeName) -> None:
        cluster = self._cluster
        contact_us = cluster.beats.answered_us(node)
        begin_us = cluster.loop.now_us if contact_us is None else contact_us
        timings = cluster.timings
        until_us = begin_us + (timings.dead_ms + timings.no_quorum_stop_grace_ms) * MS
        self._held[node] = {
            resource: until_us for place, resource in sorted(cluster.agents.active) if place == node
        }

    def starts(self, node: NodeName, resource: str) -> None:
        """A start is forked on `node`."""
        if resource not in PRIMITIVES:
            return
        for lost, held in self._held.items():
            until_us = held.get(resource)
            if until_us is None or lost == node:
                continue
            if self._cluster.has_fencing:
                raise Violation(
                    "confirmation-first",
                    f"{resource} starts on {node}, yet {lost} that ran it is lost and not fenced",
                )
            if self._cluster.loop.now_us < until_us:
                early_ms = (until_us - self._cluster.loop.now_us) // MS
                raise Violation(
                    "takeover-waits",
                    f"{resource} starts on {node} {early_ms} ms too early after the loss of {lost}",
                )
