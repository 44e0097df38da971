"""Changes conflict where they touch the same thing, and nowhere else (features 4.19)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cib_store.apply import State
from cib_store.apply.change import change_cib
from cib_store.document.element import Element
from cib_store.document.path import find, path_of
from cib_store.document.refusal import Refusal
from cib_store.document.xpath import XPathTree
from cib_store.proposing.resolve import Resolved, resolve
from cib_store.schema import Checks
from cib_store.schema.check import faults
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibChange, CibOperation, OperationKind, Origin
from tests.unit.cib_store.stories import born, then, told, write

K = OperationKind
RESOURCES = "/cib/configuration/resources"
_PAIRS = (
    '<meta_attributes id="{0}-m"><nvpair id="{0}-p" name="priority" value="1"/>'
    '<nvpair id="{0}-r" name="target-role" value="Started"/></meta_attributes>'
)


def _primitive(name: str, inside: str = "") -> str:
    return f'<primitive id="{name}" class="lsb" type="x">{inside}</primitive>'


def _story() -> State:
    a, b = (_primitive(name, _PAIRS.format(name)) for name in "ab")
    order = '<rsc_order id="o" first="a" then="b"/>'
    return told(born(), *(write(K.CREATE, xml) for xml in (a, b, order)))


def _change(state: State, *operations: CibOperation) -> CibChange:
    resolved = resolve(XPathTree(state.cib), operations, Origin(at_us=1), Checks())
    assert isinstance(resolved, Resolved), resolved
    return resolved.change


def _modify(xml: str) -> CibOperation:
    return CibOperation(kind=K.MODIFY, xml=xml, all=True)


def _value(name: str, value: str) -> CibOperation:
    xml = f'<nvpair id="{name}" value="{value}"/>'
    return CibOperation(kind=K.MODIFY, xml=xml, scope="resources")


def _delete(path: str) -> CibOperation:
    return CibOperation(kind=K.DELETE, path=path)


LINK = '<rsc_colocation id="l" rsc="a" with-rsc="b"/>'
TIDY = (_delete("//rsc_order"), _delete("//primitive[@id='b']"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([_value("a-p", "5")], [_value("b-p", "6")]),
        ([_value("a-p", "5")], [_value("a-r", "Stopped")]),
        ([_modify(_primitive("c"))], [_modify(_primitive("d"))]),
        ([_modify(_primitive("c"))], [_value("a-p", "6")]),
        ([_modify('<tag id="t"><obj_ref id="a"/></tag>')], [_modify('<tag id="u"/>')]),
        ([_delete("//rsc_order")], [_value("a-p", "6")]),
        ([_modify(LINK)], [_value("a-p", "6")]),
    ],
)
def test_different_things_do_not_conflict(
    one: list[CibOperation], other: list[CibOperation]
) -> None:
    state = _story()
    late = _change(state, *other)
    both = told(state, _change(state, *one), late)
    again = told(told(state, late), _change(state, *one))
    assert both.cib.child("configuration") is not None
    assert {e.id for e in both.cib.walk()} == {e.id for e in again.cib.walk()}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([_value("a-p", "5")], [_value("a-p", "6")]),
        ([_modify(_primitive("c"))], [_modify(_primitive("c"))]),
        ([_value("a-p", "5")], [_modify('<primitive id="a" description="d"/>')]),
        ([_modify(LINK)], list(TIDY)),
        (list(TIDY), [_modify(LINK)]),
        ([_value("a-p", "5")], [CibOperation(kind=K.ERASE)]),
        ([_modify(_primitive("c"))], [CibOperation(kind=K.REPLACE, xml="<constraints/>")]),
        ([_value("a-p", "5")], [CibOperation(kind=K.MODIFY, xml='<primitive description="d"/>')]),
    ],
)
def test_the_same_thing_conflicts(one: list[CibOperation], other: list[CibOperation]) -> None:
    state = _story()
    late = _change(state, *other)
    changed = told(state, _change(state, *one))
    after, outcome = then(changed, late)
    assert outcome.has("conflict"), outcome
    assert after.cib is changed.cib


@pytest.mark.parametrize(
    "operations",
    [
        [_value("a-p", "many")],
        [_modify(_primitive("c")), _modify(LINK)],
        [_modify('<rsc_colocation id="l" rsc="a" with-rsc="gone"/>')],
        [_modify('<primitive id="a" nonsense="1"/>')],
        [CibOperation(kind=K.CREATE, xml='<group id="g"/>')],
        [_delete("//primitive[@id='b']")],
        [CibOperation(kind=K.CREATE, xml='<rsc_ticket id="o2" rsc="a"/>'), *TIDY],
    ],
)
def test_looking_at_the_changed_objects_alone_finds_what_looking_at_all_finds(
    operations: list[CibOperation],
) -> None:
    """features 4.20"""
    cib = _story().cib
    new = change_cib(cib, CibChange(operations=_plain(cib, operations)), Origin(), unchecked=True)
    assert not isinstance(new, Refusal)
    known = faults(cib)
    everything = {fault for fault in faults(new) if fault not in known}
    assert set(Checks().new(new, cib)) == everything


def _plain(cib: Element, operations: list[CibOperation]) -> tuple[CibOperation, ...]:
    tree = XPathTree(cib)
    return tuple(
        replace(one, path=path_of(cib, tree.find(one.path)[0])) if one.path else one
        for one in operations
    )


def test_no_order_of_two_changes_leaves_a_reference_to_nothing() -> None:
    state = _story()
    link, tidy = _change(state, _modify(LINK)), _change(state, *TIDY)
    for first, second in ((link, tidy), (tidy, link)):
        after, _ = then(told(state, first), second)
        configuration = after.cib.child("configuration")
        assert configuration is not None
        assert configuration.names.referred <= configuration.names.defined


def test_an_id_that_two_give_at_once_is_given_once() -> None:
    """features 1.9"""
    state = _story()
    one = _change(state, _modify(_primitive("c")))
    other = _change(state, _modify('<tag id="c"/>'))
    after, outcome = then(told(state, one), other)
    assert outcome.code is ExitCode.CONFIG
    assert outcome.has("duplicate-id")
    assert find(after.cib, f"{RESOURCES}/primitive[@id='c']") is not None


def test_all_faults_are_told_together() -> None:
    """features 4.20: also an id that is there already."""
    state = _story()
    wrong = [
        CibOperation(kind=K.CREATE, xml='<group id="a"/>'),
        CibOperation(kind=K.CREATE, xml='<rsc_order id="p" first="no" then="x"/>'),
    ]
    refusal = resolve(XPathTree(state.cib), wrong, Origin(at_us=1), Checks())
    assert isinstance(refusal, Refusal)
    codes = sorted(report.code for report in refusal.reports)
    assert codes == ["duplicate-id", "empty-group", "unknown-reference", "unknown-reference"]
