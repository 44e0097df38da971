"""From load to modes, and from modes to jobs (features 16.36-16.40, 2.30-2.32)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmd.transition.throttle import NodeLoad, Sample, Throttle, batch_of, jobs_of, mode_of

NONE, LOW, MEDIUM, HIGH, EXTREME = Throttle


@pytest.mark.parametrize(
    ("cores", "average", "mode"),
    [
        (4, 3.84, NONE), (4, 3.85, LOW), (4, 5.13, MEDIUM), (4, 6.41, HIGH), (4, 400, HIGH),
        (1, 0.57, NONE), (1, 0.58, LOW), (1, 0.77, MEDIUM), (1, 0.97, HIGH),
    ],
)  # fmt: skip
def test_the_mode_by_the_load_average(cores: int, average: float, mode: Throttle) -> None:
    """Features 16.37, 2.30: of 80 %; never extreme; one processor counts as 0.6."""
    assert mode_of(Sample(cores=cores, average=average), 0.8) is mode


@pytest.mark.parametrize(
    ("cores", "threshold", "share", "mode"),
    [
        (4, 1.5, 0.75, NONE), (4, 1.5, 0.77, LOW), (4, 1.5, 0.86, MEDIUM), (4, 1.5, 0.96, HIGH),
        (4, 1.5, 1.43, EXTREME),
        (4, 0.5, 0.41, LOW), (4, 0.5, 0.51, HIGH),
        (1, 0.8, 0.31, NONE), (1, 0.8, 0.33, LOW), (1, 0.8, 0.41, HIGH), (1, 0.8, 0.61, EXTREME),
        (4, 0.0, 0.96, HIGH),
    ],
)  # fmt: skip
def test_the_mode_by_the_stores_share(
    cores: int, threshold: float, share: float, mode: Throttle
) -> None:
    """Features 16.40."""
    assert mode_of(Sample(cores=cores, store=share), threshold) is mode


def test_the_worse_mode_counts() -> None:
    """Features 16.40."""
    assert mode_of(Sample(cores=2, average=9.0, store=0.0), 0.8) is HIGH
    assert mode_of(Sample(cores=2, average=0.0, store=1.3), 0.8) is EXTREME
    assert mode_of(Sample(cores=2), 0.8) is NONE


def test_no_threshold_leaves_the_average_alone() -> None:
    assert mode_of(Sample(cores=2, average=9.0), 0.0) is NONE


@pytest.mark.parametrize(
    ("mode", "jobs"), [(NONE, 16), (LOW, 8), (MEDIUM, 4), (HIGH, 1), (EXTREME, 1)]
)
def test_jobs_by_mode(mode: Throttle, jobs: int) -> None:
    """Features 16.38: of twice the node's own processors."""
    assert jobs_of(NodeLoad(mode=mode, cores=8), 0, cores=1) == jobs


@pytest.mark.parametrize("mode", Throttle)
def test_one_job_is_always_allowed(mode: Throttle) -> None:
    assert jobs_of(NodeLoad(mode=mode, action_limit=1), 0, cores=1) == 1


def test_where_the_most_of_a_node_comes_from() -> None:
    """Features 2.31, 26.8: the node's own limit, the cluster's option, twice the processors."""
    assert jobs_of(NodeLoad(cores=8, action_limit=5), 3, cores=1) == 5
    assert jobs_of(NodeLoad(cores=8), 3, cores=1) == 3
    assert jobs_of(NodeLoad(cores=8), 0, cores=1) == 16


def test_a_node_that_told_nothing_is_spared_a_little() -> None:
    """Features 16.36."""
    assert jobs_of(None, 0, cores=4) == 4


@pytest.mark.parametrize(
    ("option", "modes", "limit"),
    [
        (0, [NONE, LOW, MEDIUM], None),
        (7, [NONE, LOW, MEDIUM], 7),
        (0, [NONE, HIGH], 4),
        (3, [HIGH], 3),
        (7, [HIGH], 4),
        (0, [HIGH, EXTREME], 2),
        (-1, [EXTREME], None),
    ],
)
def test_jobs_of_the_cluster(option: int, modes: list[Throttle], limit: int | None) -> None:
    """Features 2.32, 16.39: of eight peers."""
    assert batch_of(option, modes, peers=8) == limit


def test_a_small_cluster_does_one_thing_at_a_time() -> None:
    assert batch_of(0, [EXTREME], peers=3) == 1


loads = st.one_of(st.none(), st.floats(0, 1000))


@given(loads, loads, loads, st.integers(1, 64), st.floats(0, 2))
def test_more_load_never_allows_more(
    average: float | None, store: float | None, more: float | None, cores: int, threshold: float
) -> None:
    less = Sample(cores=cores, average=average, store=store)
    if average is None or more is None:
        return
    worse = Sample(cores=cores, average=average + more, store=store)
    modes = mode_of(less, threshold), mode_of(worse, threshold)
    assert modes[0] <= modes[1]
    jobs = [jobs_of(NodeLoad(mode=mode, cores=cores), 0, cores) for mode in modes]
    assert jobs[0] >= jobs[1] >= 1
