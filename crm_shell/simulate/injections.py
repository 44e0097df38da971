"""Made-up events: nodes that come and go, tickets, failures (``crm_simulate``, features 27.20).

Pure: CIB and wishes in, CIB and notes out. A note is an element as the XML output has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from cib_store.document.element import Element
from crm_shell.simulate.states import merged, node_state, replaced, status_of, with_history
from crm_shell.simulate.states import with_state as put_state
from crmd.scheduler.actions.keys import parse_key
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.feature_set import FEATURE_SET

_NO_UUID = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
_SPEC = re.compile(r"([^@]+)@([^=]+)=(-?\d+)")


class Injections(Struct, frozen=True, kw_only=True):
    """Everything that somebody wants to have happened."""

    quorum: str | None = None
    watchdog: str | None = None
    node_up: tuple[str, ...] = ()
    node_down: tuple[str, ...] = ()
    node_fail: tuple[str, ...] = ()
    ticket_grant: tuple[str, ...] = ()
    ticket_revoke: tuple[str, ...] = ()
    ticket_standby: tuple[str, ...] = ()
    ticket_activate: tuple[str, ...] = ()
    op_inject: tuple[str, ...] = ()

    @property
    def are_there(self) -> bool:
        """Whether anything is asked for. Quorum alone is shown with other things only."""
        return self != Injections()


class Operation(Struct, frozen=True, kw_only=True):
    """An operation and its outcome: ``RSC_TASK_MS@NODE=RC``."""

    rsc: str
    task: str
    interval_ms: int
    node: str
    code: int

    @property
    def failed(self) -> bool:
        """Whether the outcome counts as a failure of the resource."""
        probed_stopped = self.code == OcfCode.NOT_RUNNING and self.interval_ms == 0
        return self.code != OcfCode.OK and not probed_stopped


def parse_operation(spec: str) -> Operation | None:
    """Read an operation specification; None where it is none."""
    found = _SPEC.fullmatch(spec)
    key = parse_key(found[1]) if found is not None else None
    if found is None or key is None:
        return None
    return Operation(rsc=key[0], task=key[1], interval_ms=key[2], node=found[2], code=int(found[3]))


class Injected(Struct):
    """The CIB as it becomes, with notes of what was done."""

    cib: Element
    notes: list[Element]
    errors: list[str]


def inject(run: Run, cib: Element, wanted: Injections, *, when: int) -> Injected:
    """Make it so. `run` knows the resources; `when` (epoch) dates made-up failures."""
    done = Injected(cib, [], [])
    _note_configuration(done, wanted)
    for action, names in (
        ("Online", wanted.node_up),
        ("Offline", wanted.node_down),
        ("Failing", wanted.node_fail),
    ):
        for name in names:
            done.notes.append(Element("modify_node", {"action": action, "node": name}))
            done.cib = _with_node(done.cib, name, action)
    for action, names, attribute, value in (
        ("Granting", wanted.ticket_grant, "granted", "true"),
        ("Revoking", wanted.ticket_revoke, "granted", "false"),
        ("Standby", wanted.ticket_standby, "standby", "true"),
        ("Activating", wanted.ticket_activate, "standby", "false"),
    ):
        for name in names:
            done.notes.append(Element("modify_ticket", {"action": action, "ticket": name}))
            done.cib = _with_ticket(done.cib, name, attribute, value)
    for spec in wanted.op_inject:
        _inject_operation(run, done, spec, when)
    return done


def note_text(note: Element) -> str:
    """Say a note in words."""
    given = note.attributes
    match note.tag:
        case "modify_node":
            words = {"Online": "Bringing node {} online", "Offline": "Taking node {} offline"}
            return "  * " + words.get(given["action"], "Failing node {}").format(given["node"])
        case "modify_ticket":
            words = {"Standby": "Making ticket {} standby"}
            default = given["action"] + " ticket {}"
            return "  * " + words.get(given["action"], default).format(given["ticket"])
        case "inject_attr":
            where = f"{given['node_path']} '{given['cib_node']}'"
            return f"  * Injecting attribute {given['name']}={given['value']} into {where}"
        case "inject_spec":
            return f"  * Injecting {given['spec']} into the configuration"
        case _:
            return "\n".join(f"  * Setting {name}: {value}" for name, value in given.items())


def _note_configuration(done: Injected, wanted: Injections) -> None:
    changes: dict[str, str] = {}
    if wanted.quorum is not None:
        changes["quorum"] = wanted.quorum
        done.cib = done.cib.with_attributes({"have-quorum": wanted.quorum})
    if wanted.watchdog is not None:
        changes["watchdog"] = wanted.watchdog
        done.cib = _with_option(done.cib, "have-watchdog", wanted.watchdog)
    if changes:
        done.notes.append(Element("modifications", changes))


def _with_option(cib: Element, name: str, value: str) -> Element:
    configuration = cib.child("configuration") or Element("configuration")
    options = configuration.child("crm_config") or Element("crm_config")
    sets = list(options.each("cluster_property_set"))
    nvset = sets[0] if sets else Element("cluster_property_set", {"id": "cib-bootstrap-options"})
    for each in sets:
        for pair in each.each("nvpair"):
            if pair.get("name") == name:
                changed = replaced(each, pair.with_attributes({"value": value}), by_id=True)
                return _with_options(cib, configuration, options, changed)
    pair = Element("nvpair", {"id": f"{nvset.id}-{name}", "name": name, "value": value})
    return _with_options(cib, configuration, options, replaced(nvset, pair, by_id=True))


def _with_options(
    cib: Element, configuration: Element, options: Element, nvset: Element
) -> Element:
    options = replaced(options, nvset, by_id=True)
    return replaced(cib, replaced(configuration, options, by_id=False), by_id=False)


def _id_of(cib: Element, name: str) -> str:
    configuration = cib.child("configuration")
    nodes = configuration.child("nodes") if configuration is not None else None
    for node in nodes.each("node") if nodes is not None else ():
        if node.get("uname") == name:
            return node.id
    return name


def _known_state(cib: Element, name: str) -> tuple[Element, Element]:
    """Return the CIB with the node in it, and the node's state."""
    configuration = cib.child("configuration") or Element("configuration")
    nodes = configuration.child("nodes") or Element("nodes")
    known = any(node.get("uname") == name for node in nodes.each("node"))
    if not known and not any(
        state.get("uname") == name for state in status_of(cib).each("node_state")
    ):
        added = nodes.with_children((*nodes.children, Element("node", {"id": name, "uname": name})))
        cib = replaced(cib, replaced(configuration, added, by_id=False), by_id=False)
    return cib, node_state(cib, name, _id_of(cib, name))


