"""The package as an operator meets it: a cluster made of fresh hosts, without ssh.

What docs/install.md tells its readers to type is read from there and typed here, in its order, with
the names of these hosts in the place of the guide's; what it shows has to be printed. Not typed is
what needs a package index (the first lines of step 1).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.hosts import package
from tests.hosts.cluster import wait_for
from tests.hosts.fleet import CHECKOUT, Fleet, Host
from tests.hosts.guide import Typed, read

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: namespaces and mounts"),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ip", "nft", "unshare", "ping", "dpkg-deb"))),
        reason="needs Debian, and its iproute2, nftables, util-linux and iputils-ping",
    ),
]


NEWER = "99.1"
FAULTS = ("state-differs", "Traceback", "Failed with result")
"""What a store says when its state is not the leader's; what is said of a daemon that failed, which
one does not that is told to stop or to start again."""
ADDRESS = "10.77.0.100"
GUIDE = read((CHECKOUT / "docs" / "install.md").read_text())
TOKEN = "raftmaker1-LHB1_QokM2Nh…"
"""What stands for a token in the guide."""
SERVICES = {"kept1": 100001, "kept2": 100002}
"""What runs, each with seconds to sleep that tell its process from the other's."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    *_, build = GUIDE["1. Build the package, once"]
    return package.build(tmp_path_factory.mktemp("deb"), build)


@pytest.fixture(scope="module")
def fleet(built: Path) -> Iterator[Fleet]:
    fleet = Fleet(3, name="package")
    files = (built, package.newer(built, NEWER))

    def prepare(made: Fleet) -> None:
        for each in made:
            for file in files:
                package.put(each, file)
            package.give_editor(each, f"s/10.0.0.100/{ADDRESS}/")

    try:
        fleet.up(prepare=prepare)
        (install,) = GUIDE["2. Install it on each host"]
        with ThreadPoolExecutor(max_workers=len(fleet.hosts)) as pool:
            list(pool.map(lambda each: type_in(each, install), fleet))
        yield fleet
    finally:
        fleet.down()


@pytest.fixture(scope="module")
def host(fleet: Fleet) -> Host:
    return fleet.hosts[0]


def type_in(host: Host, typed: Typed, **user: str) -> str:
    """Type a command of the guide, see that it prints what the guide shows; return all of that.

    `user`: what the guide has another example for; apt asks whether it shall go on.
    """
    mine = typed.by(
        {"alice": "h1", "bob": "h2", "10.0.0.1": host.address, "10.0.0.2": host.address}
        | {"10.0.0.100": ADDRESS, "472cd901-…": "…", "0.1.1": NEWER}
        | {"amd64": package.architecture()}
        | user
    )
    line = f"cd {package.PLACE} && {mine.command} 2>&1"
    printed = host.exec("bash", "--login", "-c", line, stdin="y\n").stdout
    assert not mine.not_printed(printed), printed
    return printed


def online(seen_by: Host) -> str:
    found = re.search(r"Online: \[ (.*) \]", seen_by.exec("crm", "status").stdout)
    return found[1] if found else ""


def shows_online(seen_by: Host, names: str) -> bool:
    return online(seen_by) == names


