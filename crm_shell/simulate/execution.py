"""Playing a transition through on a copy of the CIB, every action succeeding (features 27)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from cib_store.document.element import Element
from cib_store.model.values import parse_integer
from crm_shell.simulate.injections import (
    Operation,
    note_text,
    parse_operation,
    with_failure,
    with_result,
)
from crm_shell.simulate.states import merged, node_state, with_history, with_state
from crmd.scheduler.graph import ActionKind, Graph, GraphAction
from crmd.scheduler.parameter_digest import digest_of
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.feature_set import FEATURE_SET

_LEFT_OUT = ("crm_feature_set", "id", "op-digest", "on_node", "on_node_uuid", "pcmk_external_ip")
_NO_UUID = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"


class Rehearsal(Struct):
    """The CIB as it becomes, and the lines about what happens."""

    cib: Element
    run: Run
    when: int
    failures: tuple[str, ...] = ()
    """Operations that shall fail: ``RSC_TASK_MS@NODE=RC``."""
    events: list[Element] = field(default_factory=list)
    """What happened, as elements of the XML output; `event_text` says one in words."""
    stopped: bool = False
    """An operation failed, so nothing after it is carried out."""


def execution_order(graph: Graph) -> Iterator[GraphAction]:
    """Yield the actions in the order in which they are carried out.

    Sweep over all in their order, again and again; what has all its inputs done is done at once.
    """
    waiting = list(graph.actions)
    done: set[int] = set()
    while waiting:
        left: list[GraphAction] = []
        for action in waiting:
            if all(first in done for first in action.inputs):
                done.add(action.id)
                yield action
            else:
                left.append(action)
        if len(left) == len(waiting):
            return
        waiting = left


def execute(
    run: Run, cib: Element, graph: Graph, *, when: int, failures: tuple[str, ...] = ()
) -> Rehearsal:
    """Carry out a graph on paper; results bear the time `when` (epoch)."""
    rehearsal = Rehearsal(cib, run, when, failures)
    for action in execution_order(graph):
        if rehearsal.stopped:
            break
        match action.kind:
            case ActionKind.PSEUDO:
                place = {"node": action.on_node} if action.on_node is not None else {}
                event = Element("pseudo_action", {"task": action.operation_key, **place})
                rehearsal.events.append(event)
            case ActionKind.RESOURCE:
                _do_resource_action(rehearsal, action)
            case ActionKind.CLUSTER if action.operation == "stonith":
                _fence(rehearsal, action)
            case ActionKind.CLUSTER:
                given = {"task": action.operation, "node": action.on_node or ""}
                if action.resource is not None:
                    given["id"] = action.resource.id
                rehearsal.events.append(Element("cluster_action", given))
    return rehearsal


def event_text(event: Element) -> str:
    """Say in words what happened."""
    given = event.attributes
    match event.tag:
        case "pseudo_action":
            place = f" on {given['node']}" if "node" in given else ""
            return f"  * Pseudo action:   {given['task']}{place}"
        case "rsc_action":
            interval = f"={given['interval']}" if "interval" in given else ""
            task = f"{given['op']}{interval} on {given['node']}"
            return f"  * Resource action: {given['resource']:<15} {task}"
        case "fencing_action":
            return f"  * Fencing {given['target']} ({given['op']})"
        case "cluster_action":
            about = f" for {given['id']}" if "id" in given else ""
            return f"  * Cluster action:  {given['task']}{about} on {given['node']}"
        case "inject_attr":
            return note_text(event)
        case _:
            return event.text


def _do_resource_action(rehearsal: Rehearsal, action: GraphAction) -> None:
    rsc = action.resource
    assert rsc is not None
    assert action.on_node is not None
    name = rsc.id
    known = rehearsal.run.find_resource
    if rsc.long_id is not None and known(name) is None and known(rsc.long_id) is not None:
        name = rsc.long_id
    given = {"resource": name, "op": action.operation, "node": action.on_node}
    unrecorded = action.operation in ("delete", "meta-data")
    if action.interval_ms and not unrecorded:
        given["interval"] = str(action.interval_ms)
    rehearsal.events.append(Element("rsc_action", given))
    if unrecorded:
        return
    node_id = action.on_node if action.router_node is not None else action.on_node_uuid
    state = node_state(rehearsal.cib, action.on_node, node_id or action.on_node)
    history = _history(state, name, action)
    failure = _wanted_failure(rehearsal, action, name)
    if failure is None:
        entries = _entries(history, action, rehearsal.when)
    else:
        state = _fail(rehearsal, action, state, failure)
        entries = with_result(history.children, failure, rehearsal.when)
    updated = with_history(state, history.with_children(entries))
    rehearsal.cib = with_state(rehearsal.cib, updated)


def _wanted_failure(rehearsal: Rehearsal, action: GraphAction, name: str) -> Operation | None:
    """Return the outcome that somebody asked for; the name may be the instance's or its base."""
    assert action.resource is not None
    for spec in rehearsal.failures:
        wanted = parse_operation(spec)
        if wanted is None or wanted.node.lower() != (action.on_node or "").lower():
            continue
        names = (name.lower(), action.resource.id.lower())
        task = (action.operation, action.interval_ms)
        if wanted.rsc.lower() in names and (wanted.task, wanted.interval_ms) == task:
            return wanted
    return None


