"""Configurations of older schemas become ones of the newest (features 4.23, 4.24, 4.25)."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse
from cib_store.document.element import Element
from cib_store.model.upgrade import NEWEST, upgraded


def _cib(body: str, schema: str) -> Element:
    text = f'<cib validate-with="{schema}"><configuration>{body}</configuration><status/></cib>'
    return parse(text)


def _body(cib: Element) -> Element:
    found = cib.child("configuration")
    assert found is not None
    return found


def _becomes(old: str, new: str, schema: str = "pacemaker-3.10") -> None:
    result = upgraded(_cib(old, schema)).cib
    assert result.get("validate-with") == NEWEST
    assert _body(result) == _body(_cib(new, NEWEST))


def test_the_newest_schema_is_left_alone() -> None:
    cib = _cib('<resources><master id="m"/></resources>', NEWEST)
    assert upgraded(cib).cib is cib


def test_what_is_valid_today_keeps_even_its_order() -> None:
    parts = '<meta_attributes id="m"/><operations/>'
    body = f'<resources><primitive id="a">{parts}</primitive></resources>'
    _becomes(body, body)


def test_a_master_becomes_a_promotable_clone() -> None:
    """features 4.25: the master element."""
    id_ = "pcmk__3_10_upgrade-promotable-legacy-ms-meta_attributes"
    _becomes(
        '<resources><master id="ms"><primitive id="p"/></master></resources>',
        f'<resources><clone id="ms"><meta_attributes id="{id_}" score="INFINITY">'
        f'<nvpair id="{id_}-promotable" name="promotable" value="true"/></meta_attributes>'
        '<primitive id="p"/></clone></resources>',
    )


def test_options_are_renamed_and_the_bootstrap_set_comes_first() -> None:
    """features 4.24: crmd-* renamed, remove-after-stop dropped, poweroff is off."""
    _becomes(
        '<crm_config><cluster_property_set id="x" score="9">'
        '<nvpair id="1" name="crmd-transition-delay" value="3s"/>'
        '<nvpair id="2" name="remove-after-stop" value="true"/>'
        '<nvpair id="3" name="stonith-action" value="poweroff"/></cluster_property_set>'
        '<cluster_property_set id="cib-bootstrap-options"/></crm_config>',
        '<crm_config><cluster_property_set id="cib-bootstrap-options"/>'
        '<cluster_property_set id="x" score="9">'
        '<nvpair id="1" name="transition-delay" value="3s"/>'
        '<nvpair id="3" name="stonith-action" value="off"/></cluster_property_set></crm_config>',
    )


def test_of_doubled_pairs_the_first_after_the_last_default_stays() -> None:
    """features 4.24: nvpairs without value or doubled are dropped."""
    pairs = ["a:1", "a:#default", "a:2", "a:3", "b:1", "b:2"]
    written = "".join(f'<nvpair id="{one}" name="{one[0]}" value="{one[2:]}"/>' for one in pairs)
    result = upgraded(
        _cib(
            f'<rsc_defaults><meta_attributes id="m">{written}<nvpair id="c" name="c"/>'
            "</meta_attributes></rsc_defaults>",
            "pacemaker-3.10",
        )
    ).cib
    kept = [one.id for one in result.walk() if one.tag == "nvpair"]
    assert kept == ["a:2", "b:1"]


def test_a_location_with_two_rules_becomes_two() -> None:
    """features 4.25: N top rules become N constraints."""
    prefix = "pcmk__3_10_upgrade-l"
    _becomes(
        '<constraints><rsc_location id="l" rsc="a"><rule id="r"/><rule id="s"/></rsc_location>'
        "</constraints>",
        f'<constraints><rsc_location id="{prefix}-1" rsc="a"><rule id="r"/></rsc_location>'
        f'<rsc_location id="{prefix}-2" rsc="a"><rule id="s"/></rsc_location></constraints>',
    )


def test_a_lifetime_is_folded_into_the_rule() -> None:
    """features 4.25: lifetime."""
    prefix = "pcmk__3_10_upgrade-l"
    _becomes(
        '<constraints><rsc_location id="l" rsc="a" node="n" score="3"><lifetime><rule id="r"/>'
        "</lifetime></rsc_location></constraints>",
        f'<constraints><rsc_location id="l" rsc="a"><rule id="{prefix}-lifetime-and-rule" '
        f'boolean-op="and"><rule id="{prefix}-node-score-rule" score="3"><expression '
        f'id="{prefix}-node-score-rule-expr" attribute="#uname" operation="eq" value="n"/></rule>'
        '<rule id="r"/></rule></rsc_location></constraints>',
    )


def test_unsupported_classes_go_with_what_names_them_and_are_reported() -> None:
    """features 4.25: nagios, upstart and their constraints."""
    cib = _cib(
        '<resources><primitive id="n" class="nagios"/><group id="g"><primitive id="u" '
        'class="upstart"/></group><primitive id="a" class="ocf"/></resources><constraints>'
        '<rsc_location id="l" rsc="n" node="x" score="1"/><rsc_order id="o" first="u" then="a"/>'
        '<rsc_order id="s"><resource_set id="s1"><resource_ref id="g"/></resource_set></rsc_order>'
        "</constraints>",
        "pacemaker-3.10",
    )
    result = upgraded(cib)
    assert [one.where for one in result.reports] == [
        "//primitive[@id='n']",
        "//primitive[@id='u']",
    ]
    assert [one.id for one in result.cib.walk() if one.id] == ["a"]


def test_a_ping_node_is_a_member_that_runs_nothing() -> None:
    """features 4.25: ping nodes become banned members."""
    result = upgraded(
        _cib('<nodes><node id="3" uname="p" type="ping"/></nodes><constraints/>', "pacemaker-3.10")
    ).cib
    (ban,) = [one for one in result.walk() if one.tag == "rsc_location"]
    assert (ban.get("rsc-pattern"), ban.get("node"), ban.get("score")) == (".*", "p", "-INFINITY")


def test_names_of_2_x_become_those_of_3_0() -> None:
    """features 4.23: from 2.10 to 3.0."""
    result = upgraded(
        _cib(
            '<crm_config><cluster_property_set id="c"><nvpair id="1" name="stonith_enabled" '
            'value="false"/><nvpair id="2" name="default-resource-stickiness" value="7"/>'
            '</cluster_property_set></crm_config><resources><primitive id="a"><operations>'
            '<op id="m" name="monitor" interval="5"><instance_attributes id="i"><nvpair id="t" '
            'name="timeout" value="7s"/></instance_attributes></op></operations></primitive>'
            "</resources>",
            "pacemaker-2.10",
        )
    ).cib
    pairs = {one.id: one.get("name") for one in result.walk() if one.tag == "nvpair"}
    assert pairs == {"1": "stonith-enabled", "t": "timeout", "2": "resource-stickiness"}
    sets = [one.tag for one in result.walk() if one.id.startswith("_2TO3_")]
    assert sets == ["meta_attributes", "meta_attributes"]


def test_access_control_of_1_x_becomes_targets_and_roles() -> None:
    """features 4.23: from 1.x to 2.0."""
    _becomes(
        '<acls><acl_user id="u"><read id="p" xpath="/cib"/></acl_user></acls>',
        '<acls><acl_target id="u"><role id="auto-u"/></acl_target><acl_role id="auto-u">'
        '<acl_permission id="p" kind="read" xpath="/cib"/></acl_role></acls>',
        "pacemaker-1.3",
    )


@pytest.mark.parametrize(
    ("schema", "code"), [("none", "not-validated"), ("", "unknown-schema"), ("x", "unknown-schema")]
)
def test_a_schema_that_says_nothing_is_reported(schema: str, code: str) -> None:
    cib = _cib("<resources/>", schema)
    result = upgraded(cib)
    assert result.cib is cib
    assert [one.code for one in result.reports] == [code]
