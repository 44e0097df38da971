"""Access control: nothing denied is shown, and nothing denied is changed (features 20.2-20.11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cib_store.access.changing import edits, permitted
from cib_store.access.permissions import Permission, Right
from cib_store.access.reading import put_back, seen
from cib_store.access.rights import rights
from cib_store.document.codec import render
from cib_store.document.element import COMMENT, Element
from cib_store.document.ids import duplicate_siblings
from cib_store.document.operations import carried_out
from cib_store.document.path import Trail
from cib_store.document.refusal import Refusal
from cib_store.document.xpath import XPathTree
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from tests.property.cib_store.trees import cibs, elements

_XPATHS = st.sampled_from(
    ["/cib", "/cib/configuration", "/cib/status", "//primitive", "//nvpair", "//group/*",
     "//*[@id='a']", "//*[@id='b']", "//rule", "//@score", "//op[@value]", "//primitive/nvpair"]
)  # fmt: skip
_PERMISSIONS = st.lists(
    st.builds(Permission, st.sampled_from(list(Right)), _XPATHS), max_size=6
).map(tuple)


def _marked(element: Element, numbers: Iterator[int]) -> Element:
    """Give every element an attribute that no other has, so that what shows can be told."""
    children = tuple(_marked(child, numbers) for child in element.children)
    if element.tag == COMMENT:
        return Element(COMMENT, text=f"mark{next(numbers)}.")
    return Element(element.tag, {**element.attributes, "mark": f"mark{next(numbers)}."}, children)


_CIBS = cibs().map(lambda cib: _marked(cib, count()))


def _trails(element: Element, trail: Trail = ()) -> Iterator[tuple[Trail, Element]]:
    yield trail, element
    for position, child in enumerate(element.children):
        yield from _trails(child, (*trail, position))


def _naive_rights(cib: Element, permissions: tuple[Permission, ...]) -> Mapping[Trail, Right]:
    """The rights by their definition: of the nearest match deny counts, then write, then read."""
    tree, found = XPathTree(cib), {}
    given_ = {
        right: {trail for each in permissions if each.right is right
                for trail in tree.owners(each.xpath)}
        for right in Right
    }  # fmt: skip
    for trail, _ in _trails(cib):
        for length in range(len(trail), -1, -1):
            here = [right for right in (Right.DENY, Right.WRITE, Right.READ)
                    if trail[:length] in given_[right]]  # fmt: skip
            if here:
                found[trail] = here[0]
                break
    return found


def _mark_of(element: Element) -> str:
    return element.text if element.tag == COMMENT else element.get("mark")


@given(_CIBS, _PERMISSIONS)
def test_what_is_shown_is_what_may_be_read(
    cib: Element, permissions: tuple[Permission, ...]
) -> None:
    """features 20.2, 20.5, 20.6, 20.11"""
    naive = _naive_rights(cib, permissions)
    view = seen(cib, rights(XPathTree(cib), permissions))
    text = "" if view is None else render(view)
    for trail, element in _trails(cib):
        # A comment is its parent's.
        owner = trail[:-1] if element.tag == COMMENT else trail
        may_read = naive.get(owner) in (Right.READ, Right.WRITE)
        assert (_mark_of(element) in text) == may_read


@given(_CIBS, _PERMISSIONS)
def test_what_is_not_edited_comes_back_as_it_was(
    cib: Element, permissions: tuple[Permission, ...]
) -> None:
    marks = rights(XPathTree(cib), permissions)
    view = seen(cib, marks)
    if view is not None:
        copy = Element(view.tag, view.attributes, view.children)
        assert put_back(cib, marks, copy) == cib


@given(cibs(), cibs())
def test_edits_make_the_one_of_the_other(old: Element, new: Element) -> None:
    assume(not duplicate_siblings(new))
    cib = old
    for operation in edits(old, new):
        done = carried_out(cib, operation)
        assert not isinstance(done, Refusal), (operation, done)
        cib = done
    assert cib.children == new.children


_PLACES = st.sampled_from(
    ["/cib/configuration", "/cib/status", "//primitive", "//group", "//*[@id='a']", "//op",
     "//*[@id='c']", "/cib"]
)  # fmt: skip


@st.composite
def _operations(draw: st.DrawFn) -> CibOperation:
    kind = draw(st.sampled_from([OperationKind.CREATE, OperationKind.MODIFY, OperationKind.REPLACE,
                                 OperationKind.DELETE, OperationKind.DELETE,
                                 OperationKind.ERASE]))  # fmt: skip
    if kind is OperationKind.ERASE:
        return CibOperation(kind=kind)
    xml = "" if kind is OperationKind.DELETE else render(draw(elements(1)), indent=0)
    return CibOperation(kind=kind, path=draw(_PLACES), xml=xml, all=draw(st.booleans()))


@settings(max_examples=150)
@given(_CIBS, _PERMISSIONS, st.lists(_operations(), min_size=1, max_size=3))
def test_a_permitted_write_never_changes_what_may_not_be_written(
    cib: Element, permissions: tuple[Permission, ...], operations: list[CibOperation]
) -> None:
    """features 20.4, 20.7, 20.11"""
    found = permitted(XPathTree(cib), permissions, operations)
    if isinstance(found, Refusal):
        return
    new = cib
    for operation in found:
        done = carried_out(new, operation)
        if isinstance(done, Refusal):
            return  # such as a CIB without a configuration: of this change nothing is carried out
        new = done
    before, after = _naive_rights(cib, permissions), _naive_rights(new, permissions)
    then = {_mark_of(element): trail for trail, element in _trails(new)}
    old_at, new_at = dict(_trails(cib)), dict(_trails(new))
    for trail, element in old_at.items():
        owner = trail[:-1] if element.tag == COMMENT else trail
        if before.get(owner) is Right.WRITE or not trail:
            continue
        mark = _mark_of(element)
        assert mark in then, "something was deleted without the right to"
        there = then[mark]
        assert new_at[there].attributes == element.attributes
        assert _mark_of(new_at[there[:-1]]) == _mark_of(old_at[trail[:-1]]), "it was moved"
    marks = {_mark_of(element) for element in old_at.values()}
    for trail, element in new_at.items():
        if element.tag == COMMENT or _mark_of(element) in marks or not trail:
            continue
        assert after.get(trail) is Right.WRITE or element.attributes.keys() <= {"id"}
