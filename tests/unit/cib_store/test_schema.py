"""Every fault of a configuration is found at once, and says what, where and how to mend it."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse, render
from cib_store.document.element import Element
from cib_store.document.path import insert, trail_of
from cib_store.document.sections import empty_cib
from cib_store.schema import faults, warnings

WEB = '<primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/>'


def _cib(**sections: str) -> Element:
    cib = empty_cib({}, {})
    for name, text in sections.items():
        for child in parse(f"<x>{text}</x>").children:
            trail = trail_of(cib, f"/cib/configuration/{name}")
            assert trail is not None
            cib = insert(cib, trail, child)
    return cib


def _codes(cib: Element) -> list[str]:
    return [fault.code for fault in faults(cib)]


GOOD = {
    "crm_config": '<cluster_property_set id="s"><nvpair id="n" name="maintenance-mode" '
    'value="true"/></cluster_property_set>',
    "resources": f'<group id="g">{WEB}</group><clone id="k"><primitive id="p" class="systemd" '
    'type="x"><operations><op id="o" name="monitor" interval="10s" timeout="20"/></operations>'
    '<meta_attributes id="m"><nvpair id="mn" name="migration-threshold" value="INFINITY"/>'
    "</meta_attributes></primitive></clone>",
    "constraints": '<rsc_location id="l" rsc="g" node="a" score="-INFINITY"/>'
    '<rsc_order id="r" first="g" then="k" kind="Mandatory"/>'
    '<rsc_colocation id="c" score="100"><resource_set id="rs"><resource_ref id="web"/>'
    "</resource_set></rsc_colocation>",
}


def test_a_good_configuration_has_no_faults() -> None:
    """features 4.20"""
    assert faults(_cib(**GOOD)) == ()


@pytest.mark.parametrize(
    ("section", "text", "code", "said"),
    [
        ("resources", '<primitve id="x"/>', "unknown-element", "primitve"),
        ("resources", WEB.replace("/>", ' clas="x"/>'), "unknown-attribute", "clas"),
        ("resources", '<primitive id="x" class="ocf" type="y"/>', "missing-attribute", "provider"),
        ("resources", '<primitive id="x" type="y"/>', "missing-attribute", "class"),
        ("resources", '<primitive id="x" class="upstart" type="y"/>', "bad-value", "upstart"),
        ("resources", '<primitive id="x" template="t"/>', "unknown-reference", "'t'"),
        ("resources", '<group id="x"/>', "empty-group", "'x'"),
        ("resources", '<clone id="x"/>', "empty-clone", "'x'"),
        ("resources", f'<group id="x"><group id="y">{WEB}</group></group>', "wrong-member", "'y'"),
        (
            "resources",
            WEB.replace("/>", '><operations><op id="o" name="monitor" interval="soon"/>'
                        "</operations></primitive>"),
            "bad-value",
            "soon",
        ),
        (
            "resources",
            WEB.replace("/>", '><meta_attributes id="m"><nvpair id="n" name="is-managed"'
                        ' value="maybe"/></meta_attributes></primitive>'),
            "bad-value",
            "maybe",
        ),
        (
            "crm_config",
            '<cluster_property_set id="s"><nvpair id="n" name="no-quorum-policy" value="x"/>'
            "</cluster_property_set>",
            "bad-value",
            "freeze",
        ),
        (
            "constraints",
            '<rsc_location id="l" rsc="gone" node="a" score="1"/>',
            "unknown-reference",
            "gone",
        ),
        (
            "constraints",
            '<rsc_location id="l" rsc-pattern="w.*" node="a" score="often"/>',
            "bad-value",
            "often",
        ),
        ("constraints", '<rsc_location id="l" rsc-pattern="w.*"/>', "missing-attribute", "score"),
        (
            "constraints",
            '<rsc_ticket id="l" ticket="t"><resource_set id="s"><resource_ref id="gone"/>'
            "</resource_set></rsc_ticket>",
            "unknown-reference",
            "gone",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_named(section: str, text: str, code: str, said: str) -> None:
    """features 4.20"""
    found = faults(_cib(**{section: text}))
    assert code in [fault.code for fault in found]
    assert any(said in str(fault) for fault in found)
    assert all(fault.where and fault.what and fault.mend for fault in found)


def test_all_faults_come_at_once() -> None:
    cib = _cib(
        resources='<group id="g"/><primitive id="g" class="lsb" type="x"/>',
        constraints='<rsc_order id="o" first="no" then="nothing" symmetrical="maybe"/>',
    )
    assert sorted(_codes(cib)) == [
        "bad-value", "duplicate-id", "empty-group", "unknown-reference", "unknown-reference",
    ]  # fmt: skip


def test_what_was_wrong_before_may_stay() -> None:
    old = _cib(resources='<group id="g"/>')
    new = _cib(resources=f'<group id="g"/>{WEB}')
    assert faults(new, before=old) == ()


def test_an_unknown_option_or_node_is_only_a_warning() -> None:
    """features 2.42"""
    cib = _cib(
        crm_config='<cluster_property_set id="s"><nvpair id="n" name="mine" value="1"/>'
        "</cluster_property_set>",
        resources=WEB,
        constraints='<rsc_location id="l" rsc="web" node="later" score="1"/>',
    )
    assert faults(cib) == ()
    assert [one.code for one in warnings(cib)] == ["unknown-node", "unknown-option"]
    assert not any(one.is_error for one in warnings(cib))
    assert render(cib)
