"""Clusters that have settled, and what happens to them then.

What the scheduler itself brings about (containers, connections, their histories) is not written
down in a case: the cluster is left to carry out its own plans until nothing is left to do. Then
something happens: ``NODE lost``, ``NODE attribute=value ...`` (transient attributes),
``RESOURCE failed on NODE`` (the first of its recurring monitors) or ``without quorum``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crm_shell.simulate.execution import execute
from crmd.scheduler.pipeline import decide, read_cluster

_ENOUGH = 8
_AGO = 500
"""Seconds since the plans were carried out, which is after the first probes."""
_LOST = {"crmd": "offline", "in_ccm": "false", "join": "down", "expected": "member"}
Change = Callable[[Element], Element]


def settled(cib: Element, now: int) -> Element:
    """Carry out plans until there is nothing to do."""
    for _ in range(_ENOUGH):
        run = read_cluster(cib, Moment(now))
        schedule = decide(run)
        if not schedule.graph.actions:
            return cib
        cib = execute(run, cib, schedule.graph, when=now - _AGO).cib
    raise AssertionError("the cluster does not settle")


def after(cib: Element, events: str) -> Element:
    """Return the cluster after what the lines of `events` say."""
    for line in events.splitlines():
        words = line.split()
        if not words:
            continue
        if words == ["without", "quorum"]:
            cib = cib.with_attributes({"have-quorum": "0"})
            continue
        node = words[0]
        if words[1:3] == ["failed", "on"]:
            node, change = words[3], partial(_with_failure, words[0])
        elif words[1:] == ["lost"]:
            change = partial(Element.with_attributes, changes=_LOST)
        else:
            change = partial(_with_pairs, dict(word.split("=", 1) for word in words[1:]))
        changed = _changed(cib, "node_state", "uname", node, change)
        assert changed is not cib, line
        cib = changed
    return cib


def _changed(element: Element, tag: str, name: str, value: str, change: Change) -> Element:
    """Change the elements below (or at) `element` that have a tag and an attribute."""
    if element.tag == tag and element.get(name) == value:
        return change(element)
    children = tuple(_changed(child, tag, name, value, change) for child in element.children)
    if all(new is old for new, old in zip(children, element.children, strict=True)):
        return element
    return element.with_children(children)


def _with_failure(rsc: str, state: Element) -> Element:
    changed = _changed(state, "lrm_resource", "id", rsc, _with_failed_monitor)
    assert changed is not state, f"{rsc} has no history on {state.get('uname')}"
    return changed


def _with_failed_monitor(history: Element) -> Element:
    monitor = next(each for each in history.each("lrm_rsc_op") if each.get("interval") != "0")
    call = max(int(each.get("call-id")) for each in history.each("lrm_rsc_op")) + 1
    failed = monitor.with_attributes(
        {
            "id": f"{history.id}_last_failure_0",
            "call-id": str(call),
            "rc-code": "1",
            "op-status": "4",
            "transition-magic": f"4:1;{monitor.get('transition-key')}",
        }
    )
    return history.with_children((*history.children, failed))


def _with_pairs(pairs: dict[str, str], state: Element) -> Element:
    id_ = f"then-{state.id}"
    found = tuple(
        Element("nvpair", {"id": f"{id_}-{name}", "name": name, "value": value})
        for name, value in pairs.items()
    )
    holder = Element("instance_attributes", {"id": id_}, found)
    others = tuple(each for each in state.children if each.tag != "transient_attributes")
    transient = Element("transient_attributes", {"id": state.id}, (holder,))
    return state.with_children((*others, transient))
