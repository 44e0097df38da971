"""Three store daemons and a spare, each in a network namespace of its own, over mutual TLS.

A bridge joins them; what it lets through is a matter of nftables. Where this cannot be done (no
root), see `possible`. One store has a small file system of its own as its state directory, another
library before libc slows a disk down or sets a clock wrong.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cib_store.client import StoreClient
from raftmaker.runtime.certificates import create_authority, issue, store_credentials
from raftmaker.runtime.cluster_key import create_cluster_key, store_cluster_key
from raftmaker.runtime.founding import mark_founder
from raftmaker.runtime.identity import tool_identity
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.vocabulary.members import Member
from tests.faults.shim import Shim, build
from tests.hosts.network import Network, address_v4, run

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("a", "b", "c")
SPARE = "d"
"""A store that founds nothing: it is made a member, and removed again (`members.py`)."""
NUMBERS = {name: number for number, name in enumerate((*NAMES, SPARE), 1)}
SMALL_DISK = "c"
"""The store whose state directory can be filled up."""
SMALL_DISK_MIB = 96
COMPACT_BYTES = 200_000
"""So that snapshots are made all the time."""
_NEEDS = ("ip", "nft", "nsenter", "unshare", "mount", "gcc")


def missing() -> str:
    """Say what the campaign needs and is not there; empty: nothing."""
    if os.geteuid() != 0:
        return "needs root: namespaces and mounts"
    lacking = [tool for tool in _NEEDS if not shutil.which(tool)]
    return f"needs {', '.join(lacking)}" if lacking else ""


class Stores:
    """Daemons by node name; one that was killed can be started again with its data."""

    def __init__(self, directory: Path) -> None:
        """Make the network and the files; nothing is started."""
        self.directory = directory
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._relays: list[subprocess.Popen[bytes]] = []
        self._holders: dict[str, subprocess.Popen[bytes]] = {}
        self.network = Network(f"f{os.getpid()}")
        library = build(directory)
        self.shims = {name: Shim(library, directory / f"{name}.shim") for name in NUMBERS}
        self.ended_unasked: list[str] = []
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        self.network.up()
        now = datetime.now(UTC)
        authority, key = create_authority(ClusterId("faults"), now), create_cluster_key()
        for name, number in NUMBERS.items():
            self._holders[name] = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
            _wait_for_namespace(self._holders[name].pid)
            self.network.plug(number, self._holders[name].pid)
            home = self.directory / name
            (home / "state").mkdir(parents=True)
            store_credentials(
                home / "tls", authority.certificate, issue(authority, NodeName(name), now)
            )
            store_cluster_key(home / "tls", key)
            (home / "raftmaker.toml").write_text(_settings(name, home))
        size = f"size={SMALL_DISK_MIB}m"
        run("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self._small_disk))
        for name in NAMES:
            mark_founder(self.directory / name / "state")

    @property
    def _small_disk(self) -> Path:
        return self.directory / SMALL_DISK / "state"

    def raft(self, name: str) -> Path:
        """Return where a store keeps its journal and snapshot."""
        return self.directory / name / "state" / "raft"

    def log(self, name: str) -> str:
        """Return what a store has written so far."""
        return (self.directory / name / "log").read_text()

    def start(self, *names: str) -> None:
        """Start stores that are down."""
        for name in names:
            home = self.directory / name
            inside = ["nsenter", "-t", str(self._holders[name].pid), "-n"]
            settings = str(home / "raftmaker.toml")
            command = [sys.executable, "-m", "cib_store.main", "--config", settings]
            with (home / "log").open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [*inside, *command],
                    stderr=log,
                    env=os.environ | self.shims[name].environment(),
                )

    def signal(self, number: signal.Signals, *names: str) -> None:
        """Send a signal to stores."""
        for name in names:
            if name in self._processes:
                self._processes[name].send_signal(number)

    def kill(self, *names: str) -> None:
        """Kill stores, all before any is waited for."""
        self.signal(signal.SIGKILL, *names)
        for name in names:
            if name in self._processes:
                self._processes.pop(name).wait()

    def runs(self, name: str) -> bool:
        """Tell whether a store was started and not killed."""
        return name in self._processes

    def has_ended(self, name: str) -> int | None:
        """Return the exit code of a store that has ended, None while it runs."""
        process = self._processes.get(name)
        return process.poll() if process is not None else None

    def revive(self, *, expected: bool = False) -> None:
        """Start every store that is not there; one that ended unasked is noted."""
        for name in NUMBERS:
            code = self.has_ended(name)
            if code is not None and not expected:
                self.ended_unasked.append(f"{name} ended with {code}")
            if code is not None or (name in NAMES and name not in self._processes):
                self.start(name)

    def empty(self, name: str) -> None:
        """Let a store that is down have nothing when it is started again."""
        shutil.rmtree(self.directory / name / "state")
        (self.directory / name / "state").mkdir()

    # The network.

    def cut(self, ways: Iterable[tuple[str, str]]) -> None:
        """Let nothing through from one store to another, for each pair."""
        for source, target in ways:
            self.network.cut_between(NUMBERS[source], NUMBERS[target])

    def lose(self, name: str, percent: float) -> None:
        """Drop that share of what goes to a store and comes from it."""
        self.network.lose(NUMBERS[name], percent)

    def delay(self, name: str, delay_ms: int, jitter_ms: int) -> None:
        """Let each frame to a store and from it be so much longer on its way, at random more."""
        command = [sys.executable, "-m", "tests.hosts.relay", self.network.fleet]
        relay = subprocess.Popen(
            [
                *(*self.network.inside(), *command, str(NUMBERS[name])),
                *(str(delay_ms), str(jitter_ms)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        self._relays.append(relay)
        assert relay.stdout is not None
        if relay.stdout.readline() != b"relaying\n":
            raise RuntimeError(f"the relay that delays {name} did not start")

    def _end_relays(self) -> None:
        for relay in self._relays:
            relay.kill()
            relay.wait()
        self._relays.clear()

    def heal(self) -> None:
        """Let everything through again, at once."""
        self._end_relays()
        for number in NUMBERS.values():
            self.network.heal(number)

    # The disk.

    def fill_disk(self) -> None:
        """Leave no room on the small disk."""
        with (self._small_disk / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(64 * 1024))
            except OSError:
                pass

    def empty_disk(self) -> None:
        """Make room again."""
        (self._small_disk / "filler").unlink(missing_ok=True)

    def client(self, *names: str, exactly_once: bool = False) -> StoreClient:
        """Return a client of these stores."""
        sockets = [self.directory / name / "run" / "cib.sock" for name in names]
        return StoreClient(sockets, tool_identity("faults", "test"), exactly_once=exactly_once)

    def close(self) -> None:
        """End everything and leave nothing behind."""
        self.signal(signal.SIGCONT, *NUMBERS)
        self.kill(*NUMBERS)
        self._end_relays()
        for holder in self._holders.values():
            holder.kill()
            holder.wait()
        self.network.down()
        if self._small_disk.is_mount():
            run("umount", "--lazy", str(self._small_disk))


def member(name: str) -> Member:
    """Return a store as a member."""
    host = address_v4(NUMBERS[name])
    return Member(
        name=NodeName(name), store=f"{host}:5405", controller=f"{host}:5407", fencer=f"{host}:5408"
    )


def _settings(name: str, home: Path) -> str:
    # The spare knows the others and itself, and they learn of it when it is added.
    known = [member(each) for each in dict.fromkeys((*NAMES, name))]
    peers = "".join(
        f'[[peers]]\nname = "{peer.name}"\nstore = "{peer.store}"\n'
        f'controller = "{peer.controller}"\nfencer = "{peer.fencer}"\n'
        for peer in known
    )
    return (
        f'[cluster]\nid = "faults"\nname = "faults"\n[node]\nname = "{name}"\n'
        f'[directories]\nstate = "{home}/state"\nrun = "{home}/run"\ntls = "{home}/tls"\n'
        f"[store]\ncompact_bytes = {COMPACT_BYTES}\n{peers}"
    )


def _wait_for_namespace(pid: int) -> None:
    """Wait until the child has left our network namespace."""
    ours = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{pid}/ns/net") == ours:
        pass
