"""What the end-to-end tests do with a cluster: wait for what must come, with generous bounds."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from crm_shell.demo.failover import is_whole
from crm_shell.demo.observer import Observer
from crm_shell.demo.timeline import Observation
from crm_shell.local_cluster.cluster import LocalCluster
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.membership import FencePhase, Presence
from tests.e2e.judge import Entry, Judge

START_S = 90.0
"""Three nodes are twelve Python processes; the machine may have two slow cores."""
FAILOVER_S = 60.0
_LOOK_S = 0.05
_UNCAUGHT = re.compile("Traceback|Task was destroyed|never retrieved|Exception ignored")
"""What Python prints of what nobody took care of."""
_TRACE = 40
"""Lines of a traceback that are shown."""
_ERROR = re.compile(r"\d{4}-\d\d-\d\dT\S+ error ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A cluster, what its stores say, and what its service says."""

    cluster: LocalCluster
    observer: Observer
    judge: Judge

    def run(self, node: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run one of our tools against a node, as a person would."""
        program = Path(sys.executable).with_name(argv[0])
        return subprocess.run(
            [str(program), *argv[1:]],
            env=self.cluster.tool_environment(node),
            capture_output=True,
            text=True,
            check=False,
            timeout=START_S,
        )

    def crm(self, node: str, *words: str) -> str:
        """Run crm, which must succeed, and return its output."""
        done = self.run(node, "crm", *words)
        assert done.returncode == 0, f"crm {words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def wait_whole(self, timeout_s: float) -> Observation:
        """Wait until every node has joined and there is a DC."""
        names = self.cluster.names
        seen = self.observer.wait(lambda item: is_whole(names, item), timeout_s)
        assert seen is not None, f"the nodes did not all join in {timeout_s:g} s"
        return seen

    def wait_active(self, timeout_s: float, *, elsewhere_than: str = "") -> Entry:
        """Wait until the service's process runs, by its own log; return the entry of its start."""

        found: list[Entry] = []

        def is_found() -> bool:
            entry = self.judge.active()
            if entry is not None and entry.node != elsewhere_than:
                found.append(entry)
            return bool(found)

        self.wait(is_found, timeout_s, "the service did not become active")
        return found[0]

    def wait(self, condition: Callable[[], bool], timeout_s: float, problem: str) -> None:
        """Wait until the condition holds; fail with the problem when it does not in time."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"{problem} in {timeout_s:g} s"
            time.sleep(_LOOK_S)

    def wait_fenced(self, node: str, timeout_s: float) -> None:
        """Wait until the confirmed fencing of the node is committed."""

        def confirmed(item: Observation) -> bool:
            facts = item.facts.of(NodeName(node))
            return facts is not None and facts.fencing is FencePhase.CONFIRMED

        assert self.observer.wait(confirmed, timeout_s), f"{node} was not fenced"

    def fencings(self, after_index: int) -> list[str]:
        """Return the nodes that a fencing was intended for after a log position."""
        return sorted(
            {
                facts.node
                for item in self.observer.observed()
                if item.index > after_index
                for facts in item.facts.nodes
                if facts.fencing is not FencePhase.NONE
            }
        )

    def losses(self, after_index: int) -> list[str]:
        """Return the nodes that were declared lost after a log position."""
        return sorted(
            {
                facts.node
                for item in self.observer.observed()
                if item.index > after_index
                for facts in item.facts.nodes
                if facts.presence is Presence.LOST
            }
        )

    def uncaught(self) -> list[str]:
        """Return what daemons left in their logs that no daemon may, whatever happens to it."""
        return self._logged(_UNCAUGHT, {})

    def faults(self, after: Mapping[Path, int]) -> list[str]:
        """Return that, and what daemons called an error, after these places of their logs."""
        return self._logged(re.compile(f"{_UNCAUGHT.pattern}|{_ERROR.pattern}"), after)

    def logs(self) -> dict[Path, int]:
        """Return every daemon's log, and how much of it there is, in bytes."""
        found = sorted(self.cluster.directory.glob("*/log/*.log"))
        return {log: log.stat().st_size for log in found}

    def _logged(self, wanted: re.Pattern[str], after: Mapping[Path, int]) -> list[str]:
        """Return each such line with what follows it."""
        told = []
        for log in self.logs():
            lines = log.read_bytes()[after.get(log, 0) :].decode(errors="replace").splitlines()
            for number, line in enumerate(lines):
                if wanted.search(line):
                    whole = "\n    ".join(lines[number : number + _TRACE])
                    told.append(f"{log.parent.parent.name} {log.stem}: {whole}")
        return told

    def index(self) -> int:
        """Return the newest log position that was seen."""
        newest = self.observer.newest()
        assert newest is not None, "no store has said anything yet"
        return newest.index
