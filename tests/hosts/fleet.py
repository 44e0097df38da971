"""Several hosts on one machine, each with systemd as its first process, a disk and a network port.

A host is an overlay of ``/`` in mount, process, network, IPC, UTS and cgroup namespaces of its own.
`power_off` kills its first process, which is a power cut: what it had written stays on its disk,
and nothing was stopped in order. Whatever goes wrong, `down` leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.hosts import disk
from tests.hosts.network import Network, address_v4, address_v6
from tests.hosts.power import end, freeze, is_removed, thaw

BOOT = Path(__file__).with_name("boot-host")
CHECKOUT = BOOT.parents[2]
BASE = Path("/var/tmp/raftmaker-hosts")
"""Not under /tmp: each host has a /tmp of its own on top of the overlay."""

MASKED = (
    *("nginx", "apache2", "postgresql", "mariadb", "pacemaker", "corosync", "logd", "etcd"),
    *("console-getty", "getty@tty1", "e2scrub_all.timer", "apt-daily.timer"),
    *("apt-daily-upgrade.timer", "man-db.timer", "dpkg-db-backup.timer", "fstrim.timer"),
)
"""Units of the machine that no test host should start by itself."""

_UNIFIED = Path("/sys/fs/cgroup/unified")
GROUPS = _UNIFIED if _UNIFIED.exists() else Path("/sys/fs/cgroup")
"""Each host's control group is here: in one group the systemds would share the groups of units of
one name, and a unit would not count as stopped before it stopped on all hosts."""
_IN_GROUP = 'echo $$ >"$0/cgroup.procs" && exec "$@"'

Condition = Callable[[], bool]


class HostError(RuntimeError):
    """A host did not do what was asked; the message says which and what to look at."""


@dataclass(frozen=True, slots=True)
class Host:
    """One host of a fleet."""

    fleet: Fleet
    number: int

    @property
    def name(self) -> str:
        """Its host name: h1, h2, …"""
        return f"h{self.number}"

    @property
    def directory(self) -> Path:
        """Where its disk and its boot log are."""
        return self.fleet.directory / self.name

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return address_v4(self.number)

    @property
    def address_v6(self) -> str:
        """Its IPv6 address."""
        return address_v6(self.number)

    @property
    def pid(self) -> int | None:
        """Its first process, as the machine numbers it; None while it is off."""
        try:
            outer = int((self.directory / "pid").read_text())
            inner = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        except (OSError, ValueError):
            return None
        return int(inner[0]) if inner else None

    def power_on(self, *, timeout_s: float = 60) -> None:
        """Boot it and wait until systemd has started what it has to."""
        with self._alone():
            self._start()
        self._wait(lambda: self.pid is not None, timeout_s, "has no first process")
        pid = self.pid
        assert pid is not None
        self.fleet.network.plug(self.number, pid)
        self._wait(self._has_booted, timeout_s, "did not finish booting")

    def _start(self) -> None:
        if self.pid is not None:
            raise HostError(f"{self.name} is already on")
        for part in ("upper", "work", "root"):
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        self._prepare_disk()
        self.group.mkdir(exist_ok=True)
        thaw(self.group)
        with (self.directory / "boot.log").open("wb") as log:
            outer = subprocess.Popen(
                [
                    *("sh", "-c", _IN_GROUP, str(self.group)),
                    *("unshare", "-m", "-p", "-f", "-C", "-u", "-i", "-n", "--kill-child=KILL"),
                    *("sh", str(BOOT), str(self.directory), self.name, str(CHECKOUT)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (self.directory / "pid").write_text(str(outer.pid))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the host's switch: a test and the fleet's power switch may both reach for it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "switch.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _prepare_disk(self) -> None:
        etc = self.directory / "upper" / "etc"
        (etc / "systemd" / "system").mkdir(parents=True, exist_ok=True)
        (etc / "hostname").write_text(self.name + "\n")
        names = "".join(f"{h.address} {h.name}\n{h.address_v6} {h.name}\n" for h in self.fleet)
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{names}")
        for unit in MASKED:
            link = etc / "systemd" / "system" / (unit if "." in unit else f"{unit}.service")
            if not link.is_symlink():
                link.symlink_to("/dev/null")

    def _has_booted(self) -> bool:
        state = self.exec("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def _wait(
        self, condition: Condition, timeout_s: float, what: str, *, every_s: float = 0.05
    ) -> None:
        limit = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > limit:
                raise HostError(f"{self.name} {what} within {timeout_s} s\n{self._boot_log()}")
            time.sleep(every_s)

    def _boot_log(self) -> str:
        try:
            return (self.directory / "boot.log").read_text(errors="replace")[-2000:]
        except OSError as error:
            return f"there is no log of its boot: {error}"

    def exec(
        self, *command: str, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root; raises with its output when it fails and `check`."""
        done = subprocess.run(
            [*self.enter(), *command], capture_output=True, text=True, check=False, input=stdin
        )
        if check and done.returncode != 0:
            raise HostError(
                f"{self.name}: {' '.join(command)} ended with {done.returncode}:"
                f" {done.stderr.strip() or done.stdout.strip()}"
            )
        return done

    def enter(self) -> Sequence[str]:
        """Return the command prefix that runs something inside."""
        pid = self.pid
        if pid is None:
            raise HostError(f"{self.name} is off: power it on first")
        return ("nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--")

    def power_off(self, when_off: Callable[[], None] = lambda: None) -> None:
        """Cut its power: every process ends at once, its disk keeps what it had. Idempotent.

        `when_off` is called as soon as nothing runs there; what the machine has to clear up after
        it follows, and holds nobody up who only wants it to be off.
        """
        with self._alone():
            pid = self.pid
            if pid is not None:
                with contextlib.suppress(FileNotFoundError):
                    freeze(self.group)
                self.note_power_is_off()
            when_off()
            if pid is not None:
                end(self.group, pid)
            self._wait(lambda: self.pid is None, 30, "did not go off", every_s=0.005)
            disk.fast(self._throttle, None)
            self._reap()
            self._wait(lambda: is_removed(self.group), 30, "left its control group", every_s=0.005)

    @property
    def group(self) -> Path:
        """Its control group: what systemd makes for its units is below."""
        return GROUPS / self._throttle

    @property
    def _throttle(self) -> str:
        return f"rm-{self.fleet.name}-{self.name}"

    def slow_disk(self, writes_per_s: int) -> None:
        """Hold what it writes and syncs to that rate, until `fast_disk` or its power goes."""
        pid = self.pid
        if pid is None:
            raise HostError(f"{self.name} is off: power it on first")
        disk.slow(self._throttle, pid, self.directory, writes_per_s)

    def fast_disk(self) -> None:
        """Undo `slow_disk`. Idempotent."""
        disk.fast(self._throttle, self.pid)

    def note_power_is_off(self) -> None:
        """Write to the fleet's log that nothing runs here any more."""
        if self.fleet.shared.exists():
            with (self.fleet.shared / "agents.log").open("a") as log:
                log.write(f"{time.time_ns() // 1000} {self.name} power off 0\n")

    def _reap(self, timeout_s: float = 30) -> None:
        """Forget the process that began it, once it has ended: here, where it is our child."""
        noted = self.directory / "pid"
        with contextlib.suppress(OSError, ValueError):  # no number, or another's child
            pid = int(noted.read_text())
            self._wait(
                lambda: os.waitpid(pid, os.WNOHANG)[0] == pid,
                timeout_s,
                f"is off, but process {pid} that began it did not end",
                every_s=0.005,
            )
        noted.unlink(missing_ok=True)


