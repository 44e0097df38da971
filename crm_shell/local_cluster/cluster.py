"""Start, stop, kill, pause and remove the nodes of a local cluster."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

import stonithd.agents_local
from crm_shell.local_cluster.layout import (
    DESCRIPTION,
    Layout,
    NodeLayout,
    create_layout,
    read_layout,
)
from crm_shell.local_cluster.supervisor import DAEMONS
from raftmaker.runtime.errors import HaError, TimedOut
from raftmaker.runtime.node_processes import belongs, kill_all, mark, processes_of
from raftmaker.runtime.spawn import spawn

_LOOK_S = 0.01
_KILL_S = 10.0
_SUPERVISOR = "supervisor"


class LocalCluster:
    """Nodes on this machine, without root. As a context manager it leaves nothing behind.

    Every method that names a node raises `HaError` when there is none of that name.
    """

    def __init__(self, layout: Layout, *, bound: bool = False) -> None:
        """Use `create` or `open`. `bound`: nodes end when the process that started them ends."""
        self.layout = layout
        self._bound = bound

    @classmethod
    def create(
        cls,
        directory: Path,
        names: Sequence[str] = ("n1", "n2", "n3"),
        *,
        timings: Mapping[str, int] | None = None,
        ocf_roots: Sequence[Path] = (),
        fence_dirs: Sequence[Path] = (),
        remotes: Sequence[str] = (),
        bound: bool = False,
    ) -> LocalCluster:
        """Lay out a new cluster; nothing runs yet. `timings` as in ``raftmaker.toml``, in ms.

        `remotes` are remote nodes, which `start` starts only by name.
        `ocf_roots` each hold ``resource.d``, `fence_dirs` fence agents beside our local one.
        """
        layout = create_layout(
            directory,
            names,
            timings=timings or {},
            ocf_roots=ocf_roots,
            fence_dirs=(stonithd.agents_local.DIRECTORY, *fence_dirs),
            remotes=remotes,
        )
        return cls(layout, bound=bound)

    @classmethod
    def open(cls, directory: Path) -> LocalCluster:
        """Take up a cluster that `create` laid out, running or not."""
        return cls(read_layout(directory))

    def __enter__(self) -> LocalCluster:
        """Return the cluster itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Destroy it, also after Ctrl-C."""
        self.destroy()

    @property
    def directory(self) -> Path:
        """Its folder; also the fence agent's parameter ``directory``."""
        return self.layout.directory

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes' names."""
        return tuple(node.name for node in self.layout.nodes)

    def node(self, name: str) -> NodeLayout:
        """Return a node's folders and ports; remote nodes count."""
        for node in (*self.layout.nodes, *self.layout.remotes):
            if node.name == name:
                return node
        raise HaError(f"{self.directory}: no node {name!r}; nodes: {', '.join(self.names)}")

    def log(self, name: str, daemon: str) -> Path:
        """Return the log file of a node's daemon (cib, lrmd, stonithd, crmd, supervisor)."""
        return self.node(name).directory / "log" / f"{daemon}.log"

    def tool_environment(self, name: str) -> dict[str, str]:
        """Return the environment in which crm and the other tools speak to this node."""
        return self._environment() | {"RAFTMAKER_CONFIG": str(self.node(name).config)}

    def _environment(self) -> dict[str, str]:
        # Our Python and tools first: agents call them by name.
        beside = str(Path(sys.executable).parent)
        path = f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return os.environ | {"PATH": path, "HA_SBIN_DIR": beside}

    def start(self, *names: str) -> None:
        """Start nodes (all, when none is named) and return at once; one that runs is left alone.

        The run directory is emptied, so the node has a new boot id.
        """
        for name in names or self.names:
            if not self.is_running(name):
                self._start(self.node(name))

    def _start(self, node: NodeLayout) -> None:
        # Whatever outlived an earlier life of the node must not meet its new one.
        self._kill(node)
        shutil.rmtree(node.run, ignore_errors=True)
        node.run.mkdir(parents=True)
        shutil.rmtree(node.directory / "pids", ignore_errors=True)
        (node.directory / "pids").mkdir()
        argv = [sys.executable, "-m", "crm_shell.local_cluster.supervisor"]
        argv += ["--config", str(node.config), "--directory", str(node.directory)]
        if node in self.layout.remotes:
            argv += ["--daemons", "remoted"]
        if self._bound:
            argv += ["--creator", str(os.getpid())]
        pid = spawn(
            argv,
            environment=self._environment() | mark(node.name, str(self.directory)),
            log=self.log(node.name, _SUPERVISOR),
        )
        (node.directory / "pids" / _SUPERVISOR).write_text(str(pid))
        # Until its exec is complete nobody could tell that it is the node's.
        self._wait(
            partial(belongs, pid, node.name, str(self.directory)),
            _KILL_S,
            f"node {node.name} did not start; see {self.log(node.name, _SUPERVISOR)}",
        )

    def stop(self, *names: str, timeout_s: float = 150.0) -> None:
        """Stop nodes in good order (all, when none is named): their resources first.

        Raises `TimedOut` when a node is not down by then; it is left as it is.
        """
        chosen = names or self.names
        for name in chosen:
            pid = self.daemon_pid(name, _SUPERVISOR)
            if pid:
                os.kill(pid, signal.SIGTERM)
        for name in chosen:
            self._wait(
                partial(self._is_down, name),
                timeout_s,
                f"node {name} did not stop; see {self.log(name, 'crmd')}",
            )
            self._kill(self.node(name))

    def kill(self, name: str) -> None:
        """Kill a node as a power failure would: every process, its services too; returns when dead.

        Raises `HaError` when something of it cannot be killed.
        """
        self._kill(self.node(name))

    def _kill(self, node: NodeLayout) -> None:
        # The supervisor first: it would start daemons again.
        supervisor = self.daemon_pid(node.name, _SUPERVISOR)
        if supervisor:
            os.kill(supervisor, signal.SIGKILL)
        if not kill_all(node.name, str(self.directory), _KILL_S):
            left = processes_of(node.name, str(self.directory))
            raise HaError(f"node {node.name}: processes {left} are still there after SIGKILL")
        self._reap(supervisor)

    def _reap(self, pid: int) -> None:
        if pid:
            with contextlib.suppress(ChildProcessError):  # another process started it
                os.waitpid(pid, os.WNOHANG)

    def pause(self, name: str) -> None:
        """Stop every process of a node with SIGSTOP, as a machine that hangs."""
        self._signal_all(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a paused node go on."""
        self._signal_all(name, signal.SIGCONT)

    def _signal_all(self, name: str, number: signal.Signals) -> None:
        node = self.node(name)
        seen: set[int] = set()
        while fresh := set(processes_of(node.name, str(self.directory))) - seen:
            for pid in sorted(fresh):
                with contextlib.suppress(ProcessLookupError):  # ended by itself
                    os.kill(pid, number)
            seen |= fresh

    def kill_daemon(self, name: str, daemon: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to one daemon (cib, lrmd, stonithd, crmd); return the pid it had.

        The supervisor starts it again. Raises `HaError` when it does not run.
        """
        pid = self.daemon_pid(name, daemon)
        if not pid:
            raise HaError(f"node {name}: {daemon} does not run")
        os.kill(pid, number)
        return pid

    def daemon_pid(self, name: str, daemon: str) -> int:
        """Return the pid of a node's daemon, or of its ``supervisor``; 0 when it does not run."""
        node = self.node(name)
        try:
            pid = int((node.directory / "pids" / daemon).read_text())
        except (FileNotFoundError, ValueError):
            return 0
        if daemon == _SUPERVISOR:
            self._reap(pid)
        return pid if belongs(pid, node.name, str(self.directory)) else 0

    def is_running(self, name: str) -> bool:
        """Whether the node's supervisor runs (perhaps paused)."""
        return self.daemon_pid(name, _SUPERVISOR) != 0

    def _is_down(self, name: str) -> bool:
        return not self.is_running(name)

    def is_ready(self, name: str) -> bool:
        """Whether every daemon of the node accepts connections."""
        node = self.node(name)
        return all(_accepts(node.run / f"{daemon}.sock") for daemon in DAEMONS)

    def wait_ready(self, *names: str, timeout_s: float = 30.0) -> None:
        """Wait until every daemon of the nodes (all, when none is named) accepts connections.

        Raises `TimedOut`, naming the daemon and its log.
        """
        for name in names or self.names:
            for daemon in DAEMONS:
                socket_path = self.node(name).run / f"{daemon}.sock"
                self._wait(
                    partial(_accepts, socket_path),
                    timeout_s,
                    f"{daemon} of node {name} does not serve; see {self.log(name, daemon)}",
                )

    def _wait(self, condition: Callable[[], bool], timeout_s: float, problem: str) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimedOut(f"{problem} (waited {timeout_s:g} s)")
            time.sleep(_LOOK_S)

    def destroy(self) -> None:
        """Kill every node and remove what `create` made; other files in the folder stay."""
        nodes = (*self.layout.nodes, *self.layout.remotes)
        for node in nodes:
            self._kill(node)
        if self.layout.run_root is not None:
            shutil.rmtree(self.layout.run_root, ignore_errors=True)
        for node in nodes:
            shutil.rmtree(node.directory, ignore_errors=True)
        (self.directory / DESCRIPTION).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty, or gone
            self.directory.rmdir()


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
