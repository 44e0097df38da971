"""The judge can find what it is there to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.judge import Judge, doubles, entries_of, running

CLONES = frozenset({"clone"})
ON_H1 = "1 h1 db start begin\n2 h1 db start 0\n"


def faults(text: str) -> tuple[str, ...]:
    return doubles(entries_of(text), CLONES)


def test_a_start_elsewhere_before_the_stop_has_succeeded_is_a_double() -> None:
    assert faults(ON_H1 + "3 h2 db start begin\n")
    assert faults(ON_H1 + "3 h1 db stop begin\n4 h2 db start begin\n5 h1 db stop 0\n")
    assert faults(ON_H1 + "3 h1 db stop begin\n4 h1 db stop 1\n5 h2 db start begin\n")
    assert not faults(ON_H1 + "3 h1 db stop begin\n4 h1 db stop 0\n5 h2 db start begin\n")


def test_a_start_that_failed_counts_until_it_was_stopped() -> None:
    assert faults("1 h1 db start begin\n2 h1 db start 1\n3 h2 db start begin\n")


def test_after_the_power_went_off_it_may_start_elsewhere_and_not_before() -> None:
    assert not faults(ON_H1 + "3 h1 power off 0\n4 h2 db start begin\n")
    assert faults(ON_H1 + "4 h1 power off 0\n3 h2 db start begin\n")
    assert faults(ON_H1 + "3 h2 power off 0\n4 h2 db start begin\n")


def test_a_clone_may_run_twice_but_be_promoted_once() -> None:
    twice = "1 h1 clone start 0\n2 h1 clone:0 start begin\n3 h2 clone:1 start begin\n"
    assert not faults(twice)
    promoted = twice + "4 h1 clone promote begin\n5 h1 clone promote 0\n"
    assert faults(promoted + "6 h2 clone promote begin\n")
    assert not faults(promoted + "6 h1 clone demote 0\n7 h2 clone promote begin\n")


def test_where_things_run() -> None:
    text = ON_H1 + "3 h2 clone start 0\n4 h2 clone promote 0\n5 h1 clone start 0\n"
    assert running(entries_of(text)) == {"db": {"h1"}, "clone": {"h1", "h2"}}
    assert running(entries_of(text), promoted=True) == {"clone": {"h2"}}
    assert running(entries_of(text + "6 h1 power off 0\n"))["db"] == frozenset()


def test_a_stop_that_was_not_asked_for_is_found(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(ON_H1)
    judge = Judge(log, CLONES)
    with judge.stops_only_on("h1"):
        log.write_text(ON_H1 + "3 h1 db stop begin\n4 h1 db stop 0\n")
    with pytest.raises(AssertionError, match="without being asked"), judge.stops_only_on():
        log.write_text(log.read_text() + "5 h1 db stop begin\n")
