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

    What a process forks while the list is read is found by the next look; two clean looks in a row
    and the end of all that were dying make it sure: their files and sockets are closed then.
    """
    deadline = time.monotonic() + timeout_s
    clean = 0
    while clean < 2:
        found = processes_of(node, directory)
        for pid in found:
            _kill(pid)
        clean = 0 if found else clean + 1
        if time.monotonic() > deadline:
            return False
        if found:
            time.sleep(_LOOK_AGAIN_S)
    return _all_dead(deadline)


def _all_dead(deadline: float) -> bool:
    """Wait for processes whose memory is gone already and whose files may still be open."""
    dying = [pid for pid in _pids() if _is_dying(pid)]
    while dying:
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_AGAIN_S)
        dying = [pid for pid in dying if _is_dying(pid)]
    return True


def _wanted(node: str, directory: str) -> set[bytes]:
    return {f"{name}={value}".encode() for name, value in mark(node, directory).items()}


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _environment(pid: int) -> set[bytes]:
    """The environment of a process; empty where it is gone, dying, or another user's."""
    return set(_read(pid, "environ").split(b"\0"))


def _is_dying(pid: int) -> bool:
    if not _is_ours(pid) or not _read(pid, "statm").startswith(b"0 "):
        return False
    # The name in parentheses may hold anything; state and flags come after it.
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return len(fields) > 6 and fields[0] not in b"ZX" and not int(fields[6]) & _KERNEL_THREAD


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
