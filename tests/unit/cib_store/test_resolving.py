"""Requests become changes that apply needs no XPath for (features 4.1, 4.5, 4.12)."""

from __future__ import annotations

import pytest

from cib_store.document.element import Element
from cib_store.document.path import find
from cib_store.document.refusal import Refusal
from cib_store.document.xpath import XPathTree
from cib_store.proposing.resolve import Resolved, resolve
from cib_store.queries import found
from cib_store.schema import Checks
from raftmaker.runtime.errors import Rejected
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind, Origin
from tests.unit.cib_store.stories import born, then, told, write

K = OperationKind
A1 = '<primitive id="a1" class="lsb" type="x"/>'
A2 = '<primitive id="a2" class="lsb" type="x"/>'


def _tree() -> XPathTree:
    state = told(born(), write(K.CREATE, A1), write(K.CREATE, A2))
    return XPathTree(state.cib)


def _resolved(operation: CibOperation) -> Resolved | Refusal:
    return resolve(_tree(), [operation], Origin(at_us=1), Checks())


def _ids(cib: Element) -> list[str]:
    resources = find(cib, "/cib/configuration/resources")
    assert resources is not None
    return [child.id for child in resources.children]


def test_delete_by_xpath_takes_the_first_or_all() -> None:
    """features 4.5"""
    first = _resolved(CibOperation(kind=K.DELETE, path="//primitive"))
    every = _resolved(CibOperation(kind=K.DELETE, path="//primitive[@type='x']", all=True))
    assert isinstance(first, Resolved)
    assert isinstance(every, Resolved)
    assert _ids(first.cib) == ["a2"]
    assert _ids(every.cib) == []
    assert [one.path for one in every.change.operations] == [
        "/cib/configuration/resources/primitive[@id='a2']",
        "/cib/configuration/resources/primitive[@id='a1']",
    ]


@pytest.mark.parametrize(
    ("path", "code"),
    [("//primitive", ExitCode.MULTIPLE), ("//group", ExitCode.NOSUCH), ("//[", ExitCode.USAGE),
     ("count(//primitive)", ExitCode.USAGE), ("//@id", ExitCode.USAGE)],
)  # fmt: skip
def test_an_xpath_that_does_not_name_one_element_is_refused(path: str, code: ExitCode) -> None:
    refusal = _resolved(CibOperation(kind=K.MODIFY, path=path, xml=A1))
    assert isinstance(refusal, Refusal)
    assert refusal.code is code


def test_a_configuration_change_relies_on_what_it_was_checked_against() -> None:
    state = told(born(), write(K.CREATE, A1), write(K.CREATE, A2))
    operation = CibOperation(kind=K.DELETE, path="//primitive")
    resolved = resolve(XPathTree(state.cib), [operation], Origin(at_us=1), Checks())
    assert isinstance(resolved, Resolved)
    told(state, resolved.change)
    changed = told(state, write(K.MODIFY, '<primitive id="a1" type="y"/>'))
    assert then(changed, resolved.change)[1].has("conflict")


def test_a_status_change_relies_on_nothing() -> None:
    resolved = _resolved(CibOperation(kind=K.CREATE, xml='<node_state id="a"/>'))
    assert isinstance(resolved, Resolved)
    assert resolved.change.status
    assert not resolved.change.preconditions


def test_what_does_not_validate_is_refused_with_config() -> None:
    """features 4.20"""
    refusal = _resolved(CibOperation(kind=K.CREATE, xml='<rsc_order id="o" first="a1"/>'))
    assert isinstance(refusal, Refusal)
    assert refusal.code is ExitCode.CONFIG


def test_raising_the_epoch_alone_is_a_configuration_change() -> None:
    """features 4.7"""
    resolved = _resolved(CibOperation(kind=K.BUMP))
    assert isinstance(resolved, Resolved)
    assert not resolved.change.status


def test_queries_by_scope_and_xpath() -> None:
    """features 4.1, 4.12"""
    tree = _tree()
    assert [one.tag for one in found(tree, scope="resources")] == ["resources"]
    assert [one.id for one in found(tree, xpath="//primitive")] == ["a1", "a2"]
    (bare,) = found(tree, no_children=True)
    assert (bare.tag, bare.children) == ("cib", ())
    assert found(tree, scope="tags") == ()
    with pytest.raises(Rejected):
        found(tree, scope="nonsense")


OLD_CIB = (
    '<cib validate-with="{}" epoch="99" num_updates="0" admin_epoch="0"><configuration>'
    '<crm_config/><nodes/><resources><master id="m"><primitive id="p" class="lsb" type="x"/>'
    "</master></resources><constraints/></configuration><status/></cib>"
)


def test_a_whole_cib_of_an_older_schema_is_brought_to_the_newest() -> None:
    """features 3.5, 4.8, 4.26"""
    old = OLD_CIB.format("pacemaker-2.10")
    resolved = _resolved(CibOperation(kind=K.REPLACE, xml=old))
    assert isinstance(resolved, Resolved), resolved
    assert resolved.cib.get("validate-with") == "pacemaker-4.0"
    assert find(resolved.cib, "/cib/configuration/resources/clone[@id='m']") is not None
    assert "schema-upgraded" in [report.code for report in resolved.warnings]


def test_a_schema_that_is_not_known_is_refused() -> None:
    """features 3.5"""
    for operation in (
        CibOperation(kind=K.REPLACE, xml=OLD_CIB.format("pacemaker-9.9")),
        CibOperation(kind=K.MODIFY, scope="cib", xml='<cib validate-with="pacemaker-3.9"/>'),
    ):
        refusal = _resolved(operation)
        assert isinstance(refusal, Refusal)
        assert [report.code for report in refusal.reports] == ["unknown-schema"]
