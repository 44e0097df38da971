"""Every fault of a configuration is found at once, and says what, where and how to mend it."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse, render
from cib_store.document.element import Element
from cib_store.document.path import insert, trail_of
from cib_store.document.sections import empty_cib
from cib_store.schema import faults, warnings
from cib_store.schema.values import (
    BOOLEAN,
    COUNT,
    DURATION,
    PERCENTAGE,
    PORT,
    ROLE,
    SCORE,
    Kind,
)

WEB = '<primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/>'


def _cib(**sections: str) -> Element:
    cib = empty_cib({}, {})
    for name, text in sections.items():
        for child in parse(f"<x>{text}</x>").children:
            trail = trail_of(cib, f"/cib/configuration/{name}")
            if trail is None:
                above = trail_of(cib, "/cib/configuration")
                assert above is not None
                cib = insert(cib, above, Element(name))
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
        *(
            ("resources", f'<primitive id="x" class="{gone}" type="y"/>', "bad-value", gone)
            for gone in ("heartbeat", "nagios", "upstart")
        ),
        (
            "resources",
            WEB.replace("/>", '><operations><op id="o" name="monitor" interval="10" on-fail='
                        '"migrate"/></operations></primitive>'),
            "bad-value",
            "restart-container",
        ),
        (
            "constraints",
            '<rsc_location id="l" rsc-pattern="w.*"><rule id="r" score="1"><date_expression id="d"'
            ' operation="date_spec"><date_spec id="s" yearsdays="3"/></date_expression></rule>'
            "</rsc_location>",
            "unknown-attribute",
            "yeardays",
        ),
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
        ("alerts", '<alert id="a" path="alert.sh"/>', "bad-value", "absolute path"),
        ("alerts", '<alert id="a"/>', "missing-attribute", "path"),
        ("alerts", '<alert id="a" path="/a"><recipient id="r"/></alert>', "missing-attribute",
         "value"),
        ("alerts", '<alert id="a" path="/a"/><alert id="a" path="/b"/>', "duplicate-id", "'a'"),
        ("alerts", '<alert id="a" path="/a"><recipient id="a" value="x"/></alert>',
         "duplicate-id", "'a'"),
        ("alerts", '<alert id="a" path="/a"><select><select_all/></select></alert>',
         "unknown-element", "select_nodes"),
        ("alerts", '<alert id="a" path="/a"><meta_attributes id="m"><nvpair id="n" name="timeout"'
         ' value="soon"/></meta_attributes></alert>', "bad-value", "soon"),
        ("alerts", '<alert id="a" path="/a"><recipient id="r" value="x"><meta_attributes id="m">'
         '<nvpair id="n" name="enabled" value="perhaps"/></meta_attributes></recipient></alert>',
         "bad-value", "perhaps"),
        ("alerts", '<alert id="a" path="/a"><instance_attributes id-ref="none"/></alert>',
         "unknown-reference", "'none'"),
    ],
)  # fmt: skip
def test_a_fault_is_named(section: str, text: str, code: str, said: str) -> None:
    """features 4.20, 5.6, 13.34, 19.1-19.4, 35.5-35.7"""
    found = faults(_cib(**{section: text}))
    assert code in [fault.code for fault in found]
    assert any(said in str(fault) for fault in found)
    assert all(fault.where and fault.what and fault.mend for fault in found)


def test_a_remote_node_has_the_name_of_its_connection() -> None:
    """features 15.2: the id of a node's entry is no XML id, but one node has it."""
    far = '<node id="far" uname="far" type="remote"/>'
    link = '<primitive id="far" class="ocf" provider="pacemaker" type="remote"/>'
    assert _codes(_cib(nodes=far, resources=link)) == []
    assert _codes(_cib(nodes=far + far, resources=link)) == ["duplicate-id"]


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


@pytest.mark.parametrize("text", ["", " ", 'Zürich <1> & "more"', "0x1", "a\nb", "\u4e2d"])
def test_a_text_may_be_anything(text: str) -> None:
    """features 1.8: and comes back as it was"""
    pair = Element("nvpair", {"id": "n", "name": "cluster-name", "value": text})
    cib = _cib(crm_config=f'<cluster_property_set id="s">{render(pair)}</cluster_property_set>')
    assert faults(cib) == ()
    found = next(each for each in parse(render(cib)).walk() if each.tag == "nvpair")
    assert found.get("value") == text


def test_a_failure_may_restart_what_contains_the_resource() -> None:
    """features 35.4: Pacemaker's manual does not say so"""
    for action in ("restart-container", "restart", "fence", "demote"):
        op = f'<op id="o" name="monitor" interval="10s" on-fail="{action}"/>'
        resource = WEB.replace("/>", f"><operations>{op}</operations></primitive>")
        assert faults(_cib(resources=resource)) == ()


@pytest.mark.parametrize("name", ["web", "_web", "w3-b.1", "müsli"])
def test_an_id_begins_with_a_letter_and_has_no_blanks(name: str) -> None:
    """features 1.9"""
    assert faults(_cib(resources=WEB.replace("web", name))) == ()


