"""How fast the scheduler is: ``crm_simulate -R`` here and Pacemaker's, on the same inputs.

User seconds and peak memory of whole processes, the best of some runs. Both programs run at once,
each on a core where there are two, so that what disturbs the one disturbs the other.
Then the scheduler that stays in its process: a decision after one operation result and after the
loss of a node, as a share of its own decision from the beginning; they are compared with what whole
runs decide. Without a `crm_simulate` of Pacemaker the ratios to it are null. The last line is JSON.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.scheduler_inputs import cluster
from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crmd.scheduler.graph import Graph
from crmd.scheduler.pipeline import schedule
from crmd.scheduler.resident.scheduler import Resident
from crmd.scheduler_worker import RECURSION_LIMIT

_QUICK = ((3, 10), (16, 1000), (32, 2000))
_LONG = (*_QUICK, (32, 5000))
_REPLANS = (16, 1000)
_NOW = Moment(1_700_000_000)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: user seconds and peak resident memory in MB."""

    user_s: float
    memory_mb: float


def _costs(commands: list[list[str]]) -> list[Cost]:
    """Run commands at once and return what each took. Raises `CalledProcessError`."""
    # Installed programs have their bytecode; a checkout's is written by the first run, if allowed.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    nowhere = subprocess.DEVNULL
    children = [
        subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere)
        for command in commands
    ]
    return [_cost(child, command) for child, command in zip(children, commands, strict=True)]


def _cost(child: subprocess.Popen[bytes], command: list[str]) -> Cost:
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Cost(used.ru_utime, used.ru_maxrss / 1024)


def _best(costs: Sequence[Cost]) -> Cost:
    return Cost(min(cost.user_s for cost in costs), min(cost.memory_mb for cost in costs))


def _reference(asked: str | None) -> str | None:
    """Find Pacemaker's program; one of our own environment is not it."""
    found = asked or shutil.which("crm_simulate", path="/usr/sbin:/sbin:/usr/bin:/usr/local/sbin")
    return (
        found if found is not None and Path(found).parent != Path(sys.executable).parent else None
    )


