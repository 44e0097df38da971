"""Runs alert agents beside the resources' operations, which they never delay (features 19.1).

An agent is Pacemaker's: a program without arguments that finds in its environment what happened.
It runs as the service user, in a session of its own, and its whole group is ended after its time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from lrmd.agents.environment import base_environment
from lrmd.agents.execution import output_of
from lrmd.operations.values import AlertRun
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.logs import Log
from raftmaker.runtime.privileges import ServiceUser
from raftmaker.runtime.process import Ended, run
from raftmaker.vocabulary.ids import NodeName

RUNNING_MAX = 50
"""So many agents run at once; the next ones wait, in order."""
WAITING_MAX = 1000
"""So many runs wait at most; what comes then is not run, and its number is missing (19.7)."""
EVENTS_KEPT = 2000
"""The last events that were told are remembered, to recognise one that is told again."""
END_S = 5.0
"""How long the daemon's end waits for agents that run."""
# What protects this daemon (out-of-memory score, umask) is not for what it starts.
_PLAIN = 'umask 022; echo 0 2>/dev/null >/proc/self/oom_score_adj; exec "$@"'


class AlertAgents:
    """Starts alert agents, numbers their runs, and tells in the log how they fail."""

    def __init__(
        self,
        *,
        sequence_file: Path,
        inherited: Mapping[str, str],
        node: NodeName,
        user: Callable[[], ServiceUser | None],
        log: Log,
    ) -> None:
        """The number of the last run is kept in `sequence_file`, for the next process of the boot.

        `user` tells who runs the agents (None: we), or raises `HaError`.
        """
        self._file = sequence_file
        self._inherited = inherited
        self._node = node
        self._user = user
        self._log = log
        self._sequence = _number_in(sequence_file)
        self._events: OrderedDict[str, None] = OrderedDict()
        self._free = asyncio.Semaphore(RUNNING_MAX)
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, event: str, runs: Iterable[AlertRun]) -> None:
        """Begin what an event runs, unless it was told before."""
        if event in self._events:
            return
        self._events[event] = None
        while len(self._events) > EVENTS_KEPT:
            self._events.popitem(last=False)
        for one in runs:
            self._sequence += 1
            if len(self._tasks) >= RUNNING_MAX + WAITING_MAX:
                self._log.warning("alert agent not run, too many wait", alert=one.alert)
                continue
            task = asyncio.create_task(self._run(one, self._sequence))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._keep_sequence()

    async def end(self) -> None:
        """Give what runs a little time, then end it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=END_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, one: AlertRun, number: int) -> None:
        environment = {
            **base_environment(self._inherited, self._node),
            **one.variables,
            "CRM_alert_node_sequence": str(number),
        }
        async with self._free:
            try:
                ended = await run(
                    ["/bin/sh", "-c", _PLAIN, "raftmaker-alert", one.path],
                    env=environment,
                    timeout_ms=one.timeout_ms,
                    user=self._user(),
                )
            except (HaError, OSError, ValueError) as error:
                # ValueError: what no environment can hold.
                self._log.error("alert agent cannot be run", alert=one.alert, reason=error)
                return
        self._tell(one, number, ended)

    def _tell(self, one: AlertRun, number: int, ended: Ended) -> None:
        kind = one.variables.get("CRM_alert_kind", "")
        if ended.code == 0 and not ended.timed_out:
            self._log.debug("alert agent ended", alert=one.alert, number=number, kind=kind)
            return
        self._log.warning(
            "alert agent failed",
            alert=one.alert,
            number=number,
            kind=kind,
            path=one.path,
            code="timed out" if ended.timed_out else ended.code,
            text=output_of(ended),
        )

    def _keep_sequence(self) -> None:
        temporary = self._file.with_suffix(".new")
        try:
            temporary.write_text(f"{self._sequence}\n", "ascii")
            temporary.replace(self._file)
        except OSError as error:
            self._log.warning("number of the last alert not kept", reason=error)


def _number_in(file: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return max(0, int(file.read_text("ascii")))
    return 0
