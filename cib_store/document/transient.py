"""Transient attributes of nodes where the CIB keeps them: ``status/node_state`` (features 15.6).

A value is an nvpair in a set of the node's ``transient_attributes``; it goes when the node leaves.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.document.path import put


class Shelf(Struct, frozen=True, kw_only=True):
    """Where an attribute's values stand: the kind of set, and its id (empty: the usual one)."""

    utilization: bool = False
    set_name: str = ""

    @property
    def tag(self) -> str:
        """The tag of its sets."""
        return "utilization" if self.utilization else "instance_attributes"

    def set_id(self, node_id: str) -> str:
        """The id of the set that is made where a node has none."""
        usual = f"status-utilization-{node_id}" if self.utilization else f"status-{node_id}"
        return self.set_name or usual

    def holds(self, one: Element) -> bool:
        """Whether a set is one of those that the attribute may stand in."""
        return one.tag == self.tag and self.set_name in ("", one.id)


def node_states(cib: Element) -> Iterator[tuple[tuple[int, ...], Element]]:
    """Yield each node's state and the way to it."""
    for at, section in enumerate(cib.children):
        if section.tag == "status":
            for number, state in enumerate(section.children):
                if state.tag == "node_state":
                    yield (at, number), state


def pairs(state: Element) -> Iterator[tuple[Element, Element]]:
    """Yield (set, pair) of every transient attribute of a node's state."""
    for transient in state.each("transient_attributes"):
        for one in transient.children:
            for pair in one.each("nvpair"):
                yield one, pair


def value_of(cib: Element, node: str, name: str, shelf: Shelf) -> str | None:
    """Return a node's value; None when it is not set."""
    for _, state in node_states(cib):
        if node in (state.id, state.get("uname")):
            for one, pair in pairs(state):
                if pair.get("name") == name and shelf.holds(one):
                    return pair.get("value")
    return None


def with_value(cib: Element, node: str, name: str, value: str | None, shelf: Shelf) -> Element:
    """Return the CIB in which the node has this value, or none; unchanged parts are shared."""
    for trail, state in node_states(cib):
        if node in (state.id, state.get("uname")):
            return put(cib, trail, _changed(state, name, value, shelf))
    if value is None:
        return cib
    state = _changed(Element("node_state", {"id": node, "uname": node}), name, value, shelf)
    for at, section in enumerate(cib.children):
        if section.tag == "status":
            return put(cib, (at,), section.with_children((*section.children, state)))
    return cib


def without_values(cib: Element, node: str) -> Element:
    """Return the CIB without any transient attribute of the node."""
    for trail, state in node_states(cib):
        if node in (state.id, state.get("uname")) and state.child("transient_attributes"):
            kept = tuple(one for one in state.children if one.tag != "transient_attributes")
            return put(cib, trail, state.with_children(kept))
    return cib


def _changed(state: Element, name: str, value: str | None, shelf: Shelf) -> Element:
    transient = state.child("transient_attributes")
    if transient is None:
        if value is None:
            return state
        transient = Element("transient_attributes", {"id": state.id})
        state = state.with_children((*state.children, transient))
    sets, found = [], False
    for one in transient.children:
        if shelf.holds(one):
            kept, here = _with_pair(one, name, None if found else value)
            sets.append(kept)
            found = found or here
        else:
            sets.append(one)
    if not found and value is not None:
        sets = _with_new_pair(tuple(sets), state.id, name, value, shelf)
    new = transient.with_children(tuple(sets))
    return state.with_children(
        tuple(new if child is transient else child for child in state.children)
    )


def _with_pair(one: Element, name: str, value: str | None) -> tuple[Element, bool]:
    """Return the set with the pair changed or removed, and whether it was there."""
    there = [pair for pair in one.children if pair.get("name") == name]
    if not there:
        return one, False
    first = there[0]
    new = None if value is None else first.with_attributes({"value": value})
    children = tuple(
        new if pair is first else pair for pair in one.children if pair not in there[1:]
    )
    return one.with_children(tuple(child for child in children if child is not None)), True


def _with_new_pair(
    sets: tuple[Element, ...], node_id: str, name: str, value: str, shelf: Shelf
) -> list[Element]:
    home = next((one for one in sets if shelf.holds(one)), None)
    new = home or Element(shelf.tag, {"id": shelf.set_id(node_id)})
    part = "".join(c if c.isalnum() or c in "_.-" else "-" for c in name)
    pair = Element("nvpair", {"id": f"{new.id}-{part}", "name": name, "value": value})
    filled = new.with_children((*new.children, pair))
    if home is None:
        return [*sets, filled]
    return [filled if one is home else one for one in sets]
