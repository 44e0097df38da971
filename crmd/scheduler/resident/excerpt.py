"""A CIB with some components only: what a run over a part of the cluster reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from cib_store.document.element import Element
from crmd.scheduler.resident.layout import Layout


class State(Struct, frozen=True, eq=False):
    """One ``node_state``, its histories told apart by component."""

    element: Element
    layout: Layout
    ranks: dict[str, int]
    """Where each history stands."""
    histories: dict[str, Element]
    by_component: dict[str, list[Element]]


def histories_of(state: Element) -> tuple[Element, ...]:
    """Return the ``lrm_resource`` elements of a node's state."""
    lrm = state.child("lrm")
    resources = lrm.child("lrm_resources") if lrm is not None else None
    return tuple(resources.each("lrm_resource")) if resources is not None else ()


def told_apart(element: Element, layout: Layout) -> State | None:
    """Tell histories apart; None where one is of no configured resource, or there twice."""
    ranks: dict[str, int] = {}
    histories: dict[str, Element] = {}
    by_component: dict[str, list[Element]] = {}
    for at, history in enumerate(histories_of(element)):
        id_ = history.id
        component = layout.component_of(id_)
        if component is None or id_ in ranks:
            return None
        ranks[id_] = at
        histories[id_] = history
        by_component.setdefault(component, []).append(history)
    return State(element, layout, ranks, histories, by_component)


def node_states(cib: Element) -> tuple[Element, ...]:
    """Return all ``node_state`` elements."""
    status = cib.child("status")
    return tuple(status.each("node_state")) if status is not None else ()


def excerpt(
    cib: Element, layout: Layout, states: Sequence[State], names: Collection[str]
) -> Element:
    """Return the CIB with those components only; all nodes stay, with their histories of these."""
    components = [layout.components[name] for name in names]
    sections = []
    for section in layout.configuration.each():
        if section.tag == "resources":
            tops = [top for component in components for top in component.resources]
            tops.sort(key=lambda top: layout.tops[top.id])
            section = section.with_children((*layout.general, *tops))
        elif section.tag == "constraints":
            about = [each for component in components for each in component.constraints]
            about += layout.patterns
            about.sort(key=lambda each: layout.constraints[each.id])
            section = section.with_children(tuple(about))
        sections.append(section)
    status = cib.child("status")
    assert status is not None
    known = {id(state.element): state for state in states}
    shown = (
        _with_histories(child, known[id(child)], names) if id(child) in known else child
        for child in status.each()
    )
    parts = {
        "configuration": layout.configuration.with_children(tuple(sections)),
        "status": status.with_children(tuple(shown)),
    }
    return cib.with_children(tuple(parts.get(child.tag, child) for child in cib.each()))


def _with_histories(element: Element, state: State, names: Collection[str]) -> Element:
    kept = [each for name in names for each in state.by_component.get(name, ())]
    kept.sort(key=lambda history: state.ranks[history.id])
    lrm = Element("lrm", {"id": element.id}, (Element("lrm_resources", {}, tuple(kept)),))
    others = tuple(child for child in element.children if child.tag != "lrm")
    return element.with_children((*others, lrm))
