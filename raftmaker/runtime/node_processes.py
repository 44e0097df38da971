"""A node as a set of processes on this machine: find them, kill them, be sure that none is left.

Every process of such a node carries its name and its cluster's directory in the environment, which
children inherit, so also what an agent left running is found. Standard library only, and nothing
of ours is imported: our local fence agent loads this file whichever Python runs it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

NODE_VARIABLE = "RAFTMAKER_NODE"
DIRECTORY_VARIABLE = "RAFTMAKER_CLUSTER_DIR"
_KERNEL_THREAD = 0x00200000
_FLAGS = 6
_EXEC_S = 1.0
"""No exec takes longer; who has neither environment nor arguments then really has none."""
_LOOK_AGAIN_S = 0.002


def mark(node: str, directory: str) -> dict[str, str]:
    """Return the environment variables that make a process part of the node."""
    return {NODE_VARIABLE: node, DIRECTORY_VARIABLE: directory}


def belongs(pid: int, node: str, directory: str) -> bool:
    """Whether a live process of ours is part of the node."""
    return _wanted(node, directory) <= _environment(pid)


def processes_of(node: str, directory: str) -> list[int]:
    """Return the live processes of the node that this user owns, stopped ones too, without us."""
    wanted = _wanted(node, directory)
    me = os.getpid()
    return [pid for pid in _pids() if pid != me and wanted <= _environment(pid)]


def kill_all(node: str, directory: str, timeout_s: float) -> bool:
    """Kill every process of the node; True when surely none is left, False after the timeout.

    What a process forks while the list is read is found by the next look: it takes two clean ones
    in a row. A look is clean when nothing of the node is there and every process can be told from
    it: one that is dying may still have files and sockets open, and one in the middle of an exec
    has no environment for a moment.
    """
    begun = time.monotonic()
    clean = 0
    while clean < 2:
        found = processes_of(node, directory)
        for pid in found:
            _kill(pid)
        waited_s = time.monotonic() - begun
        if waited_s > timeout_s:
            return False
        if found or _unsettled(waited_s):
            clean = 0
            time.sleep(_LOOK_AGAIN_S)
        else:
            clean += 1
    return True


def _unsettled(waited_s: float) -> bool:
    """Whether a process of ours cannot be told from the node's now, but can be in a moment."""
    for pid in _pids():
        if not _is_ours(pid) or _read(pid, "environ") or _read(pid, "cmdline"):
            continue
        # The name in parentheses may hold anything; state and flags come after it.
        fields = _read(pid, "stat").rpartition(b")")[2].split()
        if len(fields) <= _FLAGS or fields[0] in b"ZX" or int(fields[_FLAGS]) & _KERNEL_THREAD:
            continue
        if _read(pid, "statm").startswith(b"0 ") or waited_s < _EXEC_S:
            return True
    return False


def _wanted(node: str, directory: str) -> set[bytes]:
    return {f"{name}={value}".encode() for name, value in mark(node, directory).items()}


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _environment(pid: int) -> set[bytes]:
    """The environment of a process; empty where it is gone, dying, or another user's."""
    return set(_read(pid, "environ").split(b"\0"))


def _is_ours(pid: int) -> bool:
    try:
        return os.stat(f"/proc/{pid}").st_uid == os.geteuid()
    except OSError:
        return False


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # gone by itself
        os.kill(pid, signal.SIGKILL)
