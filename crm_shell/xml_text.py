"""Elements as lines of XML, for whoever needs nothing of the language of configurations."""

from __future__ import annotations

from cib_store.document.element import COMMENT, Element
from cib_store.document.escaping import IN_ATTRIBUTE, IN_TEXT


def xml_lines(element: Element, margin: str = "") -> list[str]:
    """Return `element` as XML, one line an element, without need of lxml."""
    if element.tag == COMMENT:
        return [f"{margin}<!--{element.text}-->"]
    head = "".join(
        f' {name}="{value.translate(IN_ATTRIBUTE)}"' for name, value in element.attributes.items()
    )
    if not element.children and element.text:
        return [f"{margin}<{element.tag}{head}>{element.text.translate(IN_TEXT)}</{element.tag}>"]
    if not element.children:
        return [f"{margin}<{element.tag}{head}/>"]
    below = [line for child in element.children for line in xml_lines(child, margin + "  ")]
    return [f"{margin}<{element.tag}{head}>", *below, f"{margin}</{element.tag}>"]
