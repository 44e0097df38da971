"""How long a failover takes: a node that runs a web server is taken away, again and again.

Three nodes of real processes on this machine, fencing on, default timings. Half of the trials kill
every process of the node, half stop them (SIGSTOP). Every step's time is that of its commit, as the
store's watch delivered it; the last is the first answer of the web server from another node. The
last line of output is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from crm_shell.demo.answers import Asker
from crm_shell.demo.failover import Bench, Loss, Measured
from crm_shell.demo.main import HOST, RESOURCE, Tools, example_for_here
from crm_shell.demo.observer import Observer, by_settings
from crm_shell.demo.timeline import Milestone, active_on
from crm_shell.local_cluster.cluster import LocalCluster
from raftmaker.runtime.errors import HaError, TimedOut

START_S = 60.0
FAILOVER_S = 30.0
REST_S = 1.0
"""Between trials: the node that came back finishes its probes."""
QUICK_S = 36.0
"""With --quick no trial is begun after this long."""


def move_to_dc(bench: Bench) -> None:
    """Bring the service to the DC. Raises `TimedOut`."""
    seen = bench.observer.newest()
    node = bench.wait_served(START_S)
    if seen is None or seen.facts.dc is None or seen.facts.dc.node == node:
        return
    dc, crm = seen.facts.dc.node, Tools(bench.cluster).crm
    crm(node, "resource", "move", RESOURCE, dc)
    if bench.observer.wait(lambda item: active_on(item.cib, RESOURCE) == dc, START_S) is None:
        raise TimedOut(f"{RESOURCE} did not move to {dc} in {START_S:g} s")
    crm(node, "resource", "clear", RESOURCE)
    time.sleep(REST_S)


def trial(bench: Bench, loss: Loss, *, at_dc: bool) -> Measured:
    """Take away the node of the service, and bring it back. Raises `TimedOut`."""
    bench.wait_whole(START_S)
    if at_dc:
        move_to_dc(bench)
    node = bench.wait_served(START_S)
    measured = bench.take_away(node, loss, FAILOVER_S)
    if not measured.is_complete:
        missing = [step.value for step in Milestone if step not in measured.times]
        raise TimedOut(f"{loss.value} {node}: not seen in {FAILOVER_S:g} s: {', '.join(missing)}")
    bench.cluster.start(node)
    bench.wait_whole(START_S)
    time.sleep(REST_S)
    return measured


def medians(trials: Sequence[Measured]) -> dict[str, float]:
    """Return the median of each step, in seconds, by the step's name."""
    return {
        step.value: statistics.median(measured.times[step] for measured in trials) / 1000
        for step in Milestone
    }


def table(trials: Sequence[Measured]) -> list[str]:
    """Return a line for every trial and one for the medians, in milliseconds."""
    lines = [f"{'':24}" + "".join(f"{step.value:>20}" for step in Milestone)]
    for number, measured in enumerate(trials, 1):
        roles = [
            word for word, was in (("dc", measured.was_dc), ("leader", measured.was_leader)) if was
        ]
        name = f"{number:>3} {measured.loss.value} {measured.node} {'+'.join(roles)}"
        lines.append(f"{name:24}" + "".join(f"{measured.times[step]:>20}" for step in Milestone))
    middle = medians(trials)
    lines.append(
        f"{'median':24}" + "".join(f"{middle[step.value] * 1000:>20.0f}" for step in Milestone)
    )
    return lines


def measure(bench: Bench, count: int, until: float, *, at_dc: bool) -> dict[Loss, list[Measured]]:
    """Run the trials of both kinds in turn, until the count is reached or time is up."""
    done: dict[Loss, list[Measured]] = {loss: [] for loss in Loss}
    for number in range(count):
        for loss in Loss:
            if number and time.monotonic() > until:
                return done
            done[loss].append(trial(bench, loss, at_dc=at_dc))
            print(f"{loss.value} {number + 1}/{count}", file=sys.stderr, flush=True)
    return done


def result(done: dict[Loss, list[Measured]]) -> dict[str, object]:
    """Return the figures of the JSON line."""
    figures: dict[str, object] = {"bench": "failover"}
    for loss, trials in done.items():
        times = [measured.times[Milestone.ANSWERED] / 1000 for measured in trials]
        figures |= {
            f"{loss.value}_trials": len(trials),
            f"{loss.value}_median_s": statistics.median(times),
            f"{loss.value}_min_s": min(times),
            f"{loss.value}_max_s": max(times),
            f"{loss.value}_phases_s": medians(trials),
        }
    return figures


def run(count: int, until: float, *, at_dc: bool) -> dict[Loss, list[Measured]]:
    """Make the cluster, run the trials, remove the cluster."""
    with (
        tempfile.TemporaryDirectory(prefix="raftmaker-bench-") as directory,
        LocalCluster.create(Path(directory), bound=True) as cluster,
    ):
        cluster.start()
        example, port = example_for_here(Path(directory))
        configs = {name: cluster.node(name).config for name in cluster.names}
        with Observer(configs, by_settings(configs)) as observer, Asker(HOST, port) as asker:
            bench = Bench(cluster=cluster, observer=observer, asker=asker, resource=RESOURCE)
            bench.wait_whole(START_S)
            Tools(cluster).crm(cluster.names[0], "configure", "load", "update", str(example))
            bench.wait_served(START_S)
            return measure(bench, count, until, at_dc=at_dc)


def main() -> int:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="bench/failover", description=__doc__)
    parser.add_argument("--trials", type=int, default=10, metavar="N", help="of each kind (10)")
    parser.add_argument("--quick", action="store_true", help="what fits into 50 s, at least one")
    parser.add_argument("--dc", action="store_true", help="the node taken away is the DC, too")
    options = parser.parse_args()
    until = time.monotonic() + (QUICK_S if options.quick else float("inf"))
    try:
        done = run(options.trials, until, at_dc=options.dc)
    except HaError as error:
        print(f"bench/failover: {error}", file=sys.stderr)
        return int(error.exit_code)
    for trials in done.values():
        print("\n".join(table(trials)))
    print(json.dumps(result(done)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
