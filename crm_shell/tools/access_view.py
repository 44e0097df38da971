"""``cibadmin --show-access``: the CIB with what one user may do with each of its parts (4.10)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from msgspec.structs import replace

from cib_store.access.caller import PRIVILEGED
from cib_store.access.permissions import Right, is_enabled, permissions_of
from cib_store.access.rights import Marks, may_read, rights
from cib_store.access.system_users import named
from cib_store.document.element import COMMENT, Element
from cib_store.document.xpath import XPathTree
from crm_shell.xml_text import xml_lines

FORMS = ("auto", "text", "color", "namespace", "ns-full", "ns-simple")
_NAMESPACE = "http://clusterlabs.org/ns/pacemaker/access"


class Access(Enum):
    """What a user may do with an element."""

    DENIED = "denied"
    READABLE = "readable"
    WRITABLE = "writable"


_COLOURS = {Access.DENIED: "31", Access.READABLE: "34", Access.WRITABLE: "32"}


def shown_access(cib: Element, user: str, form: str) -> list[str]:
    """Return the lines of the CIB as `user` may see and change it."""
    marks = _marks(cib, user)
    match form:
        case "namespace" | "ns-full" | "ns-simple":
            return xml_lines(_prefixed(cib, marks, None, full=form == "ns-full"))
        case "color":
            return [f"\x1b[{_COLOURS[access]}m{line}\x1b[0m" for access, line in _lines(cib, marks)]
        case _:
            return list(_in_text(cib, marks))


def _marks(cib: Element, user: str) -> Marks:
    configuration = cib.child("configuration")
    caller = replace(named(user), is_exempt=user in PRIVILEGED)
    if configuration is None or caller.is_exempt or not is_enabled(configuration):
        return Marks(Right.WRITE)
    return rights(XPathTree(cib), permissions_of(configuration, caller))


def _access(right: Right | None) -> Access:
    if right is Right.WRITE:
        return Access.WRITABLE
    return Access.READABLE if may_read(right) else Access.DENIED


def _lines(
    element: Element, marks: Marks, inherited: Right | None = None, margin: str = ""
) -> Iterator[tuple[Access, str]]:
    right = marks.right or inherited
    access = _access(right)
    lines = xml_lines(element.with_children(()), margin)
    if not element.children:
        yield from ((access, line) for line in lines)
        return
    yield access, lines[0].removesuffix("/>") + ">"
    for position, child in enumerate(element.children):
        yield from _lines(child, marks.under(position), right, margin + "  ")
    yield access, f"{margin}</{element.tag}>"


def _in_text(cib: Element, marks: Marks) -> Iterator[str]:
    """Yield the lines, and a marker before each part with another access than the one before."""
    before: Access | None = None
    for access, line in _lines(cib, marks):
        if access is not before:
            yield f"vvv---[ {access.name} ]---vvv"
        before = access
        yield line


def _prefixed(
    element: Element, marks: Marks, inherited: Right | None, *, full: bool, top: bool = True
) -> Element:
    """Return the element with its access as the prefix of its name, and of its attributes'."""
    if element.tag == COMMENT:
        return element
    right = marks.right or inherited
    prefix = _access(right).value
    names = {f"{prefix}:{name}" if full else name: value for name, value in _pairs(element)}
    if top:
        spaces = {f"xmlns:{each.value}": f"{_NAMESPACE}/{each.value}" for each in Access}
        names = spaces | names
    children = tuple(
        _prefixed(child, marks.under(position), right, full=full, top=False)
        for position, child in enumerate(element.children)
    )
    return Element(f"{prefix}:{element.tag}", names, children, element.text)


def _pairs(element: Element) -> Iterator[tuple[str, str]]:
    yield from element.attributes.items()
