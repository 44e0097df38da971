"""Resources as text: each part of a statement is a line of the result."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.syntax.printer.nvsets import attribute_list, name_value
from crm_shell.syntax.printer.words import pair
from crm_shell.syntax.words import MEMBER, OP_ATTRIBUTES

_SETS = {
    "instance_attributes": "params",
    "meta_attributes": "meta",
    "utilization": "utilization",
}


def primitive(element: Element) -> list[str]:
    """Return a primitive or template."""
    word = "primitive" if element.tag == "primitive" else "rsc_template"
    agent = f"@{element.get('template')}" if "template" in element.attributes else _agent(element)
    parts = [f"{word} {element.id} {agent}", *_description(element)]
    for child in element.each():
        if child.tag == "operations":
            parts.extend(_operations(child))
        else:
            parts.append(attribute_list(child, _SETS[child.tag]))
    return parts


def _agent(element: Element) -> str:
    if element.get("class") == "ocf" and element.get("provider") == "heartbeat":
        return element.get("type")
    names = (element.get("class"), element.get("provider"), element.get("type"))
    return ":".join(name for name in names if name)


def _operations(element: Element) -> list[str]:
    parts: list[str] = []
    if "id" in element.attributes:
        parts.append(f"operations {pair('$id', element.id)}")
    if "id-ref" in element.attributes:
        parts.append(f"operations {pair('$id-ref', element.get('id-ref'))}")
    for each in element.each("op"):
        parts.extend(_operation(each))
    return parts


def _operation(element: Element) -> list[str]:
    head = [f"op {element.get('name')}"]
    head.extend(pair(n, v) for n, v in element.attributes.items() if n in OP_ATTRIBUTES)
    children = list(element.each())
    if children and _is_inline(children[0]):
        head.extend(name_value(each) for each in children.pop(0).each())
    words = {"instance_attributes": "op_params", "meta_attributes": "op_meta"}
    return [" ".join((*head, *(attribute_list(each, words[each.tag]) for each in children)))]


def _is_inline(each: Element) -> bool:
    return (
        each.tag == "instance_attributes"
        and not each.attributes
        and all(child.tag == "nvpair" and child.get("name") not in OP_ATTRIBUTES
                for child in each.children)
    )  # fmt: skip


def collective(element: Element) -> list[str]:
    """Return a group or clone."""
    members = " ".join(child.id for child in element.each(MEMBER))
    parts = [f"{element.tag} {element.id} {members}", *_description(element)]
    parts.extend(
        attribute_list(child, _SETS[child.tag]) for child in element.each() if child.tag != MEMBER
    )
    return parts


def bundle(element: Element) -> list[str]:
    """Return a bundle."""
    parts = [f"bundle {element.id}", *_description(element)]
    for child in element.each():
        if child.tag == MEMBER:
            parts.append(f"primitive {child.id}")
        elif child.tag in _SETS:
            parts.append(attribute_list(child, _SETS[child.tag]))
        else:
            parts.append(_container_part(child))
    return parts


def _container_part(element: Element) -> str:
    words = [element.tag, *(pair(name, value) for name, value in element.attributes.items())]
    for mapping in element.each():
        words.append(mapping.tag)
        words.extend(pair(name, value) for name, value in mapping.attributes.items())
    return " ".join(words)


def _description(element: Element) -> list[str]:
    text = element.get("description")
    return [pair("description", text)] if "description" in element.attributes else []
