"""The first process of a local node: starts its daemons, restarts them, stops them in order.

It stands for systemd. Run as ``python -m crm_shell.local_cluster.supervisor`` by `LocalCluster`,
with the node's marks in the environment. SIGTERM stops the node in good order.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, field

from raftmaker.runtime.spawn import adopt_orphans, spawn
from raftmaker.vocabulary.codes import ExitCode

DAEMONS = ("cib", "lrmd", "stonithd", "crmd")
"""In the order of their start; they are stopped in the reverse order."""
_BACKOFF_S = (0.05, 5.0)
_SETTLED_S = 5.0
"""A daemon that lived this long is restarted at once when it ends."""
_STOP_S = {"crmd": 120.0, "remoted": 120.0}
_STOP_DEFAULT_S = 10.0
_TICK_S = 0.5
_WOKEN_BY = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)


class Child(Struct):
    """One daemon: its process (0: none) and when it may be started (again)."""

    name: str
    pid: int = 0
    started_at: float = 0.0
    start_at: float = 0.0
    backoff_s: float = _BACKOFF_S[0]


class Supervisor(Struct):
    """Keeps the daemons of one node alive until it is told to stop."""

    config: Path
    directory: Path
    """Of the node: ``log`` and ``pids`` are below."""
    creator: int = 0
    """End the node when this process is gone; 0: live on."""
    daemons: Sequence[str] = DAEMONS
    children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with nothing running."""
        self.children = [Child(name) for name in self.daemons]

    def run(self) -> int:
        """Work until a signal or the creator's end; return the exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _WOKEN_BY)
        adopt_orphans()
        (self.directory / "pids").mkdir(exist_ok=True)
        while True:
            self._start_due()
            woken = signal.sigtimedwait(_WOKEN_BY, self._sleep_s())
            self._reap()
            if woken is not None and woken.si_signo in (signal.SIGTERM, signal.SIGINT):
                return self._stop()
            if self.creator and os.getppid() != self.creator:
                return self._stop()

    def _sleep_s(self) -> float:
        now = time.monotonic()
        waits = [child.start_at - now for child in self.children if not child.pid]
        return max(0.0, min([_TICK_S, *waits]))

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.pid or child.start_at > now:
                continue
            program = program_of(child.name)
            child.pid = spawn(
                [program, "--config", str(self.config)],
                environment=os.environ,
                log=self.directory / "log" / f"{child.name}.log",
            )
            child.started_at = now
            self._note(child)

    def _note(self, child: Child) -> None:
        path = self.directory / "pids" / child.name
        temporary = path.with_suffix(".new")
        temporary.write_text(str(child.pid))
        temporary.replace(path)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in self.children:
                if child.pid == pid:
                    self._ended(child, status)

    def _ended(self, child: Child, status: int) -> None:
        now = time.monotonic()
        settled = now - child.started_at >= _SETTLED_S
        child.backoff_s = _BACKOFF_S[0] if settled else min(child.backoff_s * 2, _BACKOFF_S[1])
        child.start_at = now + (0.0 if settled else child.backoff_s)
        child.pid = 0
        code = os.waitstatus_to_exitcode(status)
        if code == ExitCode.FATAL:  # features 28.6, as the units of systemd have it
            child.start_at = math.inf
            remedy = "a restart does not mend that, its log says what does"
            print(f"{child.name} ended with {code}: {remedy}", flush=True)  # noqa: T201
            return
        again = f"started again in {max(0.0, child.start_at - now):.2f} s"
        print(f"{child.name} ended with {code}, {again}", flush=True)  # noqa: T201

    def _stop(self) -> int:
        """Stop the daemons, the controller first: it stops the node's resources."""
        for child in reversed(self.children):
            if not child.pid:
                continue
            os.kill(child.pid, signal.SIGTERM)
            deadline = time.monotonic() + _STOP_S.get(child.name, _STOP_DEFAULT_S)
            while child.pid and time.monotonic() < deadline:
                signal.sigtimedwait((signal.SIGCHLD,), _TICK_S)
                self._reap()
            if child.pid:
                os.kill(child.pid, signal.SIGKILL)
        return 0


def program_of(daemon: str) -> str:
    """Return the daemon's program: beside the running Python, else in PATH."""
    name = f"raftmaker-{daemon}"
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        sys.exit(f"{name} is not installed beside {sys.executable} nor in PATH: pip install it")
    return found


def main() -> int:
    """Run the supervisor of one node."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--creator", type=int, default=0)
    parser.add_argument("--daemons", nargs="+", default=DAEMONS)
    options = parser.parse_args()
    return Supervisor(
        options.config, options.directory, options.creator, daemons=options.daemons
    ).run()


if __name__ == "__main__":
    sys.exit(main())
