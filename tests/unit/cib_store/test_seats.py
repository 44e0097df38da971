"""Whom a store hears: the members, and whoever may lead the cluster without being known here."""

from __future__ import annotations

import pytest

from cib_store.raft.configuration import Card, Configuration, Seat, may_send
from raftmaker.vocabulary.ids import NodeName

HERE = Configuration(number=5, seats=(Seat(name=NodeName("a"), address="a"),))
CARD = Card(store_id="1", founder=True, number=5)


@pytest.mark.parametrize(
    ("number", "founder", "heard"),
    [(6, False, True), (5, False, True), (4, False, False), (0, True, False), (0, False, False)],
    ids=["newer", "as new", "older", "a founder of before", "blank"],
)
def test_a_peer_that_is_no_member_here_is_heard_if_it_may_lead(
    number: int, founder: bool, heard: bool
) -> None:
    """A voter that was away while the leader was added knows it not, and nobody else tells it."""
    theirs = Card(store_id="2", founder=founder, number=number)
    assert may_send(HERE, CARD, NodeName("d"), theirs) is heard


def test_members_are_heard_and_a_blank_store_hears_anybody() -> None:
    theirs = Card(store_id="2", number=1)
    assert may_send(HERE, CARD, NodeName("a"), theirs)
    assert may_send(HERE, Card(store_id="1"), NodeName("d"), theirs)
