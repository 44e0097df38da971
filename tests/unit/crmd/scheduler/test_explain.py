"""The reasons for a placement, as values (what users want 5)."""

from __future__ import annotations

from cib_store.document.codec import parse
from cib_store.model.dates import Moment
from crmd.scheduler.explaining.explain import explain
from crmd.scheduler.explaining.values import Explanation, NodeView
from crmd.scheduler.state.contribution import Origin

_NOW = Moment(1_700_000_000)


def _explain(
    resources: str, constraints: str = "", options: str = "", node_2: str = ""
) -> dict[str, Explanation]:
    cib = parse(
        '<cib validate-with="pacemaker-4.0" have-quorum="1" dc-uuid="n1"><configuration>'
        '<crm_config><cluster_property_set id="cib-bootstrap-options">'
        f'<nvpair id="f" name="fencing-enabled" value="false"/>{options}</cluster_property_set>'
        '</crm_config><nodes><node id="n1" uname="n1"/><node id="n2" uname="n2">'
        f'<instance_attributes id="i">{node_2}</instance_attributes></node></nodes>'
        f"<resources>{resources}</resources><constraints>{constraints}</constraints>"
        "</configuration><status>"
        + "".join(
            f'<node_state id="{name}" uname="{name}" in_ccm="1" crmd="1" join="member" '
            f'expected="member"/>'
            for name in ("n1", "n2")
        )
        + "</status></cib>"
    )
    return {each.resource: each for name in "abg" for each in explain(cib, _NOW, name)}


def _primitive(name: str, meta: str = "") -> str:
    return (
        f'<primitive id="{name}" class="ocf" provider="pacemaker" type="Dummy">'
        f'<meta_attributes id="{name}-m">{meta}</meta_attributes></primitive>'
    )


def _view(each: Explanation, node: str) -> NodeView:
    return next(view for view in each.nodes if view.node == node)


def test_a_preference_names_its_constraint() -> None:
    each = _explain(_primitive("a"), '<rsc_location id="likes-n2" rsc="a" node="n2" score="50"/>')[
        "a"
    ]
    assert each.chosen == "n2"
    view = _view(each, "n2")
    assert (view.score, view.chosen) == ("50", True)
    (only,) = view.contributions
    assert (only.origin, only.detail, only.added) == (Origin.LOCATION, "likes-n2", 50)
    assert "highest score, 50" in each.verdict


def test_a_ban_by_hand_names_the_command_that_clears_it() -> None:
    ban = '<rsc_location id="cli-ban-a-on-n1" rsc="a" node="n1" score="-INFINITY"/>'
    view = _view(_explain(_primitive("a"), ban)["a"], "n1")
    assert view.score == "-INFINITY"
    assert [one.command for one in view.obstacles] == ["crm resource clear a"]


def test_a_colocation_says_with_whom() -> None:
    told = _explain(
        _primitive("a") + _primitive("b"),
        '<rsc_colocation id="together" rsc="a" with-rsc="b" score="INFINITY"/>'
        '<rsc_location id="l" rsc="b" node="n2" score="9"/>',
    )
    view = _view(told["a"], "n1")
    assert [one.detail for one in view.contributions] == ["together: with b"]
    assert view.obstacles[0].command == "crm configure show together"
    assert told["a"].chosen == told["b"].chosen == "n2"


def test_a_stopped_resource_says_how_to_start_it() -> None:
    meta = '<nvpair id="t" name="target-role" value="Stopped"/>'
    each = _explain(_primitive("a", meta))["a"]
    assert each.chosen is None
    assert each.obstacles[0].command == "crm resource start a"
    assert each.verdict == "a does not run: its target-role is Stopped"


def test_a_standby_node_says_how_to_bring_it_back() -> None:
    standby = '<nvpair id="s" name="standby" value="on"/>'
    view = _view(_explain(_primitive("a"), node_2=standby)["a"], "n2")
    assert [one.command for one in view.obstacles] == ["crm node online n2"]


def test_maintenance_mode_is_named() -> None:
    option = '<nvpair id="m" name="maintenance-mode" value="true"/>'
    each = _explain(_primitive("a"), options=option)["a"]
    assert each.obstacles[0].command == "crm configure property maintenance-mode=false"


def test_a_group_is_explained_member_by_member() -> None:
    told = _explain(f'<group id="g">{_primitive("x")}{_primitive("y")}</group>')
    assert sorted(told) == ["x", "y"]


def test_an_unknown_resource_has_no_explanation() -> None:
    assert not _explain("")


def test_what_was_removed_from_the_configuration_says_so() -> None:
    cib = parse(
        '<cib have-quorum="1" dc-uuid="n1"><configuration><crm_config/><nodes>'
        '<node id="n1" uname="n1"/></nodes><resources/><constraints/></configuration><status>'
        '<node_state id="n1" uname="n1" in_ccm="1" crmd="1" join="member" expected="member">'
        '<lrm id="n1"><lrm_resources><lrm_resource id="old" class="ocf" provider="pacemaker" '
        'type="Dummy"><lrm_rsc_op id="old_last_0" operation="start" operation_key="old_start_0" '
        'interval="0" call-id="1" rc-code="0" op-status="0" '
        'transition-key="1:1:0:01234567-89ab-cdef-0123-456789abcdef"/></lrm_resource>'
        "</lrm_resources></lrm></node_state></status></cib>"
    )
    (each,) = explain(cib, _NOW, "old")
    assert each.obstacles[0].what == "it is not in the configuration any more"
    assert [one.origin for one in each.nodes[0].contributions] == [Origin.REMOVED]
