"""Fence devices, topology and places, read from the CIB."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse
from cib_store.model.dates import Moment
from raftmaker.vocabulary.ids import NodeName
from stonithd.configuration.reading import agents_of, setup_of
from stonithd.configuration.spellings import (
    parse_delay_base,
    parse_host_list,
    parse_host_map,
    parse_targets,
)
from stonithd.fencing.setup import Abilities, Device, FenceAction, HostCheck, Setup, Verdict

ABLE = Abilities(actions=frozenset({FenceAction.OFF, FenceAction.STATUS}), target_parameter="port")
LISTING = Abilities(actions=frozenset(FenceAction), target_parameter="port")
NODES = '<node id="a" uname="a"/><node id="b" uname="b"/><node id="c" uname="c"/>'


def read(
    resources: str = "",
    *,
    constraints: str = "",
    options: str = "",
    topology: str = "",
    defaults: str = "",
    status: str = "",
    nodes: str = NODES,
    abilities: Abilities | None = ABLE,
    now: int = 0,
) -> Setup:
    cib = parse(
        "<cib><configuration>"
        f'<crm_config><cluster_property_set id="cib-bootstrap-options">{options}'
        "</cluster_property_set></crm_config>"
        f"<nodes>{nodes}</nodes><resources>{resources}</resources>"
        f"<constraints>{constraints}</constraints>"
        f"<fencing-topology>{topology}</fencing-topology><rsc_defaults>{defaults}</rsc_defaults>"
        f"</configuration><status>{status}</status></cib>"
    )
    return setup_of(
        cib,
        members=(NodeName("b"), NodeName("a")),
        abilities={"fence_x": abilities} if abilities else {},
        now=Moment(now),
    )


def stonith(pairs: str = "", *, meta: str = "", name: str = "f1", attributes: str = "") -> str:
    def nvpairs(text: str) -> str:
        entries = (entry.partition("=") for entry in text.split("|") if entry)
        return "".join(
            f'<nvpair id="{name}-{key}" name="{key}" value="{value}"/>' for key, _, value in entries
        )

    return (
        f'<primitive id="{name}" class="stonith" type="fence_x" {attributes}>'
        f'<instance_attributes id="{name}-i">{nvpairs(pairs)}</instance_attributes>'
        f'<meta_attributes id="{name}-m">{nvpairs(meta)}</meta_attributes></primitive>'
    )


def only(setup: Setup) -> Device:
    assert len(setup.devices) == 1
    return setup.devices[0]


def test_parameters_are_the_agents_or_the_fencers() -> None:
    """features 17.1, 17.7-17.12, 17.16."""
    pairs = (
        "ip=192.0.2.1|pcmk_host_list=b,c|pcmk_delay_base=2s|pcmk_delay_max=5s"
        "|pcmk_action_limit=-1|pcmk_reboot_action=off|pcmk_off_timeout=90|pcmk_off_retries=4"
        "|pcmk_host_argument=vm"
    )
    device = only(read(stonith(pairs, meta="priority=7")))
    assert dict(device.parameters) == {"ip": "192.0.2.1"}
    assert device.host_list == ("b", "c")
    assert (device.delay_base_ms, device.delay_max_ms) == (2000, 5000)
    assert device.action_limit == -1
    assert device.words == {FenceAction.REBOOT: "off"}
    assert device.timeouts_ms == {FenceAction.OFF: 90_000}
    assert device.tries == {FenceAction.OFF: 4}
    assert device.host_argument == "vm"
    assert device.priority == 7
    assert device.abilities == ABLE


def test_a_device_in_a_cloned_group_with_a_template_is_one_device() -> None:
    """features 17.1."""
    template = (
        '<template id="t" class="stonith" type="fence_x"><instance_attributes id="t-i">'
        '<nvpair id="t-1" name="ip" value="one"/><nvpair id="t-2" name="port" value="two"/>'
        "</instance_attributes></template>"
    )
    primitive = (
        '<primitive id="f1" template="t"><instance_attributes id="f1-i">'
        '<nvpair id="f1-1" name="ip" value="own"/></instance_attributes></primitive>'
    )
    other = '<primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/>'
    setup = read(f'{template}<clone id="cl"><group id="g">{primitive}{other}</group></clone>')
    assert dict(only(setup).parameters) == {"ip": "own", "port": "two"}


@pytest.mark.parametrize(
    ("resources", "defaults"),
    [
        (stonith(meta="target-role=Stopped"), ""),
        (
            f'<clone id="cl">{stonith()}<meta_attributes id="m">'
            '<nvpair id="n" name="target-role" value="stopped"/></meta_attributes></clone>',
            "",
        ),
        (
            stonith(),
            '<meta_attributes id="m"><nvpair id="n" name="target-role" value="Stopped"/>'
            "</meta_attributes>",
        ),
    ],
)
def test_target_role_stopped_disables_wherever_it_is_set(resources: str, defaults: str) -> None:
    """features 17.2."""
    device = only(read(resources, defaults=defaults))
    assert not device.enabled
    assert "stopped" in device.reason


def test_a_devices_own_target_role_wins_over_its_parents() -> None:
    """features 17.2."""
    clone = (
        f'<clone id="cl">{stonith(meta="target-role=Started")}<meta_attributes id="m">'
        '<nvpair id="n" name="target-role" value="Stopped"/></meta_attributes></clone>'
    )
    assert only(read(clone)).enabled


@pytest.mark.parametrize(
    ("constraint", "banned"),
    [
        ('<rsc_location id="l" rsc="f1" node="a" score="-INFINITY"/>', ("a",)),
        ('<rsc_location id="l" rsc="f1" node="a" score="-1"/>', ("a",)),
        ('<rsc_location id="l" rsc="f1" node="a" score="5"/>', ()),
        ('<rsc_location id="l" rsc="other" node="a" score="-INFINITY"/>', ()),
        ('<rsc_location id="l" rsc-pattern="^f" node="b" score="-INFINITY"/>', ("b",)),
        (
            '<rsc_location id="l" node="c" score="-INFINITY"><resource_set id="s">'
            '<resource_ref id="f1"/></resource_set></rsc_location>',
            ("c",),
        ),
        (
            '<rsc_location id="l" rsc="f1"><rule id="r" score="-INFINITY">'
            '<expression id="e" attribute="#uname" operation="ne" value="a"/></rule>'
            "</rsc_location>",
            ("b", "c"),
        ),
        (
            '<rsc_location id="l" rsc="f1" node="a" score="INFINITY"/>'
            '<rsc_location id="k" rsc="f1" node="a" score="-INFINITY"/>',
            ("a",),
        ),
    ],
)
def test_a_negative_location_score_bans_the_executor(
    constraint: str, banned: tuple[str, ...]
) -> None:
    """features 17.2."""
    assert only(read(stonith(), constraints=constraint)).banned == banned


def test_rules_hold_and_cease_to_hold_for_devices_too() -> None:
    """features 14.19, 35.19: Pacemaker may read them once only; here each reading asks them."""

    def later(name: str, score: str = "") -> str:
        date = f'<date_expression id="{name}-d" operation="gt" start="1970-01-02T00:00:00Z"/>'
        return f'<rule id="{name}" {score}>{date}</rule>'

    device = stonith("pcmk_delay_base=2s").replace(
        "</primitive>",
        f'<instance_attributes id="f1-later" score="5">{later("p")}'
        '<nvpair id="f1-late" name="pcmk_delay_base" value="9s"/></instance_attributes>'
        f'<meta_attributes id="f1-off" score="5">{later("m")}'
        '<nvpair id="f1-role" name="target-role" value="Stopped"/></meta_attributes></primitive>',
    )
    rule = later("l", 'score="-INFINITY"')
    place = f'<rsc_location id="k" rsc="f1">{rule}</rsc_location>'
    seen = [only(read(device, constraints=place, now=now)) for now in (1, 200_000, 1)]
    assert [(one.delay_base_ms, one.enabled, one.banned) for one in seen] == [
        (2_000, True, ()), (9_000, False, ("a", "b", "c")), (2_000, True, ()),
    ]  # fmt: skip


def test_an_asymmetric_cluster_bans_what_is_not_allowed() -> None:
    """features 17.2."""
    option = '<nvpair id="o" name="symmetric-cluster" value="false"/>'
    allowed = '<rsc_location id="l" rsc="f1" node="b" score="0"/>'
    setup = read(stonith(), options=option, constraints=allowed)
    assert only(setup).banned == ("a", "c")


def test_topology_by_name_pattern_and_attribute() -> None:
    """features 17.21-17.24."""
    nodes = (
        '<node id="a" uname="a"/><node id="b" uname="b"/><node id="c" uname="c">'
        '<instance_attributes id="c-i"><nvpair id="c-1" name="rack" value="1"/>'
        "</instance_attributes></node>"
    )
    topology = (
        '<fencing-level id="1" target="a" index="2" devices="f2, f3"/>'
        '<fencing-level id="2" target="a" index="1" devices="f1"/>'
        '<fencing-level id="3" target-pattern="^[ab]$" index="1" devices="f4"/>'
        '<fencing-level id="4" target-attribute="rack" target-value="1" index="9" devices="f5"/>'
        '<fencing-level id="5" target="a" index="10" devices="f6"/>'
    )
    setup = read(topology=topology, nodes=nodes)
    found = {
        node: [level.devices for level in setup.levels_of(NodeName(node))]
        for node in ("a", "b", "c", "d")
    }
    assert found == {"a": [("f1",), ("f2", "f3")], "b": [("f4",)], "c": [("f5",)], "d": []}


def test_where_a_device_is_monitored_comes_from_its_history() -> None:
    """features 17.28."""
    template = (
        '<node_state id="{0}" uname="{0}"><lrm id="{0}"><lrm_resources>'
        '<lrm_resource id="f1" class="stonith" type="fence_x">'
        '<lrm_rsc_op id="s" operation="start" interval="0" rc-code="0" call-id="1"/>'
        '<lrm_rsc_op id="m" operation="{1}" interval="60s" rc-code="{2}" call-id="2"/>'
        "</lrm_resource></lrm_resources></lrm></node_state>"
    )
    status = (
        template.format("a", "monitor", 1)
        + template.format("b", "monitor", 0)
        + template.format("c", "stop", 0)
    )
    assert read(stonith(), status=status).monitored == (("f1", "b"),)


def test_the_clusters_timeout_under_both_names() -> None:
    """features 2.21, 17.30."""
    assert read().fencing_timeout_ms == 60_000
    for name in ("fencing-timeout", "stonith-timeout"):
        option = f'<nvpair id="o" name="{name}" value="2min"/>'
        assert read(options=option).fencing_timeout_ms == 120_000


@pytest.mark.parametrize(
    ("pairs", "abilities", "check", "verdict"),
    [
        ("pcmk_host_list=b", LISTING, HostCheck.STATIC_LIST, Verdict.YES),
        ("pcmk_host_list=c", LISTING, HostCheck.STATIC_LIST, Verdict.NO),
        ("pcmk_host_map=b:7", LISTING, HostCheck.STATIC_LIST, Verdict.YES),
        ("", LISTING, HostCheck.DYNAMIC_LIST, Verdict.UNKNOWN),
        ("", ABLE, HostCheck.STATUS, Verdict.UNKNOWN),
        ("", Abilities(actions=frozenset({FenceAction.OFF})), HostCheck.NONE, Verdict.YES),
        ("pcmk_host_check=none|pcmk_host_list=c", LISTING, HostCheck.NONE, Verdict.YES),
        ("pcmk_host_check=nonsense", LISTING, HostCheck.DYNAMIC_LIST, Verdict.UNKNOWN),
        ("", None, HostCheck.DYNAMIC_LIST, Verdict.UNKNOWN),
    ],
)
def test_how_a_device_knows_its_targets(
    pairs: str, abilities: Abilities | None, check: HostCheck, verdict: Verdict
) -> None:
    """features 17.6."""
    device = only(read(stonith(pairs), abilities=abilities))
    assert device.check() is check
    assert device.can_fence(NodeName("b")) is verdict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node1:1;node2:2,3", {"node1": "1", "node2": "2,3"}),
        ("a=1 b=2\tc:3;", {"a": "1", "b": "2", "c": "3"}),
        (r"a:1\;2;b:x\ y", {"a": "1;2", "b": "x y"}),
        ("a:52:54:00", {"a": "52:54:00"}),
        ("a;b:1", {"b": "1"}),
        ("", {}),
    ],
)
def test_host_maps(text: str, expected: dict[str, str]) -> None:
    """features 17.4."""
    assert parse_host_map(text) == expected


def test_host_lists_delays_and_listed_targets() -> None:
    """features 17.5, 17.8, 17.6."""
    assert parse_host_list(" a,b;c  d ") == ("a", "b", "c", "d")
    assert parse_delay_base("5s") == (5000, {})
    assert parse_delay_base("a:0s;b:5s") == (0, {"a": 0, "b": 5000})
    assert parse_delay_base("nonsense") == (0, {})
    assert parse_targets("1,node-a\n2, node.b ,on\n\n3") == (
        "1", "node-a", "2", "node.b", "on", "3"
    )  # fmt: skip


def test_the_agents_in_use() -> None:
    cib = parse(f"<cib><configuration><resources>{stonith()}</resources></configuration></cib>")
    assert agents_of(cib) == ("fence_x",)