def _fail(rehearsal: Rehearsal, action: GraphAction, state: Element, failure: Operation) -> Element:
    said = f"Pretending action {action.id} failed with rc={failure.code}"
    rehearsal.events.append(Element("info", {}, (), said))
    rehearsal.stopped = True
    fatal = failure.task == "stop" or (
        failure.task == "start" and rehearsal.run.start_failure_fatal
    )
    state, notes = with_failure(state, failure, infinite=fatal, when=rehearsal.when)
    rehearsal.events += notes
    return state


def _history(state: Element, name: str, action: GraphAction) -> Element:
    lrm = state.child("lrm")
    histories = lrm.child("lrm_resources") if lrm is not None else None
    rsc = action.resource
    assert rsc is not None
    for wanted in (name, rsc.id):
        known = histories.each("lrm_resource") if histories is not None else ()
        matching = [history for history in known if history.id == wanted]
        if len(matching) == 1:
            return matching[0]
    attributes = {"id": rsc.id, "class": rsc.standard}
    if rsc.provider is not None:
        attributes["provider"] = rsc.provider
    return Element("lrm_resource", attributes | {"type": rsc.type})


def _entries(history: Element, action: GraphAction, when: int) -> tuple[Element, ...]:
    """Return the history with the result of an action added."""
    task, interval = action.operation, action.interval_ms
    expected = int(action.attributes.get("CRM_meta_op_target_rc", "0"))
    calls = (parse_integer(entry.get("call-id")) or 0 for entry in history.each("lrm_rsc_op"))
    call = 1 + max(calls, default=0)
    recorded = {"reload": "start", "reload-agent": "start"}.get(task, task)
    rsc = action.resource
    assert rsc is not None
    name = history.id
    key = f"{name}_{recorded}_{interval}"
    if task == "notify":
        kind = action.attributes.get("CRM_meta_notify_type", "")
        about = action.attributes.get("CRM_meta_notify_operation", "")
        id_ = f"{name}_{kind}_notify_{about}_0"
    elif task in ("migrate_to", "migrate_from") or interval > 0:
        id_ = key
    else:
        id_ = f"{name}_last_0"
    code = int(OcfCode.OK) if task == "notify" else expected
    transition = f"{call}:-1:{expected}:{_NO_UUID}"
    attributes = {
        "id": id_,
        "operation_key": key,
        "operation": recorded,
        "crm-debug-origin": "crm_simulate",
        "crm_feature_set": FEATURE_SET,
        "transition-key": transition,
        "transition-magic": f"{int(OpStatus.DONE)}:{code};{transition}",
        "exit-reason": "",
        "on_node": action.on_node or "",
        "call-id": str(call),
        "rc-code": str(code),
        "op-status": str(int(OpStatus.DONE)),
        "interval": str(interval),
        "last-rc-change": str(when),
    }
    for partner in ("migrate_source", "migrate_target"):
        value = action.attributes.get(f"CRM_meta_{partner}")
        if value is not None and task in ("migrate_to", "migrate_from"):
            attributes[partner] = value
    attributes["op-digest"] = _digest(action)
    return merged(tuple(history.children), attributes)


def _digest(action: GraphAction) -> str:
    kept = {
        name: value
        for name, value in action.attributes.items()
        if not name.startswith("CRM_meta_") and name not in _LEFT_OUT
    }
    if action.interval_ms and "CRM_meta_timeout" in action.attributes:
        kept["CRM_meta_timeout"] = action.attributes["CRM_meta_timeout"]
    return digest_of(kept)


def _fence(rehearsal: Rehearsal, action: GraphAction) -> None:
    operation = action.attributes.get("CRM_meta_stonith_action", "")
    assert action.on_node is not None
    given = {"target": action.on_node, "op": operation}
    rehearsal.events.append(Element("fencing_action", given))
    if operation.lower() == "on":
        return
    state = node_state(rehearsal.cib, action.on_node, action.on_node_uuid or action.on_node)
    down = state.with_attributes(
        {
            "in_ccm": "false",
            "crmd": "offline",
            "join": "down",
            "expected": "down",
            "crm-debug-origin": "crm_simulate",
        }
    )
    kept = tuple(
        child for child in down.children if child.tag not in ("lrm", "transient_attributes")
    )
    rehearsal.cib = with_state(rehearsal.cib, down.with_children(kept))
