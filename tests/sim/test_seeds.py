"""Seeds of ten virtual minutes full of faults: no rule is broken, and the cluster settles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.campaign import simulate
from tests.sim.cluster import Cluster, Plan

RUN = Path(__file__).with_name("run")


def _run(*arguments: str, hash_seed: str = "0") -> tuple[int, dict[str, object], str]:
    done = subprocess.run(
        [sys.executable, str(RUN), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    figures = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    return done.returncode, figures, done.stdout + done.stderr


@pytest.mark.quick
@pytest.mark.parametrize(
    ("seed", "nodes", "fencing"),
    [(1, 3, True), (2, 3, False), (3, 5, True), (1, 2, True), (2, 2, False)],
    ids=["three-fenced", "three-unfenced", "five-fenced", "two-fenced", "two-unfenced"],
)
def test_a_short_run_is_clean(seed: int, nodes: int, fencing: bool) -> None:
    result = simulate(Plan(seed=seed, nodes=nodes, fencing=fencing, minutes=2))
    assert result.clean, "\n".join((*result.trace, result.what))
    assert result.faults > 5
    assert result.checks > 1_000


@pytest.mark.quick
def test_of_two_nodes_one_goes_on_alone_and_the_other_comes_back() -> None:
    """features 25.11: each time in another generation, and both vote at the end."""
    cluster = Cluster(Plan(seed=7, nodes=2, minutes=2))
    cluster.run()
    facts = cluster.log.newest.state.facts
    assert facts.generation > cluster.generation + 2
    assert [one.name for one in facts.members.voters] == ["n1", "n2"]


def test_sixteen_seeds_of_two_nodes_are_clean() -> None:
    code, figures, output = _run("--nodes", "2", "--minutes", "3", "--seeds", "16", "--from", "1")
    assert code == 0, output
    assert (figures["seeds"], figures["violations"]) == (16, 0), output


@pytest.mark.quick
def test_the_same_seed_gives_the_same_run() -> None:
    """Also where strings are hashed otherwise, so no order of a set gets into a result."""
    runs = [
        _run("--replay", "7", "--nodes", "3", "--minutes", "2", hash_seed=hash_seed)
        for hash_seed in ("0", "1", "4711")
    ]
    assert len({json.dumps(figures["digest"]) for _, figures, _ in runs}) == 1
    _, other, _ = _run("--replay", "8", "--nodes", "3", "--minutes", "2")
    assert other["digest"] != runs[0][1]["digest"]


def test_two_hundred_seeds_are_clean() -> None:
    code, figures, output = _run("--seeds", "200", "--from", "1")
    assert code == 0, output
    assert (figures["seeds"], figures["violations"]) == (200, 0), output
