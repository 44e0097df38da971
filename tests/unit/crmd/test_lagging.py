"""When a watch lags so far behind that another store is watched."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crmd.lagging import LAG_MS, Lag


def test_what_comes_in_time_is_no_lag() -> None:
    lag = Lag().told(5, 0).saw(5, LAG_MS - 1)
    assert not lag.is_too_long(10 * LAG_MS)


def test_what_does_not_come_is_one_after_a_while() -> None:
    lag = Lag().saw(4, 0).told(5, 100)
    assert not lag.is_too_long(100 + LAG_MS - 1)
    assert lag.is_too_long(100 + LAG_MS)


def test_a_watch_that_comes_after_a_busy_store_is_not_left() -> None:
    """It never has the newest of all, and always what was new a moment ago."""
    lag = Lag()
    for now in range(0, 20 * LAG_MS, 100):
        lag = lag.told(now + 500, now).saw(max(0, now - 500), now)
        assert not lag.is_too_long(now)


def test_one_that_stays_behind_is_left_once_and_the_next_gets_its_time() -> None:
    lag = Lag().told(7, 0)
    assert lag.is_too_long(LAG_MS)
    lag = lag.left(LAG_MS)
    assert not lag.is_too_long(2 * LAG_MS - 1)
    assert lag.told(9, 2 * LAG_MS - 1).is_too_long(2 * LAG_MS)


def test_voters_that_say_nothing_say_nothing() -> None:
    """Those of an older version."""
    assert not Lag().told(0, 0).is_too_long(10 * LAG_MS)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=40))
def test_a_watch_that_has_all_is_never_left(steps: list[tuple[bool, int]]) -> None:
    lag, newest, now = Lag(), 0, 0
    for is_told, index in steps:
        now += 100
        lag = lag.told(index, now) if is_told else lag.saw(index, now)
        newest = max(newest, index)
    assert not lag.saw(newest, now).is_too_long(now + 10 * LAG_MS)