def _with_node(cib: Element, name: str, action: str) -> Element:
    cib, state = _known_state(cib, name)
    up = action != "Offline"
    join = "member" if up else "down"
    changes = {
        "in_ccm": "true" if action == "Online" else "false",
        "crmd": "online" if up else "offline",
        "join": join,
        "expected": join,
        "crm-debug-origin": "crm_simulate",
    }
    state = state.with_attributes(changes)
    if not up:
        gone = ("lrm", "transient_attributes")
        state = state.with_children(tuple(one for one in state.children if one.tag not in gone))
    return put_state(cib, state)


def _with_ticket(cib: Element, name: str, attribute: str, value: str) -> Element:
    status = status_of(cib)
    tickets = status.child("tickets") or Element("tickets")
    found = Element("ticket_state", {"id": name})
    for each in tickets.each("ticket_state"):
        if each.id == name:
            found = each
    changed = replaced(tickets, found.with_attributes({attribute: value}), by_id=True)
    return replaced(cib, replaced(status, changed, by_id=False), by_id=False)


def _inject_operation(run: Run, done: Injected, spec: str, when: int) -> None:
    done.notes.append(Element("inject_spec", {"spec": spec}))
    operation = parse_operation(spec)
    if operation is None:
        done.errors.append(
            f"Invalid operation spec: {spec}.  Expected RESOURCE_TASK_INTERVAL@NODE=CODE"
        )
        return
    rsc = run.find_resource(operation.rsc)
    if rsc is None or rsc.children:
        done.errors.append(f"Invalid resource name: {operation.rsc}")
        return
    done.cib, state = _known_state(done.cib, operation.node)
    fatal = operation.task == "stop" or (operation.task == "start" and run.start_failure_fatal)
    state, notes = with_failure(state, operation, infinite=fatal, when=when)
    done.notes += notes
    history = _history(state, rsc, operation.rsc)
    changed = history.with_children(with_result(history.children, operation, when))
    done.cib = put_state(done.cib, with_history(state, changed))