def _compare(sizes: tuple[tuple[int, int], ...], reference: str | None) -> dict[str, float | None]:
    """Time both programs; one run each where that takes long.

    A child's peak memory begins with that of its parent, so this process has to stay small.
    """
    figures: dict[str, float | None] = {}
    print(f"{'nodes x primitives':>20} {'here':>18} {'Pacemaker':>18} {'time':>6} {'memory':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for nodes, primitives in sizes:
            file = Path(folder) / f"{nodes}x{primitives}.xml"
            made = [sys.executable, "-m", "bench.scheduler_inputs", str(nodes), str(primitives)]
            with file.open("wb") as stream:
                subprocess.run(made, check=True, stdout=stream)
            given = ["-R", "-Q", "-x", str(file)]
            programs = [[sys.executable, "-m", "crm_shell.tools.crm_simulate", *given]]
            if reference is not None:
                programs.append([reference, *given])
            runs = 2 if primitives <= 1000 else 1
            here, *there = map(_best, zip(*(_costs(programs) for _ in range(runs)), strict=True))
            figures |= _row(f"{nodes}x{primitives}", here, there[0] if there else None)
    return figures


def _row(name: str, here: Cost, there: Cost | None) -> dict[str, float | None]:
    ratio = here.user_s / max(there.user_s, 0.001) if there is not None else None
    memory = here.memory_mb / there.memory_mb if there is not None else None
    shown = f"{there.user_s:.2f} s {there.memory_mb:.0f} MB" if there is not None else "-"
    ratios = f"{ratio:>6.2f} {memory:>7.2f}" if ratio is not None else ""
    print(f"{name:>20} {f'{here.user_s:.2f} s {here.memory_mb:.0f} MB':>18} {shown:>18} {ratios}")
    return {
        f"user_s_{name}": round(here.user_s, 3),
        f"ratio_{name}": round(ratio, 3) if ratio is not None else None,
        f"memory_ratio_{name}": round(memory, 3) if memory is not None else None,
    }


def _edit(root: Element, path: tuple[int, ...], change: Callable[[Element], Element]) -> Element:
    if not path:
        return change(root)
    return root.with_child(path[0], _edit(root.children[path[0]], path[1:], change))


def _monitor_fails(cib: Element, node: int) -> Element:
    """The first primitive that runs on a node is found stopped there."""
    histories = cib.children[1].children[node].children[0].children[0].children
    at = next(at for at, one in enumerate(histories) if len(one.children) > 1)
    last = len(histories[at].children) - 1
    key = histories[at].children[last].get("transition-key")
    failed = {"rc-code": "7", "transition-magic": f"0:7;{key}"}
    path = (1, node, 0, 0, at, last)
    return _edit(cib, path, lambda entry: entry.with_attributes(failed))


def _is_lost(cib: Element, node: int) -> Element:
    lost = {"in_ccm": "false", "crmd": "offline"}
    return _edit(cib, (1, node), lambda state: state.with_attributes(lost))


def _timed(resident: Resident, cib: Element) -> tuple[float, Graph]:
    """Return the CPU seconds of a decision, and what was decided."""
    start = time.process_time()
    graph = resident.graph(cib, _NOW)
    return time.process_time() - start, graph


def _replans(*, turns: int) -> dict[str, float]:
    """Time decisions of the resident scheduler, in a process like its own (no collections).

    What it decides after a result is compared with what another one decides from the beginning,
    which is the resident of the next turn; the first loss with a whole run.
    """
    nodes, primitives = _REPLANS
    cib = cluster(nodes, primitives, lost=False)
    resident = Resident()
    wholes, results, losses = [_timed(resident, cib)[0]], list[float](), list[float]()
    for turn in range(turns):
        failed, lost = _monitor_fails(cib, 3 + turn), _is_lost(cib, turn)
        took, graph = _timed(resident, failed)
        results.append(took)
        resident.graph(cib, _NOW)
        gc.collect()
        took, after_loss = _timed(resident, lost)
        losses.append(took)
        if turn == 0:
            expected = schedule(lost, _NOW).graph
            assert after_loss == expected, "the resident decided otherwise after a loss"
        if turn + 1 < turns:
            resident = Resident()
            took, expected = _timed(resident, failed)
            wholes.append(took)
            assert graph == expected, "the resident decided otherwise after a result"
            resident.graph(cib, _NOW)
    whole, result, loss = min(wholes), min(results), min(losses)
    print(f"\nresident at {nodes} x {primitives}: from the beginning {whole * 1000:.0f} ms")
    print(f"  after one operation result {result * 1000:.1f} ms, {result / whole:.3f} of that")
    print(f"  after the loss of a node   {loss * 1000:.1f} ms, {loss / whole:.3f} of that")
    return {
        "whole_ms_16x1000": round(whole * 1000, 1),
        "replan_result_ratio": round(result / whole, 4),
        "replan_node_ratio": round(loss / whole, 4),
    }


def _small() -> dict[str, float]:
    """Time a small cluster's decision from the beginning, and one after a result."""
    cib = cluster(3, 10, lost=False)
    lost, failed = _is_lost(cib, 0), _monitor_fails(cib, 1)
    wholes, again = [], []
    for _ in range(5):
        resident = Resident()
        took, graph = _timed(resident, lost)
        assert graph == schedule(lost, _NOW).graph, "the resident decided otherwise"
        wholes.append(took)
        resident.graph(cib, _NOW)
        took, graph = _timed(resident, failed)
        assert graph == schedule(failed, _NOW).graph, "the resident decided otherwise"
        again.append(took)
    whole, part = min(wholes) * 1000, min(again) * 1000
    print(f"decision at 3 x 10: {whole:.1f} ms, after a result {part:.1f} ms")
    return {
        "decision_ms_3x10": round(whole, 2),
        "replan_ms_3x10": round(part, 2),
    }


def main() -> None:
    """Measure, print a table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="without the largest, and fewer runs, in under 50 s"
    )
    parser.add_argument("--reference", metavar="PROGRAM", help="Pacemaker's crm_simulate")
    options = parser.parse_args()
    figures: dict[str, float | None] = {"load": round(os.getloadavg()[0], 1)}
    figures |= _compare(_QUICK if options.quick else _LONG, _reference(options.reference))
    gc.disable()
    sys.setrecursionlimit(RECURSION_LIMIT)
    figures |= _replans(turns=2 if options.quick else 3) | _small()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
