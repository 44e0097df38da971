"""The dead time is never shorter than configured, never beyond its bound, and follows the delay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cib_store.liveness.deadtime import Transit, dead_time_ms, measured

BASE, BOUND, HEARTBEAT = 600, 800, 100
CLOCKS_MS = st.integers(-(10**9), 10**9)
"""How far the receiver's clock is ahead of the sender's."""


def arrivals(clocks_ms: int, delays_ms: list[int], start_ms: int = 0) -> list[tuple[int, int]]:
    """Return (arrived, sent) in ms of beats with these delays, by the two hosts' clocks."""
    sent = [start_ms + HEARTBEAT * number for number in range(len(delays_ms))]
    return [(at + delay + clocks_ms, at) for at, delay in zip(sent, delays_ms, strict=True)]


def after(beats: list[tuple[int, int]], transit: Transit | None = None) -> Transit | None:
    for arrived, sent in beats:
        transit = measured(transit, arrived, sent * 1000)
    return transit


@given(CLOCKS_MS, st.lists(st.integers(0, 100_000), max_size=60))
def test_it_stays_between_the_configured_time_and_the_bound(
    clocks_ms: int, delays_ms: list[int]
) -> None:
    assert BASE <= dead_time_ms(BASE, BOUND, after(arrivals(clocks_ms, delays_ms))) <= BOUND


@given(CLOCKS_MS, st.integers(0, 500), st.integers(1, 50))
def test_a_steady_delay_costs_nothing(clocks_ms: int, delay_ms: int, beats: int) -> None:
    assert dead_time_ms(BASE, BOUND, after(arrivals(clocks_ms, [delay_ms] * beats))) == BASE


@given(CLOCKS_MS, st.integers(40, 400))
def test_a_delay_that_varies_is_waited_for(clocks_ms: int, jitter_ms: int) -> None:
    transit = after(arrivals(clocks_ms, [0, jitter_ms] * 20))
    assert dead_time_ms(BASE, BOUND, transit) >= min(BOUND, BASE + jitter_ms)


@given(CLOCKS_MS, st.lists(st.integers(0, 1000), max_size=20))
def test_a_burst_is_forgotten_within_seconds(clocks_ms: int, burst_ms: list[int]) -> None:
    steady = [0] * 50
    transit = after(arrivals(clocks_ms, [0, *burst_ms, *steady]))
    assert dead_time_ms(BASE, BOUND, transit) <= BASE + 15


@given(CLOCKS_MS, st.integers(1, 200))
def test_a_path_that_became_longer_for_good_is_the_new_steady_delay(
    clocks_ms: int, longer_ms: int
) -> None:
    transit = after(arrivals(clocks_ms, [0] * 10 + [longer_ms] * 700))
    assert dead_time_ms(BASE, BOUND, transit) <= BASE + 5
