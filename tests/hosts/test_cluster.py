"""A cluster on three hosts with Debian's agents, over mutual TLS, through all that happens to it.

Fencing is on, by a switch that really cuts the power. The judge reads what the agents wrote:
nothing may run twice, nothing may be stopped that was not to be. `--long`: more and longer faults.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.hosts.cluster import SCRIPTS, crm
from tests.hosts.fleet import Host
from tests.hosts.network import CABLES
from tests.hosts.services import CLONES, CONFIGURATION, SINGLES, answer, prepare, query
from tests.hosts.site import Kept, Site, cluster_with

NEEDED = ("ip", "nft", "unshare", "curl", "nginx", "apache2", "mariadbd")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: namespaces and mounts"),
    pytest.mark.skipif(
        not all(map(shutil.which, NEEDED)),
        reason="needs Debian's iproute2, nftables, util-linux, curl, nginx, apache2 and"
        " mariadb-server",
    ),
    pytest.mark.skipif(
        not Path("/usr/lib/ocf/resource.d/heartbeat/IPaddr2").exists(),
        reason="needs Debian's resource-agents",
    ),
]

DAEMONS = ("cib", "lrmd", "stonithd", "crmd")


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    kept = Kept(
        lambda: cluster_with(
            "cluster",
            CONFIGURATION,
            prepare=prepare,
            singles=SINGLES,
            clones=CLONES,
            promotable="stateful",
        )
    )
    yield kept
    kept.close()


@pytest.fixture
def site(kept: Kept) -> Iterator[Site]:
    site = kept.whole()
    yield site
    assert not site.judge.doubles(), "\n".join(site.judge.doubles())


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--long"))


def main_pid(host: Host, daemon: str) -> str:
    unit = f"raftmaker-{daemon}.service"
    return host.exec("systemctl", "show", "-P", "MainPID", unit).stdout.strip()


def is_active(host: Host, daemon: str) -> bool:
    unit = f"raftmaker-{daemon}.service"
    return host.exec("systemctl", "is-active", "-q", unit, check=False).returncode == 0


def kill_daemon(site: Site, host: Host, daemon: str) -> None:
    pid = main_pid(host, daemon)
    host.exec("kill", "-9", pid)
    # Ready, and not only started: a host whose store and controller are both away counts as lost.
    site.wait(
        lambda: main_pid(host, daemon) not in ("0", pid) and is_active(host, daemon),
        f"{daemon} of {host.name} is back",
    )


def test_the_services_answer(site: Site) -> None:
    host = site.host_of("nginx")
    assert answer(site.fleet, 80) == host.name
    assert "Apache" in answer(site.fleet, 8080)
    assert query(site.host_of("database"), "select 1") == "1"
    shown = host.exec(str(SCRIPTS / "crm_mon"), "-1").stdout
    assert "Promoted: [" in shown
    assert "Failed" not in shown


def test_a_host_that_loses_power_is_fenced_and_its_group_moves(site: Site) -> None:
    lost = site.host_of("nginx")
    with site.judge.stops_only_on():
        lost.power_off()
        site.wait(lambda: answer(site.fleet, 80) not in ("", lost.name), "the web answers again")
        site.power_on_all()


def test_a_host_that_is_cut_off_is_switched_off_before_its_services_start_elsewhere(
    site: Site,
) -> None:
    lost = site.host_of("database")
    query(lost, "create database kept; create table kept.t (n int)")
    with site.judge.stops_only_on(lost.name):
        site.fleet.network.cut(lost.number)
        site.wait(lambda: lost.pid is None, f"{lost.name} is switched off")
        site.power_on_all()
    query(site.host_of("database"), "insert into kept.t values (1)")


@pytest.mark.parametrize("cable", CABLES)
def test_one_of_two_cables_is_enough(site: Site, cable: int) -> None:
    """Pulled at the DC's host: nothing is lost, nothing moves, and every host can change things."""
    name = site.fleet.hosts[0].exec(str(SCRIPTS / "crmadmin"), "-D", "-q").stdout.split()[-1]
    host = site.fleet.host(name)
    with site.judge.stops_only_on():
        site.fleet.network.cut(host.number, [cable])
        for each in site.fleet:
            change = ("-t", "crm_config", "-n", f"pulled-{cable}", "-v", each.name)
            changed = each.exec(str(SCRIPTS / "crm_attribute"), *change, check=False)
            assert changed.returncode == 0, f"{each.name}: {changed.stderr}\n{site.story()}"
        time.sleep(3)  # longer than it takes to lose and fence a host
        assert site.is_settled(), site.story()
        site.fleet.network.heal(host.number)
        # Where the other cable is pulled within about a second, the host has been seen to lose
        # contact, which is not understood yet (docs/reliability.md): that is not what this tests.
        time.sleep(3)
        site.wait_settled("the cable is back")
    assert all(each.pid is not None for each in site.fleet)


