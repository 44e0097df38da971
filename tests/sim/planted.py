"""Planted faults: each function breaks one rule, by showing a core what it would let pass.

That is the same as the core without its check, and needs no switch in it. `Rules` says which are
broken; with all rules on every function here returns what it was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from msgspec.structs import replace

from cib_store.apply import State
from cib_store.document.codec import parse, render
from cib_store.document.element import Element
from crmd.fsa import changes
from crmd.fsa.executor import Inventory
from raftmaker.vocabulary.commands import (
    AcquireDc,
    Body,
    CibChange,
    Command,
    ControllerLost,
    FenceIntent,
    FenceResult,
    LeaveSession,
    NodeLost,
    OpenSession,
    OperationKind,
    RenewSession,
)
from raftmaker.vocabulary.membership import Facts, FencePhase
from tests.sim.rules import Rules


@contextmanager
def overlooked(rules: Rules) -> Iterator[None]:
    """Run with what a core would not notice: where nothing that it is shown could hide it."""
    if rules.return_plans_anew:
        yield
        return
    with patch.object(changes, "_returned", lambda old, new: False):
        yield


def command_let_pass(rules: Rules, state: State, command: Command) -> Command:
    """Make a command look current in what the broken rules should have refused it for."""
    facts = state.facts
    if not rules.foreign_cluster_refused:
        command = replace(command, cluster_id=facts.cluster_id or command.cluster_id)
    if not rules.lower_generation_refused:
        command = replace(command, generation=max(command.generation, facts.generation))
    if not rules.store_checks_token and command.token is not None:
        command = replace(command, token=max(command.token, facts.token))
    if not rules.retries_run_once or (
        not rules.unknown_client_refused and command.client_id not in state.clients
    ):
        command = replace(command, sequence=0)
    return replace(command, body=_body_let_pass(rules, facts, command.body))


def _body_let_pass(rules: Rules, facts: Facts, body: Body) -> Body:
    match body:
        case CibChange() if not rules.preconditions_hold:
            return replace(body, preconditions=())
        case NodeLost() | ControllerLost():
            if not rules.term_current:
                body = replace(body, term=facts.term)
            return _named(rules, facts, body)
        case RenewSession() | LeaveSession() | AcquireDc() | FenceIntent() | FenceResult():
            return _named(rules, facts, body)
        case _:
            return body


Named = (
    NodeLost | ControllerLost | RenewSession | LeaveSession | AcquireDc | FenceIntent | FenceResult
)


def _named(rules: Rules, facts: Facts, body: Named) -> Named:
    node = body.target if isinstance(body, FenceIntent | FenceResult) else body.node
    there = facts.of(node)
    if there is None:
        return body
    if not rules.boot_current and there.boot_id != body.boot_id:
        # Whoever named another boot named another session too.
        return replace(body, boot_id=there.boot_id, session=there.session)
    if not rules.session_current and there.boot_id == body.boot_id:
        return replace(body, session=there.session)
    return body


def state_let_pass(rules: Rules, state: State, command: Command) -> State:
    """Make the state look as if the broken rules did not depend on it."""
    body = command.body
    if rules.intent_bars_return or not isinstance(body, OpenSession | RenewSession):
        return state
    there = state.facts.of(body.node)
    if there is None or there.fencing not in (FencePhase.INTENDED, FencePhase.CONFIRMED):
        return state
    nodes = tuple(
        replace(one, fencing=FencePhase.NONE) if one.node == body.node else one
        for one in state.facts.nodes
    )
    return replace(state, facts=replace(state.facts, nodes=nodes))


def cib_let_pass(rules: Rules, cib: Element) -> Element:
    """Make lost nodes look fenced to the scheduler, so that it waits for nothing."""
    status = cib.child("status")
    if rules.confirmation_first or status is None:
        return cib
    children = tuple(
        one.with_attributes({"join": "down", "expected": "down"}).with_children(())
        if one.tag == "node_state" and one.get("in_ccm") == "0"
        else one
        for one in status.children
    )
    return cib.with_children(
        tuple(one.with_children(children) if one.tag == "status" else one for one in cib.children)
    )


def inventory_overlooked(inventory: Inventory) -> Inventory:
    """What a DC would know that did not take stock: nothing of what still runs and waits."""
    return replace(inventory, pending=())


def without_inventory(change: CibChange) -> CibChange:
    """The write after a join, without the executor's history in it."""
    if not any(
        "/lrm" in one.path and one.kind is OperationKind.DELETE for one in change.operations
    ):
        return change
    kept = []
    for one in change.operations:
        if one.xml and "<lrm id=" in one.xml:
            kept.append(replace(one, xml=render(_without_lrm(parse(one.xml)), indent=0)))
        elif one.xml:
            kept.append(one)
    return replace(change, operations=tuple(kept))


def _without_lrm(element: Element) -> Element:
    children = tuple(_without_lrm(one) for one in element.children if one.tag != "lrm")
    return element.with_children(children)
