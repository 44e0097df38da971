"""How fast the scheduler is: ``crm_simulate -R`` here and Pacemaker's, on the same inputs.

CPU seconds (user and system) of whole processes, the better of two runs, the two programs in turn.
Without a `crm_simulate` of Pacemaker the ratios are null. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.scheduler_inputs import cluster
from cib_store.document.codec import parse
from cib_store.model.dates import Moment
from crmd.scheduler.pipeline import schedule

_QUICK = ((3, 10), (16, 1000))
_FULL = (*_QUICK, (32, 2000), (32, 5000))


def _cpu(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _decision_ms(text: str) -> float:
    """CPU time of the decision alone, as in the daemon: the CIB is there already."""
    cib, now = parse(text), Moment(1_700_000_000)
    schedule(cib, now)
    start = time.process_time()
    schedule(cib, now)
    return (time.process_time() - start) * 1000


def _reference(asked: str | None) -> str | None:
    """Find Pacemaker's program; one of our own environment is not it."""
    found = asked or shutil.which("crm_simulate", path="/usr/sbin:/sbin:/usr/bin:/usr/local/sbin")
    return (
        found if found is not None and Path(found).parent != Path(sys.executable).parent else None
    )


def main() -> None:
    """Measure, print a table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the small sizes only, in 50 s")
    parser.add_argument("--reference", metavar="PROGRAM", help="Pacemaker's crm_simulate")
    options = parser.parse_args()
    reference = _reference(options.reference)
    figures: dict[str, float | None] = {}
    print(f"{'nodes x primitives':>20} {'here s':>9} {'Pacemaker s':>12} {'decision ms':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for nodes, primitives in _QUICK if options.quick else _FULL:
            file = Path(folder) / f"{nodes}x{primitives}.xml"
            text = cluster(nodes, primitives)
            file.write_text(text, encoding="utf-8")
            ours = [
                sys.executable,
                "-m",
                "crm_shell.tools.crm_simulate",
                "-R",
                "-Q",
                "-x",
                str(file),
            ]
            times: list[float] = []
            theirs: list[float] = []
            for _ in range(2):
                times.append(_cpu(ours))
                if reference is not None:
                    theirs.append(_cpu([reference, "-R", "-Q", "-x", str(file)]))
            here, there = min(times), min(theirs, default=None)
            decision = _decision_ms(text)
            shown = "-" if there is None else f"{there:.2f}"
            print(f"{nodes:>11} x {primitives:<6} {here:>9.2f} {shown:>12} {decision:>12.1f}")
            name = f"{nodes}x{primitives}"
            figures[f"cpu_s_{name}"] = round(here, 3)
            figures[f"decision_ms_{name}"] = round(decision, 1)
            figures[f"ratio_{name}"] = round(here / there, 3) if there else None
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
