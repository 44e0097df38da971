"""How long a failover of whole hosts takes: bench/failover --hosts.

Three hosts on this machine, each with systemd, over mutual TLS, fencing on, default settings. The
host that runs the resource is killed or cut off, when it is neither DC nor leader, and when it is
both. Each phase is the time of its commit as the stores' watch delivered it; the start's begin and
end are what the resource's agent wrote. The last line of output is JSON. It needs root.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.hosts import pacemaker
from bench.hosts.series import Series
from bench.hosts.trials import (
    CONFIGURATION,
    RESOURCE,
    Loss,
    Trial,
    cold_start,
    line,
    prepare,
    run,
)
from tests.hosts.site import cluster_with

QUICK_MINUTES = 0.33
"""With --quick no trial is begun after this long, but for one of each kind."""


def medians(trials: Sequence[Trial]) -> dict[str, float]:
    """Return the median of each phase, in seconds, in the order in which they happen."""
    names = {phase for trial in trials for phase in trial.phases}
    middle = {
        name: statistics.median(t.phases[name] for t in trials if name in t.phases)
        for name in sorted(names)
    }
    return dict(sorted(middle.items(), key=lambda item: item[1]))


def result(trials: Sequence[Trial], cold: Sequence[float]) -> dict[str, object]:
    """Return the figures of the JSON line."""
    figures: dict[str, object] = {"bench": "failover --hosts"}
    for loss in Loss:
        for at_dc, word in ((False, "plain"), (True, "dc")):
            some = [one for one in trials if (one.loss, one.at_dc) == (loss, at_dc)]
            if some:
                name = f"{loss.value}_{word}"
                times = [one.phases["started"] for one in some]
                figures[f"{name}_s"] = round(statistics.median(times), 3)
                figures[f"{name}_min_s"], figures[f"{name}_max_s"] = min(times), max(times)
                figures[f"{name}_trials"] = len(some)
                figures[f"{name}_phases_s"] = medians(some)
    figures["cold_start_s"] = round(statistics.median(cold), 3)
    figures["load"] = round(statistics.mean(one.load for one in trials), 1)
    return figures


def main() -> int:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="bench/failover --hosts", description=__doc__)
    parser.add_argument("--trials", type=int, default=20, metavar="N", help="of each kind (20)")
    parser.add_argument("--quick", action="store_true", help="one trial of each kind")
    parser.add_argument(
        "--minutes",
        type=float,
        default=float("inf"),
        metavar="N",
        help="begin no trial after this long, once there is one of each kind",
    )
    parser.add_argument(
        "--append",
        type=Path,
        metavar="FILE",
        help="add the trials to those of earlier runs in this file, and report all of them",
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="DIR", help="measure Pacemaker too, by the scripts there"
    )
    options = parser.parse_args()
    if options.baseline is not None:
        pacemaker.check()
    until = time.monotonic() + 60 * (QUICK_MINUTES if options.quick else options.minutes)
    series = Series.read(options.append) if options.append is not None else Series()
    with cluster_with("bench", CONFIGURATION, prepare=prepare, singles=(RESOURCE,)) as site:
        series = series.then([], [cold_start(site)])
        for one in run(site, options.trials, until):
            series = series.then([one], [])
            print(line(one), file=sys.stderr, flush=True)
            if options.append is not None:
                series.write(options.append)
    figures = result(series.trials, series.cold_starts)
    if options.baseline is not None:
        figures |= pacemaker.measure(options.baseline, 1 if options.quick else options.trials)
    print("\n".join(line(one) for one in series.trials))
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