def test_fresh_hosts_become_a_cluster_without_ssh(fleet: Fleet, host: Host) -> None:
    other = fleet.hosts[1]
    state = host.exec("systemctl", "is-active", "raftmaker.target", check=False)
    assert state.stdout.strip() == "inactive", "an installation starts nothing"
    unsure = host.exec("crm", "cluster", "init", check=False)
    assert unsure.returncode == 78
    assert "-i INTERFACE" in unsure.stderr, "two networks, and no route that tells which"
    host.exec("ip", "route", "add", "default", "dev", "eth0")
    (init,) = GUIDE["3. The first host"]
    type_in(host, init)
    wait_for(lambda: online(host) == "h1", "the first host is online")
    again = host.exec("crm", "cluster", "init", check=False)
    assert again.returncode == 108
    assert "node h1 of cluster shop" in again.stderr
    make_token, join, _ = GUIDE["4. Each other host"]
    token = token_in(type_in(host, make_token, **{TOKEN: "raftmaker1-…"}))
    wrong = other.exec("crm", "cluster", "join", token[:-9], check=False)
    assert (wrong.returncode, "copied whole" in wrong.stderr) == (65, True)
    type_in(other, join, **{TOKEN: token})
    wait_for(lambda: online(other) == online(host) == "h1 h2", "both are online")
    for each in (host, other):
        enabled = each.exec("systemctl", "is-enabled", "raftmaker.target").stdout
        assert enabled.strip() == "enabled"


def token_in(printed: str) -> str:
    (token,) = re.findall(r"^raftmaker1-\S+", printed, re.M)
    return str(token)


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


def main_pids(host: Host) -> tuple[str, ...]:
    units = [f"raftmaker-{daemon}.service" for daemon in ("cib", "lrmd", "stonithd", "crmd")]
    return tuple(host.exec("systemctl", "show", "-P", "MainPID", *units).stdout.split())


def processes(hosts: Iterable[Host]) -> dict[str, tuple[str, str]]:
    """Return the host and the process of each resource that runs."""
    found = {}
    for host in hosts:
        for name, seconds in SERVICES.items():
            pids = host.exec("pgrep", "-xf", f"/bin/sleep {seconds}", check=False).stdout.split()
            for pid in pids:
                found[name] = (host.name, pid)
    return found


def test_a_member_without_vote_and_the_only_voter_are_stopped_and_started(
    fleet: Fleet, host: Host
) -> None:
    """features 30.7"""
    other = fleet.hosts[1]
    for each, left in ((other, host), (host, other)):
        assert f"{each.name} is stopped" in each.exec("crm", "cluster", "stop").stdout
        assert main_pids(each) == ("0", "0", "0", "0")
        assert each.exec("ls", "/run/raftmaker", check=False).returncode != 0
        if each is other:
            wait_for(partial(shows_online, left, left.name), f"{left.name} alone is online")
        assert "takes part" in each.exec("crm", "cluster", "start").stdout
        wait_for(lambda: online(host) == online(other) == "h1 h2", "both are online")


def test_certificates_are_exchanged_and_the_witness_joins_by_a_new_token(
    fleet: Fleet, host: Host
) -> None:
    """features 30.6"""
    _, other, witness = fleet
    _, join, make_token = GUIDE["4. Each other host"]
    outdated = token_in(type_in(host, make_token))
    listener = ("systemctl", "show", "-P", "MainPID", "raftmaker-enrol.service")
    listened = host.exec(*listener).stdout
    before = [main_pids(each) for each in (host, other)]
    (rotate,) = GUIDE["Certificates"]
    type_in(host, rotate, **{"3 members": "2 members"})
    refused = witness.exec("crm", "cluster", "join", outdated, check=False)
    assert refused.returncode != 0
    token = token_in(type_in(host, make_token))
    assert host.exec(*listener).stdout not in ("0\n", listened), "another, with the new keys"
    shown = replace(join, prints=tuple(line for line in join.prints if "voter" not in line))
    type_in(witness, shown, **{TOKEN: token})
    assert [main_pids(each) for each in (host, other)] == before
    show_members, _ = GUIDE["Grow and shrink"]
    wait_for(lambda: "learner" not in type_in(host, show_members), "all vote")
    assert "does not run" not in witness.exec("crm", "status").stderr, "it needs no fencer"


