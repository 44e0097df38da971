"""The status section as a rehearsal changes it: states of nodes, histories of resources."""

from __future__ import annotations

from cib_store.document.element import Element


def status_of(cib: Element) -> Element:
    """Return the status section; an empty one where there is none."""
    return cib.child("status") or Element("status")


def node_state(cib: Element, name: str, id_: str) -> Element:
    """Return the state of a node; a new one where there is none."""
    states = list(status_of(cib).each("node_state"))
    for state in states:
        if state.get("uname") == name:
            return state
    for state in states:
        if state.id == id_:
            return state.with_attributes({"uname": name})
    return Element("node_state", {"id": id_, "uname": name})


def with_state(cib: Element, state: Element) -> Element:
    """Return the CIB with the state of a node put in its place, or added."""
    status = status_of(cib)
    children = list(status.children)
    for at, child in enumerate(children):
        if child.tag == "node_state" and child.id == state.id:
            children[at] = state
            break
    else:
        children.append(state)
    changed = status.with_children(tuple(children))
    others = [changed if child.tag == "status" else child for child in cib.children]
    if cib.child("status") is None:
        others.append(changed)
    return cib.with_children(tuple(others))


def with_history(state: Element, history: Element) -> Element:
    """Return the state of a node with the history of a resource put in its place."""
    lrm = state.child("lrm") or Element("lrm", {"id": state.id})
    histories = lrm.child("lrm_resources") or Element("lrm_resources")
    if sum(each.id == history.id for each in histories.each("lrm_resource")) > 1:
        # Which one it is about cannot be told, so it is about none of them.
        changed = histories.with_children((*histories.children, history))
    else:
        changed = replaced(histories, history, by_id=True)
    return replaced(state, replaced(lrm, changed, by_id=False), by_id=False)


def replaced(parent: Element, child: Element, *, by_id: bool) -> Element:
    """Return `parent` with `child` in the place of the one of that tag (and id), or added."""
    children = list(parent.children)
    for at, each in enumerate(children):
        if each.tag == child.tag and (not by_id or each.id == child.id):
            children[at] = child
            return parent.with_children(tuple(children))
    return parent.with_children((*children, child))


def merged(entries: tuple[Element, ...], attributes: dict[str, str]) -> tuple[Element, ...]:
    """Return a history with a result in the place of the one of that id, or added."""
    changed = list(entries)
    for at, entry in enumerate(changed):
        if entry.tag == "lrm_rsc_op" and entry.id == attributes["id"]:
            changed[at] = Element("lrm_rsc_op", {**entry.attributes, **attributes})
            return tuple(changed)
    return (*entries, Element("lrm_rsc_op", attributes))
