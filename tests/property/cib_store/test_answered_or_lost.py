"""A session whose beats a majority answers is never declared lost, whoever leads (protocols)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cib_store.liveness import (
    Acknowledge,
    BeatHeard,
    Daemon,
    FactsCommitted,
    LeadershipChanged,
    Propose,
    Ticked,
    Voter,
    silences,
    step,
)
from raftmaker.runtime.freshness import Freshness
from raftmaker.vocabulary.commands import NodeLost
from raftmaker.vocabulary.ids import BootId, NodeName, Session, Term
from raftmaker.vocabulary.membership import Facts, NodeFacts

VOTERS = tuple(NodeName(name) for name in "abc")
NODE = NodeName("n")
BOOT = BootId("x")
FACTS = Facts(nodes=(NodeFacts(node=NODE, boot_id=BOOT, session=Session(1)),))
HELD = 5
"""Rounds for which one choice holds, so that silences last long enough to be reported."""
# For each HELD rounds of 50 ms: which voters hear the node, who of them hears whom, who leads, and
# which voter's tick is left out (it stands still).
ROUNDS = st.lists(
    st.tuples(
        st.lists(st.booleans(), min_size=3, max_size=3),
        st.lists(st.booleans(), min_size=9, max_size=9),
        st.integers(0, 2),
        st.integers(0, 9),
    ),
    min_size=6,
    max_size=14,
)


def _beat(at: int, node: NodeName, daemon: Daemon, voter: Voter | None = None) -> BeatHeard:
    return BeatHeard(
        at_ms=at, node=node, boot_id=BOOT, daemon=daemon, session=Session(1),
        silences=silences(voter) if voter is not None else (),
    )  # fmt: skip


@given(ROUNDS)
def test_never_fresh_and_lost(rounds: list[tuple[list[bool], list[bool], int, int]]) -> None:
    cores = []
    for name in VOTERS:
        core = Voter(me=name, voters=VOTERS, started_ms=-1000)
        cores.append(step(core, FactsCommitted(0, FACTS))[0])
    fresh = Freshness(voters=VOTERS)
    lost_at: int | None = None
    held = [each for each in rounds for _ in range(HELD)]
    for number, (hears, links, leader, still) in enumerate(held):
        at = number * 50
        for index, name in enumerate(VOTERS):
            if hears[index]:
                cores[index], effects = step(cores[index], _beat(at, NODE, Daemon.CONTROLLER))
                if Acknowledge() in effects:
                    fresh = fresh.answered(name, at)
            for other in range(3):
                if links[index * 3 + other]:
                    beat = _beat(at, VOTERS[other], Daemon.STORE, cores[other])
                    cores[index], _ = step(cores[index], beat)
            leads = LeadershipChanged(at, index == leader, Term(1))
            cores[index], _ = step(cores[index], leads)
        for index in range(3):
            if index != still:
                cores[index], effects = step(cores[index], Ticked(at))
                lost = any(isinstance(e, Propose) and isinstance(e.body, NodeLost) for e in effects)
                if lost and lost_at is None:
                    lost_at = at
        assert lost_at is None or not fresh.is_fresh(at, 600)