def test_the_example_of_the_manual_gives_an_address_that_moves(fleet: Fleet, host: Host) -> None:
    """docs/install.md, step 5"""
    _, other, witness = fleet
    *at_first, ping, stop, start = GUIDE["5. See that it works"]
    for typed in at_first:
        type_in(host, typed)
    type_in(witness, ping)

    def owner() -> str:
        shown = {each.name: each.exec("ip", "-o", "addr").stdout for each in (host, other)}
        return " ".join(name for name, text in shown.items() if f" {ADDRESS}/" in text)

    first = fleet.host(owner())
    type_in(first, stop)
    assert owner() == ({"h1", "h2"} - {first.name}).pop(), "stop returns when it has moved"
    wait_for(lambda: "1 received" in type_in(witness, ping), f"{ADDRESS} answers again")
    assert "is silent" in host.exec("crm", "cluster", "health", check=False).stdout or first is host
    type_in(first, start)
    wait_for(lambda: online(host) == "h1 h2", "both are online")


def test_an_upgrade_keeps_what_runs_and_versions_work_together(fleet: Fleet, host: Host) -> None:
    """features 24.13, 24.14: node by node. The newer version speaks a newer protocol, and sends
    and logs what the older one does not know."""
    install, show, *_ = GUIDE["Upgrade"]
    nodes = fleet.hosts[:2]
    lines = [
        f"primitive {name} ocf:heartbeat:anything params binfile=/bin/sleep"
        f" cmdline_options={seconds} op monitor interval=2s timeout=20s"
        for name, seconds in SERVICES.items()
    ]
    lines += [
        f"location {name}-at-home {name} 200: {node.name}"
        for name, node in zip(SERVICES, nodes, strict=True)
    ]
    host.exec("crm", "configure", "load", "update", "-", stdin="\n".join(lines))
    wait_for(lambda: len(processes(nodes)) == len(SERVICES), "everything runs")
    running = processes(nodes)
    assert {where for where, _ in running.values()} == {"h1", "h2"}
    for number, each in enumerate(fleet):
        before = main_pids(each)
        type_in(each, install)
        wait_for(partial(shows_both, each, show), "both are online")
        after = main_pids(each)
        assert all(new != old or new == "0" for new, old in zip(after, before, strict=True))
        for by in nodes:
            name, value = f"changed-by-{by.name}", str(number)
            by.exec("crm", "configure", "property", f"{name}={value}")
            # It shows what the store of its own host has applied.
            wait_for(partial(has_option, host, name, value), f"{name} is {value} on {host.name}")
        wait_for(lambda: online(host) == "h1 h2", "both are online")
        assert processes(nodes) == running
    shown = host.exec("crm_mon", "-1").stdout
    assert "Failed" not in shown
    assert shown.count("Started") == len(SERVICES) + 1  # and the address
    assert not complaints(fleet)


def has_option(host: Host, name: str, value: str) -> bool:
    asked = host.exec("crm_attribute", "-n", name, "-G", "-q", check=False)
    return asked.stdout.strip() == value


def shows_both(host: Host, show: Typed) -> bool:
    return "h1 h2" in type_in(host, show)


def newer_than(built: Path) -> Path:
    return built.with_name(built.name.replace(built.name.split("_")[1], NEWER))


def complaints(fleet: Fleet) -> str:
    """Return what daemons, and systemd of them, said was wrong: there must be nothing."""
    asked = ("journalctl", "-q", "-b", "-o", "short", "-u", "raftmaker-*", "--no-hostname")
    said = []
    for each in fleet:
        lines = each.exec(*asked).stdout.splitlines()
        for number, line in enumerate(lines):
            if any(word in line for word in FAULTS):
                said.append(f"{each.name}:\n" + "\n".join(lines[number - 1 : number + 30]))
    return "\n".join(said)