def test_a_host_that_is_shut_down_moves_its_services_first_and_is_not_fenced(site: Site) -> None:
    lost = site.host_of("stateful", promoted=True)
    with site.judge.stops_only_on(lost.name):
        offs = len([one for one in site.judge.entries() if one.action == "off"])
        lost.exec("systemctl", "--no-block", "poweroff")
        site.wait(lambda: lost.pid is None, f"{lost.name} is down")
        last = [one for one in site.judge.entries() if one.host == lost.name][-1]
        assert (last.action, last.outcome) == ("stop", "0")
        site.power_on_all()
        assert len([one for one in site.judge.entries() if one.action == "off"]) == offs


def test_stopping_the_units_moves_the_services_without_fencing(site: Site) -> None:
    host = site.host_of("nginx")
    with site.judge.stops_only_on(host.name):
        # The controller's unit is what to wait for: a target is stopped before its units.
        host.exec("systemctl", "stop", "raftmaker.target", "raftmaker-crmd.service")
        assert answer(site.fleet, 80) != host.name, "systemd said stopped before the group was"
        assert host.pid is not None
        host.exec("systemctl", "start", "raftmaker.target")
        site.wait_settled(f"{host.name} joins again")


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_daemon_that_dies_is_started_again_and_nothing_moves(site: Site, daemon: str) -> None:
    """The journal says that it has failed, which it does of no planned restart."""
    host = site.host_of("nginx")
    with site.judge.stops_only_on():
        kill_daemon(site, host, daemon)
        site.wait_settled(f"{daemon} takes part again")
    assert len(site.on) == 3
    told = ("journalctl", "-q", "-b", "-o", "cat", "-u", f"raftmaker-{daemon}.service")
    assert "Failed with result 'signal'" in host.exec(*told).stdout


def test_daemons_die_while_transitions_run(site: Site, long: bool) -> None:
    """Of the DC and of the host whose services move, each of the four, once or ten times."""
    for _ in range(10 if long else 1):
        for daemon in DAEMONS:
            leaving = site.host_of("nginx")
            with site.judge.stops_only_on(leaving.name):
                crm(leaving, "node", "standby", leaving.name)
                dying = site.fleet.host(site.dc()) if daemon == "crmd" else leaving
                kill_daemon(site, dying, daemon)
                site.wait(partial(site.has_left, "nginx", leaving), "the group is elsewhere")
                crm(site.other_than(leaving.name), "node", "online", leaving.name)
                site.wait_settled(f"settled after {daemon} died in a transition")
    assert len(site.on) == 3


def test_all_hosts_lose_power_at_once(site: Site) -> None:
    with site.judge.stops_only_on():
        for host in site.fleet:
            host.power_off()
        site.power_on_all()


def test_all_hosts_are_shut_down_at_once_and_come_back(site: Site) -> None:
    """The last ones have no quorum any more, and must not wait for it."""
    with site.judge.stops_only_on(*(host.name for host in site.fleet)):
        fenced = len([one for one in site.judge.entries() if one.action == "off"])
        for host in site.fleet:
            host.exec("systemctl", "--no-block", "poweroff")
        site.wait(lambda: not site.on, "all hosts are down")
        assert len([one for one in site.judge.entries() if one.action == "off"]) == fenced
        site.power_on_all()


def test_a_host_that_flaps_harms_only_itself(site: Site, long: bool) -> None:
    flapping = site.other_than(site.host_of("nginx").name)
    network, number = site.fleet.network, flapping.number
    with site.judge.stops_only_on(flapping.name):
        until = time.monotonic() + (120 if long else 10)
        while time.monotonic() < until:
            if flapping.pid is None:
                network.heal(number)
                flapping.power_on()
            for change, pause_s in ((network.cut, 0.4), (network.heal, 0.3)):
                change(number)
                time.sleep(pause_s)
        network.heal(number)
        # It may have been found silent in the last moment, and be switched off a little later.
        site.wait(lambda: flapping.pid is None or site.is_settled(), "it is off, or takes part")
        site.power_on_all()
