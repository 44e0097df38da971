"""What of a document a user may see, and how an edit of that is taken back into the whole.

Hidden elements are left out; one that is hidden and holds something to be seen stays as a bare
frame with its id (features 20.11). Parts that are visible as a whole keep their identity.
"""

from __future__ import annotations

from cib_store.access.permissions import Right
from cib_store.access.rights import Marks, may_read
from cib_store.document.element import COMMENT, Element
from cib_store.document.version import NAMES

_FRAME = ("configuration", "status")
_SHOWN = (*NAMES, "crm_feature_set", "validate-with")
"""Attributes of the root that say nothing of the configuration, and that every tool needs."""
_Key = tuple[str, str | None, int]


class Concealed(Exception):
    """An edit puts an element where there is one already that its author may not see."""


def seen(cib: Element, marks: Marks) -> Element | None:
    """Return what of the CIB may be seen; None: nothing at all."""
    if not any(may_read(right) for right in marks.rights()):
        return None
    found = _seen(cib, marks, None)
    root = found or Element(cib.tag)
    if not may_read(marks.right):
        kept = {name: cib.attributes[name] for name in _SHOWN if name in cib.attributes}
        root = Element(cib.tag, kept, root.children)
    if all(root.child(tag) is not None for tag in _FRAME):
        return root
    first, last = (root.child(tag) or Element(tag) for tag in _FRAME)
    others = tuple(child for child in root.children if child.tag not in _FRAME)
    return root.with_children((first, *others, last))


def _seen(element: Element, marks: Marks, inherited: Right | None) -> Element | None:
    right = marks.right or inherited
    if not marks.below:
        return element if may_read(right) else None
    children: list[Element] = []
    for position, child in enumerate(element.children):
        shown = _seen(child, marks.under(position), right)
        if shown is not None:
            children.append(shown)
    if may_read(right):
        same = len(children) == len(element.children) and all(
            one is other for one, other in zip(children, element.children, strict=True)
        )
        return element if same else element.with_children(tuple(children))
    return Element(element.tag, _identity(element), tuple(children)) if children else None


def _identity(element: Element) -> dict[str, str]:
    return {"id": element.id} if "id" in element.attributes else {}


def put_back(cib: Element, marks: Marks, edited: Element) -> Element:
    """Return the whole CIB with an edit of what was seen of it. Raises `Concealed`."""
    return _put_back(cib, marks, None, edited)


def _put_back(full: Element, marks: Marks, inherited: Right | None, edited: Element) -> Element:
    right = marks.right or inherited
    if may_read(right) and not marks.below:
        return edited
    before = [
        _seen(child, marks.under(position), right) for position, child in enumerate(full.children)
    ]
    children = _children(full, marks, right, before, edited)
    if may_read(right):
        attributes = edited.attributes
        text = edited.text
    else:
        attributes, text = {**full.attributes, **edited.attributes}, full.text or edited.text
    return Element(full.tag, attributes, children, text)


def _children(
    full: Element,
    marks: Marks,
    right: Right | None,
    before: list[Element | None],
    edited: Element,
) -> tuple[Element, ...]:
    """Return the edited children, with the hidden ones after whom they stood before."""
    shown = dict(_keyed([(at, one) for at, one in enumerate(before) if one is not None]))
    hidden = dict(_keyed([(at, full.children[at]) for at, one in enumerate(before) if one is None]))
    placed: list[tuple[int | None, Element]] = []
    filled: dict[int, Element] = {}
    for key, (_, child) in _keyed(list(enumerate(edited.children))).items():
        at = shown[key][0] if key in shown else None
        if at is not None:
            placed.append((at, _put_back(full.children[at], marks.under(at), right, child)))
        elif key in hidden and key[0] != COMMENT:
            if key[1] is not None:
                raise Concealed
            # A section, say, that its author cannot see: what they put in goes into it.
            at = hidden[key][0]
            filled[at] = _put_back(full.children[at], marks.under(at), right, child)
        else:
            placed.append((None, child))
    result = list(placed)
    for at, one in enumerate(before):
        if one is None:
            result.insert(_after(result, at), (at, filled.get(at, full.children[at])))
    return tuple(child for _, child in result)


def _after(placed: list[tuple[int | None, Element]], at: int) -> int:
    """Return the place behind the nearest earlier sibling that is still there."""
    earlier = [
        (there, place)
        for place, (there, _) in enumerate(placed)
        if there is not None and there < at
    ]
    return max(earlier)[1] + 1 if earlier else 0


def _keyed(children: list[tuple[int, Element]]) -> dict[_Key, tuple[int, Element]]:
    found: dict[_Key, tuple[int, Element]] = {}
    count: dict[tuple[str, str | None], int] = {}
    for at, child in children:
        name = child.text if child.tag == COMMENT else child.attributes.get("id")
        number = count[child.tag, name] = count.get((child.tag, name), 0) + 1
        found[child.tag, name, number] = (at, child)
    return found