def test_nodes_are_upgraded_while_stopped_in_maintenance_mode(fleet: Fleet, host: Host) -> None:
    """features 24.14: detach. What runs goes on without a cluster, and is found again.

    It goes back to the older version, which has to read what the newer one has written.
    """
    nodes = fleet.hosts[:2]
    running = processes(nodes)
    assert len(running) == len(SERVICES)
    _, _, maintain, stop, _, start, end, go_back = GUIDE["Upgrade"]
    type_in(host, maintain)
    for each in nodes:
        type_in(each, stop)
    assert processes(nodes) == running, "nobody stops what is in maintenance"
    for each in nodes:
        type_in(each, go_back)
        assert main_pids(each) == ("0", "0", "0", "0"), "what was stopped stays stopped"
    for each in nodes:
        type_in(each, start)
    wait_for(lambda: online(host) == "h1 h2" or "maintenance" in crm_status(host), "both are back")
    wait_for(lambda: crm_status(host).count("Started") == len(SERVICES) + 1, "all is found")
    type_in(host, end)
    wait_for(lambda: host.exec("crm", "cluster", "health", check=False).returncode == 0, "all well")
    assert processes(nodes) == running
    assert "Failed" not in crm_status(host)


def crm_status(host: Host) -> str:
    return host.exec("crm", "status", check=False).stdout


def test_all_nodes_are_upgraded_at_once(fleet: Fleet, host: Host, built: Path) -> None:
    """features 24.14: all at once. Services stop, and start with the configuration of before."""
    nodes = fleet.hosts[:2]
    before = host.exec("cibadmin", "-Q", "-o", "configuration").stdout
    with ThreadPoolExecutor(max_workers=len(fleet.hosts)) as pool:
        list(pool.map(lambda each: each.exec("crm", "cluster", "stop"), fleet))
        assert not processes(nodes)
        newer = f"/srv/{newer_than(built).name}"
        list(pool.map(lambda each: each.exec("dpkg", "--install", newer), fleet))
        list(pool.map(lambda each: each.exec("crm", "cluster", "start"), fleet))
    wait_for(lambda: len(processes(nodes)) == len(SERVICES), "everything runs")
    assert host.exec("cibadmin", "-Q", "-o", "configuration").stdout == before
    for each in fleet:
        assert each.exec("dpkg-query", "-W", "-f", "${Version}", "raftmaker").stdout == NEWER
    assert not complaints(fleet)


def test_a_removal_moves_what_runs_and_stops_the_node(fleet: Fleet, host: Host) -> None:
    _, other, _ = fleet
    remove, _ = GUIDE["Removal of the package"]
    type_in(other, remove)
    assert {where for where, _ in processes((host, other)).values()} == {host.name}
    assert len(processes((host, other))) == len(SERVICES)
    assert other.exec("pgrep", "-f", "raftmaker-", check=False).stdout == ""
    for kept in (
        "/etc/raftmaker/raftmaker.toml",
        "/var/lib/raftmaker/raft",
        "/etc/default/raftmaker",
    ):
        assert other.exec("ls", "-d", kept).stdout, "a removal keeps settings and store"
    _, take_out = GUIDE["Grow and shrink"]
    type_in(host, take_out)
    assert "h2" not in host.exec("crm", "cluster", "members").stdout


def test_a_purge_leaves_nothing_behind_but_the_users(fleet: Fleet) -> None:
    """Debian policy 6.8 (settings, logs and data of the package go) and 9.2.2: users stay, as files
    elsewhere may be theirs."""
    other = fleet.hosts[1]
    _, purge = GUIDE["Removal of the package"]
    type_in(other, purge)
    left = other.exec(
        "sh", "-c",
        "find /etc /usr /lib/systemd /opt /root /run /dev/shm"
        " /var/lib /var/log /var/cache /var/spool /var/backups"
        " -iname '*raftmaker*' -o -user hacluster -o -group haclient",
    ).stdout.split()  # fmt: skip
    # What the machine has, and the hosts see below their own disk, no package put there.
    assert [path for path in left if not Path(path).exists()] == []
    assert (
        other.exec("systemctl", "list-units", "--all", "--plain", "raftmaker*", "-q").stdout == ""
    )
    assert other.exec("id", "hacluster").returncode == 0
