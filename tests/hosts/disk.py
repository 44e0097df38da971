"""A slow disk: a host's writes are held to so many a second, by the kernel's block throttle."""

from __future__ import annotations

import os
from pathlib import Path

THROTTLE = Path("/sys/fs/cgroup/blkio")
_LIMIT = "blkio.throttle.write_iops_device"


def slow(name: str, first: int, directory: Path, writes_per_s: int) -> None:
    """Hold all processes below `first` to that rate on the disk of `directory`."""
    if not (THROTTLE / "cgroup.procs").exists():
        raise RuntimeError("a slow disk needs the blkio controller, mounted as of cgroup v1")
    group = THROTTLE / name
    group.mkdir(exist_ok=True)
    device = os.stat(directory).st_dev
    (group / _LIMIT).write_text(f"{os.major(device)}:{os.minor(device)} {writes_per_s}")
    # What is started later is in the group of who started it.
    _move_all(first, group)


def fast(name: str, first: int | None) -> None:
    """Undo `slow`; `first` is None when all its processes have ended. Idempotent."""
    group = THROTTLE / name
    if group.exists():
        if first is not None:
            _move_all(first, THROTTLE)
        group.rmdir()


def _move_all(first: int, group: Path) -> None:
    namespace = os.readlink(f"/proc/{first}/ns/pid")
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.readlink(process / "ns" / "pid") == namespace:
                (group / "cgroup.procs").write_text(process.name)
        except OSError:
            continue  # It has ended meanwhile.
