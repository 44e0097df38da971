"""A Raftmaker cluster on test hosts: real systemd units, mutual TLS, a power switch for fencing."""

from __future__ import annotations

import compileall
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from raftmaker.runtime.certificates import create_authority, issue, store_credentials
from raftmaker.runtime.cluster_key import create_cluster_key, store_cluster_key
from raftmaker.runtime.founding import mark_founder
from raftmaker.vocabulary.ids import ClusterId, NodeName
from tests.hosts.fleet import Fleet, Host, HostError
from tests.hosts.network import address_v4, address_v6

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sys.executable).parent
CLUSTER = ClusterId("hosts")
_PORTS = {"store": 5405, "controller": 5407, "fencer": 5408}


def install(fleet: Fleet) -> None:
    """Put settings, certificates, units and the fence agent on every disk, before the boot."""
    # As an installed package has it; the hosts see the checkout and cannot write to it.
    for package in ("raftmaker", "cib_store", "crmd", "lrmd", "stonithd", "crm_shell"):
        compileall.compile_dir(ROOT / package, quiet=2)
    now = datetime.now(UTC)
    authority, key = create_authority(CLUSTER, now), create_cluster_key()
    for host in fleet:
        etc = host.directory / "upper" / "etc"
        store_credentials(
            etc / "raftmaker" / "tls",
            authority.certificate,
            issue(authority, NodeName(host.name), now),
        )
        store_cluster_key(etc / "raftmaker" / "tls", key)
        (etc / "raftmaker" / "raftmaker.toml").write_text(_settings(fleet, host))
        mark_founder(host.directory / "upper" / "var" / "lib" / "raftmaker")
        _install_units(etc / "systemd" / "system")
        sbin = host.directory / "upper" / "usr" / "sbin"
        sbin.mkdir(parents=True)
        shutil.copy2(Path(__file__).with_name("fence_host"), sbin)
        for tool in ("crm_attribute", "crm_master", "crm_node", "crm_resource", "attrd_updater"):
            # As a package would: the agents must not find another cluster manager's.
            (sbin / tool).symlink_to(SCRIPTS / tool)


def _settings(fleet: Fleet, host: Host) -> str:
    peers = "".join(
        f'[[peers]]\nname = "{peer.name}"\n'
        + "".join(f"{key} = {_addresses(peer, port)}\n" for key, port in _PORTS.items())
        for peer in fleet
    )
    return (
        f'[cluster]\nid = "{CLUSTER}"\nname = "hosts"\n[node]\nname = "{host.name}"\n'
        f'[directories]\ntls = "/etc/raftmaker/tls"\n{peers}'
    )


def _addresses(host: Host, port: int) -> str:
    """Return an IPv4 address on the first cable and an IPv6 address on the second."""
    return f'["{address_v4(host.number, 0)}:{port}", "[{address_v6(host.number, 1)}]:{port}"]'


def _install_units(units: Path) -> None:
    wanted = units / "multi-user.target.wants"
    wanted.mkdir(parents=True)
    for unit in (ROOT / "systemd").iterdir():
        if unit.is_dir():
            continue
        # From the checkout: the scripts are in its environment, which may lie in somebody's home or
        # under /tmp, and there is no package's group.
        text = unit.read_text()
        for line in ("Group=haclient\n", "ProtectHome=yes\n", "PrivateTmp=yes\n"):
            text = text.replace(line, "")
        (units / unit.name).write_text(
            text.replace("ExecStart=raftmaker", f"ExecStart={SCRIPTS}/raftmaker")
        )
    (wanted / "raftmaker.target").symlink_to(units / "raftmaker.target")


@contextmanager
def running(
    count: int, name: str, *, prepare: Callable[[Fleet], None] = lambda fleet: None
) -> Iterator[Fleet]:
    """Bring up hosts with a cluster on them and a power switch beside them; take all of it down.

    `prepare` is called before the first boot, with the cluster already on the disks.
    """

    def before_boot(fleet: Fleet) -> None:
        install(fleet)
        prepare(fleet)
        fleet.run_beside("switch", "tests.hosts.switch", name)

    Fleet.remove_leftover(name)
    fleet = Fleet(count, name=name)
    try:
        fleet.up(prepare=before_boot)
        yield fleet
    finally:
        fleet.down()


def crm(host: Host, *arguments: str, stdin: str | None = None) -> str:
    """Run the crm shell on a host and return what it printed."""
    return host.exec(str(SCRIPTS / "crm"), *arguments, stdin=stdin).stdout


def status(host: Host) -> dict[str, Any]:
    """Return ``crm status --json`` of a host."""
    answer: dict[str, Any] = json.loads(crm(host, "status", "--json"))
    return answer


def wait_for(condition: Callable[[], bool], what: str, *, timeout_s: float = 60) -> float:
    """Wait until the condition holds and return how long it took, in seconds."""
    began = time.monotonic()
    while True:
        try:
            if condition():
                return time.monotonic() - began
        except HostError:
            pass  # A daemon may still be starting.
        if time.monotonic() - began > timeout_s:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.1)
