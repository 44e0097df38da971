"""The test hosts themselves: systemd runs, faults are real, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.cluster import wait_for
from tests.hosts.fleet import BASE, Fleet, Host, HostError
from tests.hosts.network import SWITCH_ADDRESS, run

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: namespaces and mounts"),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ip", "nft", "unshare", "ping"))),
        reason="needs Debian's iproute2, nftables, util-linux and iputils-ping",
    ),
]

HOSTS = Path(__file__).with_name("hosts")


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(2, name="selftest") as fleet:
        yield fleet


def hears(listener: Host, talker: Host, *, count: int = 1) -> int:
    """Return how many of `count` echoes came back to `listener`."""
    done = listener.exec(
        "ping", "-q", "-i", "0.01", "-c", str(count), "-W", "1", talker.address, check=False
    )
    return int(done.stdout.split(" received")[0].rsplit(" ", 1)[-1])


def test_systemd_runs_and_hosts_reach_each_other(fleet: Fleet) -> None:
    first, second = fleet
    assert first.exec("ps", "-p", "1", "-o", "comm=").stdout.strip() == "systemd"
    assert first.exec("hostname").stdout.strip() == "h1"
    assert hears(first, second)
    first.exec("ping", "-6", "-c", "1", "-W", "1", second.address_v6)
    first.exec("ping", "-c", "1", "-W", "1", "h2")


def test_a_unit_stops_without_waiting_for_the_same_unit_of_another_host(fleet: Fleet) -> None:
    """Each host has a control group of its own, which goes with its power."""
    for host in fleet:
        host.exec("systemd-run", "--unit=same", "--property=TimeoutStopSec=50", "sleep", "1000")
    first, second = fleet
    first.exec("timeout", "20", "systemctl", "stop", "same")
    assert second.exec("systemctl", "is-active", "same").stdout == "active\n"
    second.power_off()
    assert not second.group.exists()
    assert first.group.exists()
    second.power_on()


def test_a_power_cut_keeps_the_disk_and_nothing_else(fleet: Fleet) -> None:
    _, second = fleet
    second.exec("sh", "-c", "echo kept >/etc/kept; echo gone >/run/gone")
    second.power_off()
    assert second.pid is None
    with pytest.raises(HostError, match="h2 is off"):
        second.exec("true")
    second.power_on()
    assert second.exec("cat", "/etc/kept").stdout == "kept\n"
    assert second.exec("test", "-e", "/run/gone", check=False).returncode == 1
    assert hears(fleet.host("h1"), second)


def test_hosts_reach_the_switch_at_once_whoever_comes_and_goes(fleet: Fleet) -> None:
    """It keeps its hardware address, which the hosts remember."""
    first, second = fleet
    addresses = set()
    for _ in range(5):
        first.exec("ping", "-c", "1", "-W", "1", SWITCH_ADDRESS)
        addresses.add(first.exec("ip", "neigh", "show", SWITCH_ADDRESS).stdout.split()[4])
        pid = second.pid
        assert pid is not None
        fleet.network.plug(second.number, pid)
    assert len(addresses) == 1


def test_cuts_and_loss_are_undone_by_heal(fleet: Fleet) -> None:
    first, second = fleet
    network = fleet.network
    network.cut(2)
    assert not hears(first, second)
    network.heal(2)
    assert hears(first, second, count=3)
    for to_host in (True, False):
        network.cut_one_way(2, to_host=to_host)
        assert not hears(first, second)
        network.heal(2)
    assert hears(first, second)
    network.lose(2, 50)
    assert 0 < hears(first, second, count=100) < 60
    network.heal(2)
    assert hears(first, second, count=50) == 50


def test_a_delay_and_a_slow_disk_are_felt_and_undone(fleet: Fleet) -> None:
    first, second = fleet

    def echo_ms() -> float:
        done = first.exec("ping", "-q", "-c", "3", "-i", "0.2", second.address_v6)
        return float(done.stdout.split("min/avg/max")[1].split("/")[2])

    fleet.delay(2, 50)
    assert echo_ms() > 100
    assert hears(first, second, count=5) == 5
    fleet.heal(2)
    assert hears(first, second, count=5) == 5
    # By process 1: what is run from outside is not held back.
    copy = ("dd", "if=/dev/zero", "of=/var/slow", "bs=4k", "count=20", "oflag=dsync")
    writing = ("systemd-run", "--wait", "--pipe", "-q", *copy)
    second.slow_disk(10)
    slow_s = _took_s(second.exec(*writing).stderr)
    second.fast_disk()
    assert slow_s > 1

    def is_fast() -> bool:
        return _took_s(second.exec(*writing).stderr) < slow_s / 2

    wait_for(is_fast, "the disk is as fast as before")  # the machine's own may be slow by itself


def _took_s(of_dd: str) -> float:
    return float(of_dd.rsplit(" s,", 1)[0].rsplit(", ", 1)[1])


def test_what_a_killed_process_left_is_taken_down_by_name() -> None:
    """The helpers too: whoever made the hosts does not live any more."""
    code = (
        "import os, signal; from tests.hosts.fleet import Fleet; fleet = Fleet(1, name='left');"
        "fleet.up(); fleet.delay(1, 5); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=HOSTS.parents[2], check=False)
    assert Fleet.found("left").hosts[0].pid is not None
    relay = int((BASE / "left" / "relay-1.helper").read_text())
    Fleet.remove_leftover("left")
    # Where process 1 reaps nobody it stays as a zombie, which has no command line.
    left = Path(f"/proc/{relay}/cmdline")
    assert not left.exists() or not left.read_bytes()
    assert not (BASE / "left").exists()
    assert "rm-left" not in run("ip", "netns", "list")


def test_the_command_line_says_what_is_wrong_and_leaves_nothing(tmp_path: Path) -> None:
    def hosts(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(HOSTS), "--fleet", "cli", *arguments], capture_output=True, text=True, check=False
        )

    assert "there is no fleet 'cli'" in hosts("list").stderr
    try:
        assert hosts("up", "1").returncode == 0
        assert "already up" in hosts("up", "1").stderr
        assert hosts("list").stdout.split()[-1] == "on"
        assert "there is no host 'h9'" in hosts("cut", "h9").stderr
        assert hosts("exec", "h1", "hostname").stdout == "h1\n"
    finally:
        assert hosts("down").returncode == 0
    assert not (BASE / "cli").exists()
    assert "rm-cli" not in run("ip", "netns", "list")
    assert "raftmaker-hosts/cli" not in Path("/proc/mounts").read_text()