def with_failure(
    state: Element, operation: Operation, *, infinite: bool, when: int
) -> tuple[Element, list[Element]]:
    """Return the state of a node with the failure counted, and notes about it."""
    if not operation.failed:
        return state, []
    about = f"{operation.rsc}#{operation.task}_{operation.interval_ms}"
    pairs = {pair.get("name"): pair.get("value") for pair in _transient(state)}
    known = pairs.get(f"fail-count-{about}", "0")
    counted = "INFINITY" if infinite else str((int(known) if known.isdigit() else 0) + 1)
    changes = {f"fail-count-{about}": counted, f"last-failure-{about}": str(when)}
    place = {"node_path": "/node_state", "cib_node": state.id}
    notes = [
        Element("inject_attr", {"name": name, "value": value, **place})
        for name, value in changes.items()
    ]
    for name, value in changes.items():
        state = _with_attribute(state, name, value)
    return state, notes


def _transient(state: Element) -> Iterator[Element]:
    for attributes in state.each("transient_attributes"):
        for nvset in attributes.each("instance_attributes"):
            yield from nvset.each("nvpair")


def _with_attribute(state: Element, name: str, value: str) -> Element:
    attributes = state.child("transient_attributes") or Element(
        "transient_attributes", {"id": state.id}
    )
    nvset = attributes.child("instance_attributes") or Element(
        "instance_attributes", {"id": f"status-{state.id}"}
    )
    pair = Element("nvpair", {"id": f"{nvset.id}-{name}", "name": name, "value": value})
    for known in nvset.each("nvpair"):
        if known.get("name") == name:
            pair = known.with_attributes({"value": value})
    filled = replaced(attributes, replaced(nvset, pair, by_id=True), by_id=True)
    return replaced(state, filled, by_id=False)


def _history(state: Element, rsc: Resource, name: str) -> Element:
    lrm = state.child("lrm")
    histories = lrm.child("lrm_resources") if lrm is not None else None
    for history in histories.each("lrm_resource") if histories is not None else ():
        if history.id == name:
            return history
    attributes = {"id": name, "class": rsc.standard}
    if "provider" in rsc.element.attributes:
        attributes["provider"] = rsc.element.get("provider")
    return Element("lrm_resource", attributes | {"type": rsc.element.get("type")})


def with_result(
    entries: tuple[Element, ...], operation: Operation, when: int
) -> tuple[Element, ...]:
    """Return a history with the outcome of an operation for which 0 was expected."""
    calls = [entry.get("call-id") for entry in entries]
    call = 1 + max((int(each) for each in calls if each.isdigit()), default=0)
    key = f"{operation.rsc}_{operation.task}_{operation.interval_ms}"
    ok = operation.code == OcfCode.OK
    ids = [f"{operation.rsc}_last_0"] if not operation.interval_ms else []
    if not ok:
        ids.insert(0, f"{operation.rsc}_last_failure_0")
    transition = f"{call}:-1:0:{_NO_UUID}"
    attributes = {
        "operation_key": key,
        "operation": operation.task,
        "crm-debug-origin": "crm_simulate",
        "crm_feature_set": FEATURE_SET,
        "transition-key": transition,
        "transition-magic": f"0:{operation.code};{transition}",
        "exit-reason": "" if ok else "Simulated action result",
        "on_node": operation.node,
        "call-id": str(call),
        "rc-code": str(operation.code),
        "op-status": "0",
        "interval": str(operation.interval_ms),
        "last-rc-change": str(when),
    }
    for id_ in ids or [key]:
        entries = merged(entries, {"id": id_, **attributes})
    return entries