@pytest.mark.parametrize("name", ["3web", "-web", "my web", "a:b", "a/b", "web#1", "."])
def test_an_id_of_another_form_is_refused(name: str) -> None:
    """features 1.9, 35.16: what has one already may be changed for all that."""
    wrong = _cib(resources=WEB.replace("web", name))
    (fault,) = faults(wrong)
    assert (fault.code, repr(name) in fault.what) == ("bad-value", True)
    assert faults(wrong, before=wrong) == ()
    node = f'<node id="{name}" uname="{name}"/>'
    assert faults(_cib(nodes=node)) == (), "names of nodes are no ids"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (COUNT, ("0", "7", "2147483647"), ("", "-1", "6x", "2147483648", "1.5", "²")),
        (SCORE, ("-3", "+4", "INFINITY", "-INFINITY"), ("", "6x", "often", "--1", "1.5")),
        (PERCENTAGE, ("80", "80%", "12.5%", "0"), ("", "%", "-1", "80 %", "many", "80%%")),
        (PORT, ("0", "3121", "65535"), ("", "65536", "-1", "http", "80a")),
        (BOOLEAN, ("true", "ON", "0"), ("", "2", "maybe")),
        (DURATION, ("20", "1min", "PT5M"), ("", "soon", "-5s", "20 apples")),
        (ROLE, ("Started", "stopped", "Promoted", "Slave", "master"), ("", "Leader")),
    ],
    ids=lambda kind: kind.name if isinstance(kind, Kind) else "",
)
def test_what_a_value_may_be(kind: Kind, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    """features 1.2, 1.3, 1.14: a number has nothing after it."""
    assert [text for text in good if not kind.accepts(text)] == []
    assert [text for text in bad if kind.accepts(text)] == []


def test_percentages_and_ports_are_checked_where_they_stand() -> None:
    """features 1.3"""
    options = '<cluster_property_set id="s"><nvpair id="n" name="load-threshold" value="x"/>'
    bundle = '<bundle id="b"><docker image="i"/><network control-port="99999"/></bundle>'
    guest = WEB.replace("/>", '><meta_attributes id="m"><nvpair id="mn" name="remote-port"'
                        ' value="ssh"/></meta_attributes></primitive>')  # fmt: skip
    cib = _cib(crm_config=f"{options}</cluster_property_set>", resources=bundle + guest)
    said = [fault.what for fault in faults(cib)]
    assert [("percentage" in each, "port" in each) for each in said] == [
        (True, False), (False, True), (False, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("holder", "member"),
    [
        ("clone", f'<clone id="y">{WEB}</clone>'),
        ("clone", '<bundle id="y"><docker image="i"/></bundle>'),
        ("group", f'<group id="y">{WEB}</group>'),
        ("group", f'<clone id="y">{WEB}</clone>'),
        ("group", '<bundle id="y"><docker image="i"/></bundle>'),
    ],
)
def test_what_a_group_and_a_clone_may_not_hold(holder: str, member: str) -> None:
    """features 9.27"""
    assert "wrong-member" in _codes(_cib(resources=f'<{holder} id="x">{member}</{holder}>'))


def _with_operations(*operations: str) -> Element:
    ops = "".join(f'<op id="o{at}" {text}/>' for at, text in enumerate(operations))
    inner = f"><operations>{ops}</operations></primitive>"
    return _cib(resources=WEB.replace("/>", inner))


@pytest.mark.parametrize(
    ("operations", "codes"),
    [
        (('name="monitor" interval="10s"', 'name="monitor" interval="11s"'), []),
        (('name="monitor" interval="0"', 'name="monitor" interval="10s"'), []),
        (('name="monitor" interval="10s"', 'name="monitor" interval="10000ms"'),
         ["double-operation"]),
        (('name="stop" interval="0" on-fail="block"',), []),
        (('name="stop" interval="0" on-fail="standby"',), ["bad-on-fail"]),
        (('name="stop" interval="0" on-fail="demote"',), ["bad-on-fail"]),
        (('name="stop" interval="0" on-fail="stop"',), ["bad-on-fail"]),
        (('name="start" interval="0" on-fail="demote"',), ["bad-on-fail"]),
        (('name="monitor" interval="10s" on-fail="demote"',), ["bad-on-fail"]),
        (('name="monitor" interval="10s" role="Promoted" on-fail="demote"',), []),
        (('name="promote" interval="0" on-fail="demote"',), []),
    ],
)  # fmt: skip
def test_operations_that_do_not_count_are_told(
    operations: tuple[str, ...], codes: list[str]
) -> None:
    """features 8.2, 8.8: they are allowed, as ever; told once, when they are new."""
    cib = _with_operations(*operations)
    found = warnings(cib)
    assert [one.code for one in found] == codes
    assert all(one.where and one.what and one.mend and not one.is_error for one in found)
    assert faults(cib) == ()
    assert warnings(cib, before=cib) == ()
    assert warnings(cib, before=_cib(resources=WEB)) == found
    assert warnings(_cib(resources=WEB), before=cib) == ()