class Fleet:
    """The hosts of one test; `found` returns the handle on hosts that another process made."""

    def __init__(self, count: int, *, name: str = "t", base: Path = BASE) -> None:
        """Describe the fleet; nothing is made before `up`."""
        self.name = name
        self.directory = base / name
        self.network = Network(name)
        self.hosts = tuple(Host(self, number) for number in range(1, count + 1))

    @classmethod
    def found(cls, name: str, base: Path = BASE) -> Fleet:
        """Return the fleet of that name that is up. Raises `HostError` where there is none."""
        try:
            count = json.loads((base / name / "fleet.json").read_text())["count"]
        except (OSError, ValueError, KeyError):
            raise HostError(f"there is no fleet {name!r}: make it with 'up'") from None
        return cls(count, name=name, base=base)

    @property
    def shared(self) -> Path:
        """The folder that every host sees as /srv/shared."""
        return self.directory / "shared"

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts)

    def host(self, name: str) -> Host:
        """Return the host of that name."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise HostError(f"there is no host {name!r}; there are: {known}")

    def up(self, *, prepare: Callable[[Fleet], None] = lambda fleet: None) -> None:
        """Make the network and boot every host; takes everything down again when that fails.

        `prepare` is called before the first boot: it may write to the hosts' disks.
        """
        if (self.directory / "fleet.json").exists():
            raise HostError(f"the fleet {self.name!r} is already up: take it down first")
        self.down()
        self.directory.mkdir(parents=True)
        (self.directory / "fleet.json").write_text(json.dumps({"count": len(self.hosts)}))
        try:
            self.shared.mkdir(mode=0o755)
            self.network.up()
            prepare(self)
            self.power_on()
        except BaseException:
            self.down()
            raise

    def power_on(self) -> None:
        """Boot every host that is off, all at once."""
        off = [host for host in self.hosts if host.pid is None]
        with ThreadPoolExecutor(max_workers=len(off) or 1) as pool:
            for booted in [pool.submit(host.power_on) for host in off]:
                booted.result()

    def run_beside(self, name: str, *module: str) -> None:
        """Run a Python module in the network's namespace until `down`; wait for its first line."""
        helper = subprocess.Popen(
            [*self.network.inside(), sys.executable, "-m", *module],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        (self.directory / f"{name}.helper").write_text(str(helper.pid))
        assert helper.stdout is not None
        if not helper.stdout.readline():
            raise HostError(f"{name} did not start")

    def end_beside(self, name: str) -> None:
        """End what `run_beside` started, perhaps in another process. Idempotent."""
        path = self.directory / f"{name}.helper"
        with contextlib.suppress(OSError, ValueError):
            pid = int(path.read_text())
            # A number that is of another process by now is left alone.
            if b"tests.hosts" in Path(f"/proc/{pid}/cmdline").read_bytes():
                descriptor = os.pidfd_open(pid)
                os.kill(pid, signal.SIGKILL)
                select.select([descriptor], [], [], 5)
                os.close(descriptor)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
        path.unlink(missing_ok=True)

    def delay(self, number: int, delay_ms: float, jitter_ms: float = 0) -> None:
        """Let each frame to and from the host be that much longer on its way, at random more."""
        self.end_beside(f"relay-{number}")
        self.network.straighten(number)
        self.run_beside(
            f"relay-{number}", "tests.hosts.relay", self.name, str(number),
            str(delay_ms), str(jitter_ms),
        )  # fmt: skip

    def heal(self, number: int) -> None:
        """Undo everything that was done to the host's network."""
        self.end_beside(f"relay-{number}")
        self.network.heal(number)

    def down(self) -> None:
        """End every host and helper; remove disks and the network. Idempotent.

        It needs nothing but the name: whoever made them may have been killed.
        """
        for helper in self.directory.glob("*.helper"):
            self.end_beside(helper.stem)
        for host in self.hosts:
            if host.directory.exists():
                host.power_off()
        self.network.down()
        shutil.rmtree(self.directory, ignore_errors=True)

    @classmethod
    def remove_leftover(cls, name: str, base: Path = BASE) -> None:
        """Take down the fleet of that name if a killed test left one."""
        with contextlib.suppress(HostError):
            cls.found(name, base).down()

    def __enter__(self) -> Fleet:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
