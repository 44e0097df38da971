"""Reads what the agents themselves wrote: was anything active twice, was a stop not asked for.

An instance counts as active from the moment its start is begun, whatever comes of it, until a stop
of it has succeeded or the power of its host went off; promoted likewise. So a start that overlaps
anything is found, even when both agents saw nothing wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

POWER = "power"
"""The resource name of the lines that the power switch writes."""
_ENDS = {"stop", "demote", "migrate_to"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: `outcome` is ``begin`` or the agent's exit code."""

    at_us: int
    host: str
    resource: str
    action: str
    outcome: str

    def __str__(self) -> str:
        return f"{self.at_us / 1e6:.6f} {self.host} {self.resource} {self.action} {self.outcome}"


def entries_of(text: str) -> tuple[Entry, ...]:
    """Return the lines of a log, by time."""
    found = []
    for line in text.splitlines():
        at_us, host, resource, action, outcome = line.split()
        found.append(
            Entry(at_us=int(at_us), host=host, resource=resource, action=action, outcome=outcome)
        )
    return tuple(sorted(found, key=lambda entry: entry.at_us))


@dataclass(slots=True)
class _Active:
    """Where one resource is active now, and where it is promoted."""

    started: set[str] = field(default_factory=set)
    promoted: set[str] = field(default_factory=set)


def doubles(entries: Iterable[Entry], clones: frozenset[str]) -> tuple[str, ...]:
    """Return every begin that found the resource active on another host; of clones, promoted."""
    active: dict[str, _Active] = {}
    faults: list[str] = []
    for entry in entries:
        if entry.resource == POWER:
            for each in active.values():
                each.started.discard(entry.host)
                each.promoted.discard(entry.host)
            continue
        name = entry.resource.partition(":")[0]
        here = active.setdefault(name, _Active())
        others: set[str] = set()
        match entry.action, entry.outcome:
            case (("start" | "migrate_from"), "begin"):
                # A resource that moves live is on both hosts, as it is asked to be.
                others = set() if entry.action == "migrate_from" else here.started - {entry.host}
                here.started.add(entry.host)
            case "promote", "begin":
                others = here.promoted - {entry.host}
                here.promoted.add(entry.host)
                if others:
                    faults.append(f"{entry}: promoted on {sorted(others)} as well")
                continue
            case "stop", "0":
                here.started.discard(entry.host)
                here.promoted.discard(entry.host)
            case "demote", "0":
                here.promoted.discard(entry.host)
        if others and name not in clones:
            faults.append(f"{entry}: active on {sorted(others)} as well")
    return tuple(faults)


def running(entries: Iterable[Entry], *, promoted: bool = False) -> Mapping[str, frozenset[str]]:
    """Return where each resource runs now (or is promoted), by what its agents said last."""
    now: dict[str, set[str]] = {}
    begins = {"promote"} if promoted else {"start", "migrate_from"}
    for entry in entries:
        name = entry.resource.partition(":")[0]
        if entry.resource == POWER:
            for hosts in now.values():
                hosts.discard(entry.host)
        elif entry.action in begins and entry.outcome == "0":
            now.setdefault(name, set()).add(entry.host)
        elif entry.action in _ENDS and (promoted or entry.action != "demote"):
            now.setdefault(name, set()).discard(entry.host)
    return {name: frozenset(hosts) for name, hosts in now.items()}


def ends(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return every begin of a stop, demotion or migration away."""
    return tuple(one for one in entries if one.action in _ENDS and one.outcome == "begin")


@dataclass(frozen=True, slots=True)
class Judge:
    """The log of one fleet. `clones`: the names of what may be active on several hosts."""

    log: Path
    clones: frozenset[str] = frozenset()

    def entries(self) -> tuple[Entry, ...]:
        """Return what was written so far."""
        return entries_of(self.log.read_text()) if self.log.exists() else ()

    def doubles(self) -> tuple[str, ...]:
        """Return every double start and promotion so far. There must be none."""
        return doubles(self.entries(), self.clones)

    @contextmanager
    def stops_only_on(self, *hosts: str) -> Iterator[None]:
        """What is stopped in the block must be on one of these hosts; nothing may run twice."""
        before = len(self.entries())
        yield
        unasked = [entry for entry in ends(self.entries()[before:]) if entry.host not in hosts]
        assert not unasked, "stopped without being asked:\n" + "\n".join(map(str, unasked))
        assert not self.doubles(), "\n".join(self.doubles())
