"""What a CIB looks like: entries and attributes that are taken, and what is wrong in them (3)."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse, render
from cib_store.document.refusal import Refusal
from cib_store.document.xpath import XPathTree
from cib_store.proposing.resolve import Resolved, resolve
from cib_store.schema import Checks
from raftmaker.vocabulary.commands import CibOperation, OperationKind, Origin
from tests.unit.cib_store.stories import born

K = OperationKind
_P = '<primitive id="{}" class="lsb" type="x"/>'


def _resolved(operation: CibOperation) -> Resolved | Refusal:
    return resolve(XPathTree(born().cib), [operation], Origin(at_us=1), Checks())


@pytest.mark.parametrize(
    ("scope", "xml"),
    [("nodes", '<node id="n" uname="n" type="member" score="5" description="d"/>'),
     ("nodes", '<node id="n" uname="n" type="remote"><instance_attributes id="i">'
      '<nvpair id="s" name="standby" value="on"/></instance_attributes>'
      '<utilization id="u"><nvpair id="c" name="cpu" value="4"/></utilization></node>'),
     ("nodes", '<node id="n" uname="n" type="ping"/>'),
     ("resources", _P.format("p")),
     ("resources", '<template id="t" class="lsb" type="x"/>'),
     ("resources", f'<group id="g">{_P.format("p")}</group>'),
     ("resources", f'<clone id="c">{_P.format("p")}</clone>'),
     ("resources", f'<master id="m">{_P.format("p")}</master>'),
     ("resources", f'<bundle id="b"><podman image="i"/>{_P.format("p")}</bundle>')],
)  # fmt: skip
def test_entries_of_nodes_and_resources(scope: str, xml: str) -> None:
    """features 3.10, 3.11"""
    assert isinstance(_resolved(CibOperation(kind=K.CREATE, scope=scope, xml=xml)), Resolved)


@pytest.mark.parametrize(
    ("scope", "xml", "what"),
    [("nodes", '<node id="n"/>', "uname"),
     ("nodes", '<node id="n" uname="n" type="guest"/>', "member, remote, normal, ping"),
     ("resources", '<service id="s"/>', "primitive"),
     ("constraints", '<rsc_before id="r"/>', "rsc_colocation")],
)  # fmt: skip
def test_what_is_no_entry_is_refused_with_what_is_allowed(scope: str, xml: str, what: str) -> None:
    """features 3.10, 3.11"""
    refusal = _resolved(CibOperation(kind=K.CREATE, scope=scope, xml=xml))
    assert isinstance(refusal, Refusal)
    assert what in str(refusal.reports[0])


def test_constraints_of_all_kinds() -> None:
    """features 3.11"""
    whole = parse(
        '<configuration><crm_config/><nodes/><resources>'
        f'{_P.format("p")}{_P.format("q")}</resources><constraints>'
        '<rsc_location id="l" rsc="p" node="n" score="1"/>'
        '<rsc_order id="o" first="p" then="q"/>'
        '<rsc_colocation id="c" rsc="p" with-rsc="q" score="1"/>'
        '<rsc_ticket id="t" rsc="p" ticket="T"/></constraints></configuration>'
    )  # fmt: skip
    operation = CibOperation(kind=K.REPLACE, scope="configuration", xml=render(whole))
    assert isinstance(_resolved(operation), Resolved)


def test_old_attributes_of_the_root_are_taken_and_kept() -> None:
    """features 3.8"""
    old = '<cib no-quorum-panic="1" request_id="7" cib_feature_revision="2"/>'
    resolved = _resolved(CibOperation(kind=K.MODIFY, scope="cib", xml=old))
    assert isinstance(resolved, Resolved)
    assert resolved.cib.get("request_id") == "7"
