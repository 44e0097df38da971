"""Elements as configuration text, in the shape that `crm configure show` prints (features 30.40).

What the language cannot say is printed as ``xml <…>``: the text is read back and compared, so
that what is shown is always what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cib_store.document.element import COMMENT, Element
from crm_shell.syntax.loose import loosen
from crm_shell.syntax.parser import parse
from crm_shell.syntax.printer import constraints, others, resources
from crm_shell.xml_text import xml_lines

_PRINTERS: Mapping[str, Callable[[Element], list[str]]] = {
    "node": others.node,
    "primitive": resources.primitive,
    "template": resources.primitive,
    "group": resources.collective,
    "clone": resources.collective,
    "bundle": resources.bundle,
    "rsc_location": constraints.location,
    "rsc_colocation": constraints.colocation,
    "rsc_order": constraints.order,
    "rsc_ticket": constraints.ticket,
    "cluster_property_set": lambda element: others.options(element, "property"),
    "rsc_defaults": lambda element: _defaults(element, "rsc_defaults"),
    "op_defaults": lambda element: _defaults(element, "op_defaults"),
    "tag": others.tag,
    "fencing-topology": others.topology,
    "acl_role": others.role,
    "acl_target": others.target,
    "acl_group": others.target,
    "alert": others.alert,
}


def _defaults(element: Element, word: str) -> list[str]:
    return others.options(element.children[0], word)


def render(element: Element, referenced: frozenset[str]) -> str:
    """Return the statement that defines `element` of a CIB, over several lines.

    `referenced`: the ids that something refers to (`loose.referenced_ids`); these are shown.
    """
    loose = loosen(element, referenced)
    printer = _PRINTERS.get(element.tag)
    if printer is not None and not _has_nested_comment(loose):
        text = _joined(loose, printer)
        if _says(text, loose):
            return text
    return "xml " + " \\\n".join(xml_lines(element))


def _joined(loose: Element, printer: Callable[[Element], list[str]]) -> str:
    holder = loose.children[0] if loose.tag in ("rsc_defaults", "op_defaults") else loose
    comments = [each.text for each in holder.children if each.tag == COMMENT]
    marked = [text if text.startswith("#") else f"# {text.strip()}" for text in comments]
    try:
        statement = " \\\n\t".join(printer(loose))
    except (KeyError, IndexError):  # a child that the language has no word for
        return ""
    return "\n".join((*marked, statement))


def _has_nested_comment(loose: Element) -> bool:
    holders = loose.children if loose.tag in ("rsc_defaults", "op_defaults") else (loose,)
    below = [each for holder in holders for each in holder.children if each.tag != COMMENT]
    return any(child.tag == COMMENT for each in below for child in _all_children(each))


def _all_children(element: Element) -> Iterable[Element]:
    for each in element.walk():
        yield from each.children


def _says(text: str, loose: Element) -> bool:
    parsed = parse(text)
    return (
        not parsed.faults
        and len(parsed.statements) == 1
        and _comparable(parsed.statements[0].element) == _comparable(loose)
    )


def _comparable(element: Element) -> Element:
    """Leave out what printing may change without changing the meaning: the place of comments."""
    return element.with_children(
        tuple(
            _comparable(each)
            for each in element.children
            if each.tag != COMMENT and not (each.tag == "operations" and _is_empty(each))
        )
    )


def _is_empty(each: Element) -> bool:
    return not each.attributes and not each.children
