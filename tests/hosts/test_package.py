"""The package as an operator meets it: a cluster made of fresh hosts, without ssh."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts import package
from tests.hosts.fleet import Fleet, Host

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: namespaces and mounts"),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ip", "nft", "unshare", "ping", "dpkg-deb"))),
        reason="needs Debian, and its iproute2, nftables, util-linux and iputils-ping",
    ),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package.build(tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="module")
def fleet(built: Path) -> Iterator[Fleet]:
    fleet = Fleet(2, name="package")

    def prepare(made: Fleet) -> None:
        for each in made:
            package.put(each, built)

    try:
        fleet.up(prepare=prepare)
        for each in fleet:
            package.remove_rivals(each)
            package.install(each, built)
        yield fleet
    finally:
        fleet.down()


@pytest.fixture(scope="module")
def host(fleet: Fleet) -> Host:
    return fleet.hosts[0]


def online(seen_by: Host) -> str:
    found = re.search(r"Online: \[ (.*) \]", seen_by.exec("crm", "status").stdout)
    return found[1] if found else ""


def test_fresh_hosts_become_a_cluster_without_ssh(fleet: Fleet, host: Host) -> None:
    other = fleet.hosts[1]
    state = host.exec("systemctl", "is-active", "raftmaker.target", check=False)
    assert state.stdout.strip() == "inactive", "an installation starts nothing"
    unsure = host.exec("crm", "cluster", "init", check=False)
    assert unsure.returncode == 78
    assert "-i INTERFACE" in unsure.stderr, "two networks, and no route that tells which"
    said = host.exec("crm", "cluster", "init", "-n", "shop", "-i", "eth0", "-y").stdout
    assert "crm cluster token" in said, "it says what to do next"
    assert online(host) == "h1"
    again = host.exec("crm", "cluster", "init", check=False)
    assert again.returncode == 108
    assert "node h1 of cluster shop" in again.stderr
    token = host.exec("crm", "cluster", "token").stdout.strip()
    wrong = other.exec("crm", "cluster", "join", token[:-9], check=False)
    assert (wrong.returncode, "copied whole" in wrong.stderr) == (65, True)
    other.exec("crm", "cluster", "join", token)
    assert online(other) == online(host) == "h1 h2"
    for each in fleet:
        enabled = each.exec("systemctl", "is-enabled", "raftmaker.target").stdout
        assert enabled.strip() == "enabled"


def test_what_is_private_is_private(host: Host) -> None:
    modes = host.exec("stat", "-c", "%a %U:%G %n", "/run/raftmaker", "/run/raftmaker/cib.sock",
                      "/etc/raftmaker/tls", "/etc/raftmaker/tls/authority.key").stdout  # fmt: skip
    assert re.findall(r"^(\d+ \S+)", modes, re.M) == [
        "750 root:haclient", "660 root:haclient", "700 root:root", "600 root:root"
    ]  # fmt: skip
    asked = (
        "setpriv",
        "--reuid",
        "nobody",
        "--regid",
        "nogroup",
        "--clear-groups",
        "crm",
        "status",
    )
    assert host.exec(*asked, check=False).returncode != 0


def test_units_are_accepted_and_pages_and_completion_are_there(host: Host) -> None:
    units = host.exec("sh", "-c", "ls /lib/systemd/system/raftmaker*").stdout.split()
    checked = host.exec("systemd-analyze", "verify", *units)
    assert "raftmaker" not in checked.stderr
    listed = host.exec("dpkg", "-L", "raftmaker").stdout
    for path in ("man8/crm.8.gz", "man8/crm_mon.8.gz", "completions/crm", "logrotate.d/raftmaker"):
        assert path in listed


def test_the_listener_for_tokens_is_nobody(host: Host) -> None:
    unit = "raftmaker-enrol.service"
    asked = host.exec("crm", "cluster", "token", "--expires", "60s")
    assert asked.stdout.startswith("raftmaker1-")
    pid = host.exec("systemctl", "show", "-P", "MainPID", unit).stdout.strip()
    status = host.exec("cat", f"/proc/{pid}/status").stdout
    user = host.exec("id", "-u", "hacluster").stdout.strip()
    assert re.search(rf"^Uid:\s+{user}\s+{user}\s+{user}", status, re.M)
    assert re.search(r"^CapEff:\s+0+$", status, re.M)
