"""Measures this node's load every half minute and tells the DC (features 16.36, 26.8)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from cib_store.document.element import Element
from crmd.fsa import events
from crmd.fsa.options import percentage
from crmd.peers import Peers
from crmd.runner import Runner
from crmd.transition.throttle import NodeLoad, Sample, Throttle, mode_of
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.logs import Log
from raftmaker.vocabulary.ids import NodeName

EVERY_S = 30.0
ACTION_LIMIT = "PCMK_node_action_limit"
_CONTAINER = Path("/run/systemd/container")
"""systemd writes it where it is not the machine's own (systemd(1), "container")."""
Take = Callable[[events.Event], None]
_CREDENTIALS = struct.Struct("3i")
_UTIME, _STIME = 11, 12
"""Of the fields of /proc/PID/stat after the command's name (proc_pid_stat(5))."""


class Throttling:
    """Keeps this node's load; call `run` to measure it again and again."""

    def __init__(
        self,
        *,
        node: NodeName,
        runner: Runner,
        peers: Peers,
        store: Path,
        is_alone: bool,
        environment: Mapping[str, str],
        log: Log,
    ) -> None:
        """`store` is the socket of this node's store, by which its process is found.

        Of several nodes on one machine (not `is_alone`) the machine's load says nothing of one.
        """
        self._node = node
        self._runner = runner
        self._peers = peers
        self._store = StoreTime(store)
        self._is_alone = is_alone
        self._action_limit = action_limit(environment, log)
        self._log = log
        self._sample = self._measured()
        self._options: Element | None = None
        self._told = self.load
        self._changed = asyncio.Event()

    @property
    def load(self) -> NodeLoad:
        """The load by the newest measurement and the present `load-threshold`."""
        threshold = percentage(self._runner.state.view.cib, "load-threshold")
        return NodeLoad(
            mode=mode_of(self._sample, threshold),
            cores=self._sample.cores,
            action_limit=self._action_limit,
        )

    def beside(self, take: Take) -> Take:
        """Return a `take` by which a change of the threshold is noticed at once."""

        def both(event: events.Event) -> None:
            take(event)
            if isinstance(event, events.StoreChanged):
                self._look(event.cib)

        return both

    def _look(self, cib: Element) -> None:
        configuration = cib.child("configuration")
        options = configuration.child("crm_config") if configuration is not None else None
        if options is not self._options:
            self._options = options
            if self.load != self._told:
                self._changed.set()

    async def run(self) -> None:
        """Measure and tell, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                self._sample = self._measured()
            self._changed.clear()  # what changes while this is told is told next
            await self._tell()

    def _measured(self) -> Sample:
        cores = os.cpu_count() or 1
        average = _average() if self._is_alone else None
        return Sample(cores=cores, average=average, store=self._store.share())

    async def _tell(self) -> None:
        load = self.load
        if load.mode is not self._told.mode:
            log = self._log.info if load.mode < Throttle.HIGH else self._log.warning
            was, now = self._told.mode.name.lower(), load.mode.name.lower()
            log("load", was=was, now=now, sample=self._sample)
        self._told = load
        holder = self._runner.state.view.facts.dc
        if holder is None:
            return
        if holder.node == self._node:
            self._runner.take(events.LoadReported(at_ms=boot_ms(), node=self._node, load=load))
            return
        try:
            await self._peers.controller(holder.node).report_load(load)
        except HaError as error:
            self._log.debug("load not told", dc=holder.node, reason=error)


def is_container(mark: Path = _CONTAINER) -> bool:
    """Tell whether this is a container: the load average there is that of the whole machine."""
    return mark.exists()


def action_limit(environment: Mapping[str, str], log: Log) -> int:
    """Return how many jobs this node may have at once by its own settings; 0: no limit."""
    text = environment.get(ACTION_LIMIT, "").strip()
    if not text:
        return 0
    if text.isascii() and text.isdigit():
        return int(text)
    log.warning("not a number of actions", variable=ACTION_LIMIT, value=text)
    return 0


def _average() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


class StoreTime:
    """The processor time of the node's store, as /proc has it."""

    def __init__(self, store: Path) -> None:
        """Name the socket that it listens on."""
        self._socket = store
        self._pid = 0
        self._used_s = 0.0
        self._at_s = 0.0

    def share(self) -> float | None:
        """Return the share of one processor since the last call; None with nothing to compare."""
        pid = listener_of(self._socket)
        used_s = processor_time_s(pid) if pid else None
        now_s = boot_ms() / 1000
        before_s, took_s = self._used_s, now_s - self._at_s
        is_same = pid == self._pid
        self._pid, self._used_s, self._at_s = pid, used_s or 0.0, now_s
        if used_s is None or not is_same or took_s <= 0:
            return None
        return max(0.0, used_s - before_s) / took_s


def listener_of(path: Path) -> int:
    """Return the process that listens on a unix socket, as the kernel knows it; 0: none."""
    with socket.socket(socket.AF_UNIX) as link, contextlib.suppress(OSError):
        link.setblocking(False)
        link.connect(str(path))
        told = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return int(_CREDENTIALS.unpack(told)[0])
    return 0


def processor_time_s(pid: int) -> float | None:
    """Return the seconds that a process has run; None: it is not there."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[_UTIME]) + int(fields[_STIME])) / os.sysconf("SC_CLK_TCK")
