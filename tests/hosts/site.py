"""A running cluster of test hosts, watched by its stores from outside and by its agents' log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from crm_shell.demo.failover import is_whole
from crm_shell.demo.observer import Observer
from tests.hosts.cluster import SCRIPTS, crm, running, wait_for
from tests.hosts.fleet import Fleet, Host
from tests.hosts.judge import Judge
from tests.hosts.judge import running as running_by

SETTLE_S = 90.0
REPAIR_S = 5.0
"""How long a test waits for a cluster that the one before it left, before it makes a new one."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a test needs of a cluster. `singles` run once, `clones` on every host."""

    fleet: Fleet
    observer: Observer
    judge: Judge
    singles: tuple[str, ...]
    promotable: str = ""

    @property
    def on(self) -> tuple[Host, ...]:
        """The hosts that have power."""
        return tuple(host for host in self.fleet if host.pid is not None)

    def other_than(self, *names: str) -> Host:
        """Return a host that has power and another name."""
        return next(host for host in self.on if host.name not in names)

    def host_of(self, resource: str, *, promoted: bool = False) -> Host:
        """Return where a resource runs, by what its agents wrote."""
        (name,) = running_by(self.judge.entries(), promoted=promoted)[resource]
        return self.fleet.host(name)

    def runs_on(self, resource: str, host: Host) -> bool:
        """Whether a resource runs on a host and nowhere else."""
        return running_by(self.judge.entries()).get(resource) == frozenset({host.name})

    def has_left(self, resource: str, host: Host) -> bool:
        """Whether a resource runs, and on another host."""
        there = running_by(self.judge.entries()).get(resource, frozenset())
        return len(there) == 1 and host.name not in there

    def dc(self) -> str:
        """Return the name of the DC."""
        seen = self.observer.newest()
        return str(seen.facts.dc.node) if seen and seen.facts.dc else ""

    def leader(self) -> str:
        """Return the name of the host whose store leads."""
        seen = self.observer.newest()
        return str(seen.facts.leader) if seen else ""

    def is_settled(self) -> bool:
        """Whether all hosts take part and everything runs where it should, once or everywhere."""
        seen = self.observer.newest()
        names = tuple(host.name for host in self.fleet)
        if seen is None or not is_whole(names, seen):
            return False
        there = running_by(self.judge.entries())
        leading = running_by(self.judge.entries(), promoted=True)
        everywhere = all(there.get(clone) == frozenset(names) for clone in self.judge.clones)
        once = all(len(there.get(single, ())) == 1 for single in self.singles)
        promoted = not self.promotable or len(leading.get(self.promotable, ())) == 1
        return everywhere and once and promoted

    def wait_settled(self, what: str = "everything runs") -> float:
        """Wait for it and return how long it took, in seconds."""
        try:
            return wait_for(self.is_settled, what, timeout_s=SETTLE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}") from None

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds."""
        try:
            wait_for(condition, what, timeout_s=SETTLE_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}") from None

    def story(self) -> str:
        """Return what a person wants to see when something did not happen."""
        parts = ["agents: " + "\n".join(map(str, self.judge.entries()[-30:]))]
        for host in self.on[:1]:
            shown = host.exec(str(SCRIPTS / "crm_mon"), "-1r", check=False)
            parts.append(f"crm_mon on {host.name}: {shown.stdout}{shown.stderr}")
        for host in self.on:
            daemons = ("-b", "-q", "-o", "short-precise", "-n", "40", "-u", "raftmaker-*")
            log = host.exec("journalctl", *daemons, check=False).stdout
            parts.append(f"journal of {host.name}:\n{log}")
        return "\n".join(parts)

    def power_on_all(self) -> None:
        """Boot what is off, heal every cable, and wait until all is well."""
        for host in self.fleet:
            self.fleet.heal(host.number)
        self.fleet.power_on()
        self.wait_settled("all hosts are back")


@contextmanager
def cluster_with(
    name: str,
    configuration: str,
    *,
    hosts: int = 3,
    prepare: Callable[[Fleet], None] = lambda fleet: None,
    singles: tuple[str, ...] = (),
    clones: frozenset[str] = frozenset(),
    promotable: str = "",
) -> Iterator[Site]:
    """Run hosts with this configuration, and judge at the end that nothing ran twice."""
    with running(hosts, name, prepare=prepare) as fleet:

        def socket_of(host: str) -> Path:
            # As its first process sees it: the run directory is in the host's own memory.
            there = Path("/proc", str(fleet.host(host).pid), "root")
            return there / "run" / "raftmaker" / "cib.sock"

        judge = Judge(fleet.shared / "agents.log", clones)
        with Observer([host.name for host in fleet], socket_of) as observer:
            site = Site(fleet, observer, judge, singles, promotable)
            names = tuple(host.name for host in fleet)
            site.wait(
                lambda: (seen := observer.newest()) is not None and is_whole(names, seen),
                "all join",
            )
            crm(fleet.hosts[0], "configure", "load", "update", "-", stdin=configuration)
            site.wait_settled()
            yield site
            assert not judge.doubles(), "\n".join(judge.doubles())


@dataclass(slots=True)
class Kept:
    """One cluster for many tests, made anew where a test that failed left it broken."""

    make: Callable[[], AbstractContextManager[Site]]
    _open: ExitStack = field(default_factory=ExitStack)
    _site: Site | None = None

    def whole(self) -> Site:
        """Return a cluster on which everything runs: the one that is there, or a new one."""
        if self._site is not None and not self._is_whole(self._site):
            # What ran twice there was said by the test in which it did.
            with suppress(AssertionError):
                self.close()
        if self._site is None:
            self._site = self._open.enter_context(self.make())
        return self._site

    @staticmethod
    def _is_whole(site: Site) -> bool:
        with suppress(AssertionError):
            wait_for(site.is_settled, "everything runs", timeout_s=REPAIR_S)
            return not site.judge.doubles()
        return False

    def close(self) -> None:
        """Take the cluster down."""
        self._site = None
        self._open.close()
