"""Pre-vote: only who would win may raise the term (raft.md, hazard 10)."""

from __future__ import annotations

import pytest

from cib_store.raft.prevote import GRANT_S, LogEnd, PreVote

END = LogEnd(term=3, index=9)


def voter(voters: int = 3) -> PreVote:
    return PreVote(voters=voters, silence_s=0.3)


def test_a_majority_of_grants_wins_and_each_voter_counts_once() -> None:
    five = voter(5)
    number = five.ask(4, 0.0)
    five.count("b", number)
    five.count("b", number)
    assert not five.won(3)
    five.count("c", number)
    assert five.won(3)
    assert not five.won(4), "the term moved on: the round was for another election"


def test_answers_that_take_longer_than_a_round_count() -> None:
    """A leader is elected also where a message takes long: rounds follow each other sooner."""
    five = voter(5)
    numbers = [five.ask(4, 0.05 * turn) for turn in range(6)]
    five.count("b", numbers[0])
    five.count("c", numbers[3])
    assert five.won(3)


def test_answers_to_what_was_asked_long_ago_do_not_count() -> None:
    three, five = voter(), voter(5)
    old = three.ask(4, 0.0)
    three.ask(4, GRANT_S + 0.1)
    three.count("b", old)
    assert not three.won(3)
    five.count("b", five.ask(4, 0.0))
    five.count("c", five.ask(4, GRANT_S + 0.1))
    assert not five.won(3), "not two of five, when one of them was so long ago"


def test_answers_to_what_was_asked_for_another_term_do_not_count() -> None:
    three = voter()
    old = three.ask(4, 0.0)
    three.ask(5, 0.05)
    three.count("b", old)
    assert not three.won(4)


def test_a_lone_voter_needs_nobody() -> None:
    assert voter(1).won(3)


def test_hearing_the_leader_voids_the_round() -> None:
    three = voter()
    number = three.ask(4, 0.0)
    three.heard_leader(10.0)
    three.ask(4, 10.1)
    three.count("b", number)
    assert not three.won(3)


@pytest.mark.parametrize(
    ("term", "asker", "heard_s_ago", "granted"),
    [
        (4, LogEnd(3, 9), 0.5, True),
        (4, LogEnd(3, 10), 0.5, True),
        (4, LogEnd(4, 1), 0.5, True),
        (4, LogEnd(3, 8), 0.5, False),
        (4, LogEnd(2, 99), 0.5, False),
        (3, LogEnd(3, 9), 0.5, False),
        (4, LogEnd(3, 9), 0.2, False),
    ],
)
def test_who_would_vote(term: int, asker: LogEnd, heard_s_ago: float, granted: bool) -> None:
    three = voter()
    three.heard_leader(100.0)
    now = 100.0 + heard_s_ago
    assert three.grants(term=term, own_term=3, asker=asker, own=END, now=now) is granted
