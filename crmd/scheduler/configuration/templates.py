"""Resource templates: a primitive may take its agent and its sections from one (features 3.x)."""

from __future__ import annotations

from collections.abc import Mapping

from cib_store.document.element import Element

_ROLES_BY_DEFAULT = frozenset(("started", "unpromoted", "slave"))


def expanded(element: Element, templates: Mapping[str, Element]) -> Element | None:
    """Return the configuration with its template filled in; None where that is impossible.

    The sections of the resource come after those of the template, so that they win. Operations
    of the resource replace those of the template with the same name and role.
    """
    name = element.attributes.get("template")
    if name is None:
        return element
    template = templates.get(name)
    if template is None or name == element.id:
        return None
    attributes = {**template.attributes, "id": element.id}
    own = next((child for child in element.children if child.tag == "operations"), None)
    children: list[Element] = []
    inherited: tuple[Element, ...] = ()
    for child in template.children:
        if child.tag == "operations" and own is not None:
            keys = {_operation_key(op) for op in own.each()}
            inherited = tuple(op for op in child.each() if _operation_key(op) not in keys)
        else:
            children.append(child)
    for child in element.children:
        merged = child.with_children(child.children + inherited) if child is own else child
        children.append(merged)
    return Element(element.tag, attributes, tuple(children), element.text)


def _operation_key(operation: Element) -> tuple[str, str]:
    role = operation.get("role").lower()
    return operation.get("name"), "" if role in _ROLES_BY_DEFAULT else role
