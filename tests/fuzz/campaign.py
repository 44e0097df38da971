"""Fuzz the readers of bytes from outside, one after the other: ``tests/fuzz/run --seconds 60``.

The last line is JSON. The exit code is 1 when something was raised, hung or used too much memory;
the bytes that did it are kept and named.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import TARGETS

HANG_S = 10
MEMORY_MIB = 1024
LENGTH_MAX = 8192
STARTS_S = 600
"""How long a loaded machine may take to import what is fuzzed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one target. `fault`: empty, or what was raised; `kept`: the bytes' file."""

    target: str
    executions: int
    covered: int
    fault: str = ""
    kept: str = ""


def fuzz(target: str, seconds: int, keep: Path) -> Outcome:
    """Fuzz a target for that long; bytes that do harm are kept in `keep`, which is made."""
    keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as directory:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.fuzz", target, directory),
                f"-max_total_time={seconds}",
                f"-timeout={HANG_S}",
                f"-rss_limit_mb={MEMORY_MIB}",
                f"-max_len={LENGTH_MAX}",
                f"-artifact_prefix={keep}/{target}-",
                "-print_final_stats=1",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds + STARTS_S,
        )
    executions = re.findall(r"number_of_executed_units:\s*(\d+)", done.stdout)
    covered = re.findall(r"\bcov: (\d+)", done.stdout)
    kept = re.findall(r"Test unit written to (\S+)", done.stdout)
    return Outcome(
        target=target,
        executions=int(executions[-1]) if executions else 0,
        covered=int(covered[-1]) if covered else 0,
        fault="" if done.returncode == 0 else done.stdout[-2_000:],
        kept=kept[-1] if kept else "",
    )


def main() -> int:
    """Read the options, fuzz, report."""
    parser = argparse.ArgumentParser(prog="tests/fuzz/run", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()), metavar="DIR")
    options = parser.parse_args()
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; there are: {', '.join(TARGETS)}")
    outcomes = []
    for name in options.targets or TARGETS:
        outcome = fuzz(name, options.seconds, options.keep)
        outcomes.append(outcome)
        print(f"{name}: {outcome.executions} runs, {outcome.covered} covered", flush=True)
        if outcome.fault:
            print(f"{outcome.fault}\nbytes: {outcome.kept}", flush=True)
    faulty = [outcome.target for outcome in outcomes if outcome.fault]
    runs = {outcome.target: outcome.executions for outcome in outcomes}
    print(json.dumps({"seconds_each": options.seconds, "runs": runs, "faults": faulty}))
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
