"""When one of two voters may go on without the other: each condition has its test (25.11)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cib_store.document.refusal import Refusal
from cib_store.membership.alone import (
    HEARD_GRACE_MS,
    Standing,
    alone,
    lost_peer,
    moved,
    reason_against_proof,
)
from cib_store.raft.configuration import Card, Configuration, Seat
from raftmaker.vocabulary.commands import FencingProof, GoOnAlone, SetMembers
from raftmaker.vocabulary.ids import BootId, NodeName, Session
from raftmaker.vocabulary.members import Member, MemberKind, Members
from raftmaker.vocabulary.membership import Facts, FencePhase, LogPlace, NodeFacts, Presence
from tests.unit.cib_store.stories import command, node_state, opened, opening, then, told

A, B, C = (NodeName(name) for name in "abc")
BOOT = {A: BootId("boot-a"), B: BootId("boot-b")}
PLACE = LogPlace(term=3, last_index=40, generation=1, number=2)
PROOF = FencingProof(target=B, boot_id=BOOT[B], action="off", devices=("ipmi-b",))


def seat(name: NodeName, *, votes: bool = True, store_id: str = "") -> Seat:
    return Seat(name=name, address=f"h:{name}", votes=votes, store_id=store_id or f"s-{name}")


def configuration(*seats: Seat, number: int = 2) -> Configuration:
    return Configuration(number=number, generation=1, seats=seats or (seat(A), seat(B)))


def node(name: NodeName, **changed: object) -> NodeFacts:
    there = NodeFacts(node=name, boot_id=BOOT[name], session=Session(4))
    return replace(there, **changed)  # type: ignore[arg-type]  # what the tests change of it


def facts(*nodes: NodeFacts, two_node: bool = True) -> Facts:
    every = tuple(Member(name=name, store=f"h:{name}") for name in (A, B))
    members = Members(number=2, members=every, two_node=two_node)
    return Facts(nodes=nodes or (node(A), node(B)), members=members)


GOOD = Standing(
    me=A,
    boot_id=BOOT[A],
    card=Card(store_id="s-a", generation=1, number=2),
    configurations=(configuration(),),
    facts=facts(),
    leaderless_ms=700,
    is_peer_heard=False,
)


def code_of(standing: Standing) -> str:
    found = lost_peer(standing)
    assert isinstance(found, Refusal), found
    return found.reports[0].code


def test_one_of_two_that_were_together_may_have_the_other_fenced() -> None:
    found = lost_peer(GOOD)
    assert isinstance(found, NodeFacts)
    assert (found.node, found.boot_id) == (B, BOOT[B])


def test_a_node_that_was_started_since_waits_for_its_peer() -> None:
    """Condition (a): the peer may have gone on alone while this node was off."""
    cold = replace(GOOD, boot_id=BootId("another"))
    assert code_of(cold) == "not-together-since-start"
    found = lost_peer(cold)
    assert isinstance(found, Refusal)
    report = str(found.reports[0])
    assert "start b" in report
    assert "force-new-cluster" in report


@pytest.mark.parametrize(
    "members", [Members(), Members(number=1, members=(Member(name=A, store="h:a"),))]
)
def test_a_store_that_knows_of_its_peer_by_its_log_alone_says_no_more_than_that_it_waits(
    members: Members,
) -> None:
    """What it had not noted as committed it does not know: not either who asked for two."""
    cold = replace(GOOD, boot_id=BootId("another"), facts=Facts(members=members))
    assert code_of(cold) == "not-together-since-start"


@pytest.mark.parametrize(
    ("mine", "code"),
    [
        (node(A, presence=Presence.LOST), "not-together-since-start"),
        (node(A, presence=Presence.LEFT), "not-together-since-start"),
    ],
)
def test_a_node_that_takes_no_part_does_not_go_on(mine: NodeFacts, code: str) -> None:
    assert code_of(replace(GOOD, facts=facts(mine, node(B)))) == code


def test_a_node_that_never_took_part_does_not_go_on() -> None:
    assert code_of(replace(GOOD, facts=facts(node(B)))) == "not-together-since-start"


@pytest.mark.parametrize(
    ("seats", "code"),
    [
        ((seat(A), seat(B), seat(C)), "not-two-voters"),
        ((seat(A), seat(B), seat(C, votes=False)), "not-two-voters"),
        ((seat(A), seat(B, votes=False)), "not-two-voters"),
        ((seat(A, votes=False), seat(B)), "not-two-voters"),
        ((seat(A),), "not-two-voters"),
        ((seat(A, store_id="older"), seat(B)), "other-store"),
    ],
)
def test_only_two_voters_without_a_third_seat(seats: tuple[Seat, ...], code: str) -> None:
    """A learner may vote already where this store does not know it: with the peer alone."""
    assert code_of(replace(GOOD, configurations=(configuration(*seats),))) == code


@pytest.mark.parametrize(
    "before",
    [
        (seat(A), seat(B), seat(C)),
        (seat(A, votes=False), seat(B)),
        (seat(B),),
    ],
)
def test_what_may_still_be_in_force_elsewhere_counts_too(before: tuple[Seat, ...]) -> None:
    """Where the last change was never committed, others had a majority without this store."""
    both = (configuration(*before, number=1), configuration())
    assert code_of(replace(GOOD, configurations=both)) == "members-not-committed"


def test_a_survivor_that_had_just_given_its_peer_a_vote_may_go_on_again() -> None:
    """Only this store could commit anything before."""
    before = configuration(seat(A), seat(B, votes=False), number=1)
    assert isinstance(lost_peer(replace(GOOD, configurations=(before, configuration()))), NodeFacts)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"leaderless_ms": 0}, "quorum-is-there"),
        ({"facts": facts(two_node=False)}, "two-node-not-wanted"),
        ({"facts": facts(node(A))}, "peer-never-seen"),
        ({"facts": facts(node(A), node(B, presence=Presence.LEFT))}, "peer-left"),
        ({"is_peer_heard": True}, "peer-is-heard"),
    ],
)
def test_what_else_keeps_a_peer_from_being_fenced(changed: dict[str, object], code: str) -> None:
    assert code_of(replace(GOOD, **changed)) == code  # type: ignore[arg-type]  # any field


def test_a_peer_that_is_heard_and_never_comes_to_lead_is_fenced_in_the_end() -> None:
    late = replace(GOOD, is_peer_heard=True, leaderless_ms=HEARD_GRACE_MS)
    assert isinstance(lost_peer(late), NodeFacts)


@pytest.mark.parametrize(
    "proof",
    [
        replace(PROOF, devices=()),
        replace(PROOF, devices=("manual",)),
        replace(PROOF, devices=("watchdog",)),
        replace(PROOF, devices=("ipmi-b", "watchdog")),
        replace(PROOF, action="on"),
        replace(PROOF, target=A),
        replace(PROOF, boot_id=BootId("older")),
    ],
)
def test_only_off_or_reboot_by_a_device_proves_it(proof: FencingProof) -> None:
    """Condition (b): never by hand, never by a watchdog."""
    assert reason_against_proof(PROOF, node(B)) is None
    refusal = reason_against_proof(proof, node(B))
    assert refusal is not None
    assert refusal.reports[0].code == "no-proof"


@pytest.mark.parametrize("changed", [{"term": 4}, {"last_index": 41}, {"number": 3}])
def test_a_proof_is_void_once_the_log_has_moved(changed: dict[str, int]) -> None:
    assert moved(PLACE, PLACE) is None
    assert moved(PLACE, replace(PLACE, **changed)) is not None


def test_the_next_generation_has_one_voter_and_keeps_the_peer_as_a_learner() -> None:
    after = alone(configuration(), A, "s-a")
    assert (after.generation, after.number, after.voters) == (2, 3, (A,))
    assert after.seat(B) == Seat(name=B, address="h:b", votes=False, store_id="")


# What its first entry does.


def two_nodes() -> Members:
    every = (
        Member(name=A, store="h:1", store_id="s-a"),
        Member(name=B, store="h:2", store_id="s-b"),
        Member(name=C, kind=MemberKind.FOLLOWER, store="h:3"),
    )
    return Members(number=2, members=every, two_node=True)


def going(boot: BootId) -> GoOnAlone:
    proof = replace(PROOF, boot_id=boot)
    return GoOnAlone(survivor=A, store_id="s-a", number=3, proof=proof)


def test_the_proof_makes_the_peer_down_and_clean_in_a_higher_generation() -> None:
    state = told(opened(A, B), SetMembers(two_nodes()))
    theirs = state.facts.of(B)
    assert theirs is not None
    state, outcome = then(state, replace(command(going(theirs.boot_id)), generation=2))
    assert outcome.succeeded
    assert state.facts.generation == 2
    assert [each.name for each in state.facts.members.voters] == [A]
    peer = state.facts.members.of(B)
    assert peer is not None
    assert (peer.learner, peer.store_id) == (True, "")
    assert state.facts.members.two_node
    after = state.facts.of(B)
    assert after is not None
    assert (after.presence, after.fencing) == (Presence.LOST, FencePhase.CONFIRMED)
    assert node_state(state, B).get("expected") == "down"
    assert state.facts.dc is None
    refused, late = then(state, command(opening(B, replaces=1)))
    assert not late.succeeded, "what the older generation said comes too late"
    assert refused.facts == state.facts


def test_another_boot_of_the_peer_is_not_taken_for_down() -> None:
    """It is lost as any node is, and fenced again."""
    state = told(opened(A, B), SetMembers(two_nodes()))
    state, outcome = then(state, replace(command(going(BootId("older"))), generation=2))
    assert outcome.succeeded
    after = state.facts.of(B)
    assert after is not None
    assert (after.presence, after.fencing) == (Presence.MEMBER, FencePhase.NONE)
