"""Pacemaker's failover by the scripts of a baseline folder: cluster.sh, power.py and bench.py."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

STATE = Path("/tmp/baseline")
"""Where those scripts keep what they make."""
PYTHON = "/usr/bin/python3"
DC_S = 90.0
NEEDED = ("pacemakerd", "corosync", "tini", "crm")
PACKAGES = ("pacemaker", "pacemaker-cli-utils", "corosync", "tini", "crmsh", "resource-agents")


def measure(folder: Path, count: int) -> dict[str, float]:
    """Return the medians of `count` trials of each kind, in seconds.

    Raises RuntimeError for a program of theirs that is not installed: nothing was begun.
    """
    check()
    (STATE / "nodes").mkdir(parents=True, exist_ok=True)
    (STATE / "events.log").touch()
    (STATE / "events.log").chmod(0o666)
    STATE.chmod(0o755)
    switch = subprocess.Popen([str(folder / "power.py")], cwd=STATE, start_new_session=True)
    try:
        subprocess.run([folder / "cluster.sh", "up", "3"], check=True)
        _wait_for_dc(folder)
        _bench(folder, "configure", "yes")
        killed = _bench(folder, "failover", "hosts", "yes", str(count))
        cut = _bench(folder, "partition", "hosts", "yes", str(count))
    finally:
        subprocess.run([folder / "cluster.sh", "down"], check=False)
        switch.kill()
        switch.wait()
    figures = {
        "pacemaker_killed_plain_s": [one["total"] for one in killed if not one["dc"]],
        "pacemaker_killed_dc_s": [one["total"] for one in killed if one["dc"]],
        "pacemaker_cut_plain_s": [one["B_started"] for one in cut if not one["dc"]],
        "pacemaker_cut_dc_s": [one["B_started"] for one in cut if one["dc"]],
    }
    return {name: statistics.median(times) for name, times in figures.items() if times}


def check() -> None:
    """Raise RuntimeError when a program that the scripts run is not installed."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        raise RuntimeError(f"{', '.join(missing)} not found: apt-get install {' '.join(PACKAGES)}")


def _wait_for_dc(folder: Path) -> None:
    """Wait for its first DC: its own default, dc-deadtime, lets that take 20 s. Or TimeoutError."""
    until = time.monotonic() + DC_S
    while time.monotonic() < until:
        asked: list[Path | str] = [folder / "cluster.sh", "exec", "n1", "crm_mon", "-1"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        if "Online: [ n1 n2 n3 ]" in told and "Current DC: NONE" not in told:
            return
        time.sleep(0.5)
    raise TimeoutError(f"Pacemaker has no DC after {DC_S:g} s")


def _bench(folder: Path, *arguments: str) -> list[dict[str, float]]:
    """Run bench.py and return the trials that it printed, one JSON object a line."""
    found: list[dict[str, float]] = []
    with subprocess.Popen(
        [PYTHON, folder / "bench.py", *arguments], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for text in running.stdout:
            print("pacemaker:", text.rstrip(), file=sys.stderr, flush=True)
            _, brace, rest = text.partition("{")
            if brace:
                found.append(json.loads(brace + rest))
    if running.returncode != 0:
        raise RuntimeError(f"bench.py {' '.join(arguments)} ended with {running.returncode}")
    return found
