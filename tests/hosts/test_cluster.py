"""A cluster on three hosts with systemd, over mutual TLS: power cut, pulled cable, clean stop.

Fencing is on, by a switch that really cuts the power. Agents are Debian's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.cluster import crm, running, status, wait_for
from tests.hosts.fleet import Fleet, Host

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: namespaces and mounts"),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ip", "nft", "unshare", "ping"))),
        reason="needs Debian's iproute2, nftables, util-linux and iputils-ping",
    ),
    pytest.mark.skipif(
        not Path("/usr/lib/ocf/resource.d/heartbeat/IPaddr2").exists(),
        reason="needs Debian's resource-agents",
    ),
]

SERVICE_ADDRESS = "10.77.0.100"
CONFIGURATION = f"""
primitive switch stonith:fence_host params ip=10.77.0.254 \\
    op monitor interval=60s timeout=20s
primitive address ocf:heartbeat:IPaddr2 params ip={SERVICE_ADDRESS} cidr_netmask=24 \\
    op monitor interval=2s timeout=20s
primitive dummy ocf:heartbeat:Dummy op monitor interval=2s timeout=20s
group service address dummy
property fencing-enabled=true no-quorum-policy=stop
rsc_defaults resource-stickiness=100
"""


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with running(3, "cluster") as fleet:
        first = fleet.hosts[0]
        wait_for(lambda: online(first) == ["h1", "h2", "h3"], "all three join")
        crm(first, "configure", "load", "update", "-", stdin=CONFIGURATION)
        wait_for(lambda: place_of(first, "dummy") is not None, "the group starts")
        yield fleet


def online(seen_by: Host) -> list[str]:
    nodes = status(seen_by)["nodes"]
    return sorted(node["name"] for node in nodes if node["online"])


def place_of(seen_by: Host, resource: str) -> str | None:
    for line in crm(seen_by, "resource", "status", resource).splitlines():
        if "is running on:" in line:
            return line.split("is running on:")[1].split()[0]
    return None


def holders(fleet: Fleet) -> list[str]:
    """Return the hosts that hold the address, asked of their kernels and not of the cluster."""
    found = []
    for host in fleet:
        if host.pid is not None:
            addresses = host.exec("ip", "-4", "-o", "addr", "show", "dev", "eth0").stdout
            if f"{SERVICE_ADDRESS}/" in addresses:
                found.append(host.name)
    return found


def survivor_of(fleet: Fleet, lost: str) -> Host:
    return next(host for host in fleet if host.name != lost)


def bring_back(fleet: Fleet, name: str) -> None:
    fleet.network.heal(fleet.host(name).number)
    if fleet.host(name).pid is None:
        fleet.host(name).power_on()
    watcher = survivor_of(fleet, name)
    wait_for(lambda: online(watcher) == ["h1", "h2", "h3"], f"{name} joins again")


def test_a_host_that_loses_power_is_fenced_and_its_group_moves(fleet: Fleet) -> None:
    lost = holders(fleet)
    assert len(lost) == 1
    watcher = survivor_of(fleet, lost[0])
    fleet.host(lost[0]).power_off()
    wait_for(lambda: len(holders(fleet)) == 1, "the address is elsewhere")
    wait_for(lambda: place_of(watcher, "dummy") == holders(fleet)[0], "the whole group is there")
    assert holders(fleet) != lost
    bring_back(fleet, lost[0])
    assert len(holders(fleet)) == 1


def test_a_host_that_is_cut_off_is_switched_off_before_its_group_starts_elsewhere(
    fleet: Fleet,
) -> None:
    lost = holders(fleet)[0]
    fleet.network.cut(fleet.host(lost).number)
    watcher = survivor_of(fleet, lost)
    wait_for(lambda: place_of(watcher, "dummy") not in (None, lost), "the group is elsewhere")
    assert fleet.host(lost).pid is None, "it was started elsewhere while the cut-off host was on"
    assert lost not in holders(fleet)
    bring_back(fleet, lost)


def test_stopping_the_units_moves_the_group_without_fencing(fleet: Fleet) -> None:
    lost = holders(fleet)[0]
    host = fleet.host(lost)
    # The controller's unit is what a stop has to wait for: a target is stopped before its units.
    host.exec("systemctl", "stop", "raftmaker.target", "raftmaker-crmd.service")
    assert lost not in holders(fleet), "systemd said stopped before the group was"
    wait_for(lambda: len(holders(fleet)) == 1, "the group is elsewhere")
    assert host.pid is not None
    host.exec("systemctl", "start", "raftmaker.target")
    watcher = survivor_of(fleet, lost)
    wait_for(lambda: online(watcher) == ["h1", "h2", "h3"], f"{lost} joins again")


def test_a_daemon_that_dies_is_started_again_and_nothing_moves(fleet: Fleet) -> None:
    before = holders(fleet)
    host = fleet.host(before[0])
    for daemon in ("cib", "lrmd", "stonithd", "crmd"):
        unit = f"raftmaker-{daemon}.service"
        pid = host.exec("systemctl", "show", "-P", "MainPID", unit).stdout.strip()
        host.exec("kill", "-9", pid)

        def is_back(unit: str = unit, pid: str = pid) -> bool:
            now = host.exec("systemctl", "show", "-P", "MainPID", unit).stdout.strip()
            return now not in ("0", pid) and online(host) == ["h1", "h2", "h3"]

        wait_for(is_back, f"{unit} is back")
    assert holders(fleet) == before
    assert all(host.pid is not None for host in fleet)
