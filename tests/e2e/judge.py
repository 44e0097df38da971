"""Reads the log that the services themselves write: who was active when; was there a double."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log."""

    at_ns: int
    resource: str
    node: str
    pid: int
    what: str
    """active, ended (was asked to stop), or double."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The folder that all nodes' services share."""

    folder: Path

    def entries(self, resource: str = "service") -> tuple[Entry, ...]:
        """Return the log, oldest first."""
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        found = []
        for line in lines:
            at_ns, name, node, pid, what = line.split(" ", 4)
            found.append(Entry(at_ns=int(at_ns), resource=name, node=node, pid=int(pid), what=what))
        return tuple(entry for entry in found if entry.resource == resource)

    def active(self, resource: str = "service") -> Entry | None:
        """Return the instance that runs now: its process lives."""
        for entry in reversed(self.entries(resource)):
            if entry.what == "active":
                return entry if _lives(entry.pid) else None
        return None

    def doubles(self) -> tuple[Entry, ...]:
        """Return every start that found another instance alive. There must be none."""
        return tuple(entry for entry in self.entries() if entry.what == "double")


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
