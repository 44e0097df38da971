"""The configurations that are simulated: primitives, a group, constraints, a fence device."""

from __future__ import annotations

from random import Random

from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.fencing.setup import Abilities, Device, FenceAction, HostCheck

DEVICE = ResourceId("power")
PRIMITIVES = ("a", "b", "x", "y")
"""Every primitive that must never be active twice."""


def cib_xml(random: Random, nodes: tuple[NodeName, ...], *, fencing: bool) -> str:
    """Return a CIB; what the seed chooses are policy, stickiness and constraints."""
    policy = random.choice(("stop", "stop", "stop", "freeze")) if fencing else "stop"
    options = {
        "stonith-enabled": "true" if fencing else "false",
        "no-quorum-policy": policy,
        "dc-deadtime": "8s",
        "cluster-recheck-interval": "30s",
        "stonith-timeout": "20s",
        "stonith-action": random.choice(("reboot", "off")),
        "transition-delay": "0s",
        "startup-fencing": "true",
    }
    properties = "".join(
        f'<nvpair id="opt-{name}" name="{name}" value="{value}"/>'
        for name, value in options.items()
    )
    defaults = "".join(
        f'<nvpair id="dflt-{name}" name="{name}" value="{value}"/>'
        for name, value in (
            ("resource-stickiness", str(random.choice((0, 10, 100)))),
            ("migration-threshold", "3"),
            ("failure-timeout", "20s"),
        )
    )
    device = (
        f'<primitive id="{DEVICE}" class="stonith" type="fence_sim"><operations>'
        '<op id="power-m" name="monitor" interval="20s" timeout="6s"/></operations></primitive>'
        if fencing
        else ""
    )
    group = f'<group id="g">{_primitive("x")}{_primitive("y")}</group>'
    entries = "".join(f'<node id="{node}" uname="{node}"/>' for node in nodes)
    return (
        '<cib validate-with="pacemaker-4.0" crm_feature_set="3.20.5" admin_epoch="0" epoch="1" '
        'num_updates="0"><configuration><crm_config>'
        f'<cluster_property_set id="cib-bootstrap-options">{properties}</cluster_property_set>'
        f"</crm_config><nodes>{entries}</nodes><resources>{device}{_primitive('a')}"
        f"{_primitive('b')}{group}</resources><constraints>{_constraints(random, nodes)}"
        f'</constraints><rsc_defaults><meta_attributes id="dflt">{defaults}</meta_attributes>'
        "</rsc_defaults></configuration><status/></cib>"
    )


def _primitive(name: str) -> str:
    return (
        f'<primitive id="{name}" class="ocf" provider="heartbeat" type="Dummy"><operations>'
        f'<op id="{name}-start" name="start" interval="0s" timeout="6s"/>'
        f'<op id="{name}-stop" name="stop" interval="0s" timeout="6s"/>'
        f'<op id="{name}-m" name="monitor" interval="10s" timeout="5s"/>'
        f"</operations></primitive>"
    )


def _constraints(random: Random, nodes: tuple[NodeName, ...]) -> str:
    possible = (
        '<rsc_colocation id="c1" rsc="a" with-rsc="g" score="INFINITY"/>'
        '<rsc_order id="o1" first="g" then="a"/>',
        '<rsc_colocation id="c2" rsc="a" with-rsc="b" score="-INFINITY"/>',
        '<rsc_order id="o2" first="b" then="g"/>',
        f'<rsc_location id="l1" rsc="b" node="{random.choice(nodes)}" score="50"/>',
    )
    return "".join(one for one in possible if random.random() < 0.4)


def device(nodes: tuple[NodeName, ...]) -> Device:
    """Return the fence device as the fencer's core sees it."""
    return Device(
        id=DEVICE,
        agent="fence_sim",
        host_check=HostCheck.STATIC_LIST,
        host_list=nodes,
        abilities=Abilities(
            actions=frozenset((FenceAction.OFF, FenceAction.ON, FenceAction.REBOOT)),
            target_parameter="plug",
        ),
    )
