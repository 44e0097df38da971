"""Which members may follow which, apart from any machine (features 25.10, 25.11, 25.18)."""

from __future__ import annotations

from itertools import combinations

import pytest
from msgspec.structs import replace

from cib_store.document.refusal import Refusal
from cib_store.membership.rules import (
    added,
    configuration_of,
    has_to_wait,
    removed,
    upkeep,
    waits_for,
)
from cib_store.raft.configuration import (
    Card,
    Configuration,
    ConfigurationLog,
    Seat,
    SeatStatus,
    encode,
    must_agree,
    reasons_against,
)
from raftmaker.vocabulary.ids import BootId, NodeName, Session
from raftmaker.vocabulary.members import Member, MemberKind, Members
from raftmaker.vocabulary.membership import Facts, NodeFacts, Presence

A, B, C = (NodeName(name) for name in "abc")


def member(name: str, kind: MemberKind = MemberKind.VOTER, *, learner: bool = False) -> Member:
    port = 1000 + 10 * ord(name)
    witness = kind is MemberKind.WITNESS
    return Member(
        name=NodeName(name),
        kind=kind,
        store=f"h:{port}",
        controller="" if witness else f"h:{port + 1}",
        fencer="" if witness else f"h:{port + 2}",
        learner=learner,
        store_id="" if learner else f"s-{name}",
    )


def members(*each: Member, two_node: bool = False) -> Members:
    return Members(number=5, members=each, two_node=two_node)


def seen(name: str, *, store: str = "", behind: int | None = 0) -> SeatStatus:
    card = Card(store_id=store or f"s-{name}", generation=1, number=5)
    return SeatStatus(name=NodeName(name), card=card, behind=behind)


def facts(*present: NodeName, left: NodeName | None = None) -> Facts:
    nodes = [NodeFacts(node=n, boot_id=BootId("1"), session=Session(1)) for n in present]
    if left is not None:
        gone = NodeFacts(node=left, boot_id=BootId("1"), session=Session(1), presence=Presence.LEFT)
        nodes.append(gone)
    return Facts(nodes=tuple(sorted(nodes, key=lambda each: each.node)))


def test_majorities_of_neighbours_share_a_voter() -> None:
    """The rule's point, by going through all: any two differing in one voter at most."""
    names = [NodeName(name) for name in "abcdefg"]
    for size in range(1, 7):
        old = Configuration(seats=tuple(Seat(name=n, address="x") for n in names[:size]))
        new = Configuration(seats=tuple(Seat(name=n, address="x") for n in names[: size + 1]))
        for one in combinations(old.voters, old.majority):
            for other in combinations(new.voters, new.majority):
                assert set(one) & set(other)


def test_two_voters_may_not_change_at_once() -> None:
    old = Configuration(seats=(Seat(name=A, address="a"), Seat(name=B, address="b")))
    learner = Configuration(
        number=1, seats=(Seat(name=A, address="a"), Seat(name=B, address="b", votes=False))
    )
    assert not reasons_against(old, learner)
    assert must_agree(old, learner) == B
    gone = Configuration(number=1, seats=(Seat(name=A, address="a"),))
    assert any("must be a learner before" in reason for reason in reasons_against(old, gone))
    both = Configuration(number=1, seats=(Seat(name=C, address="c"),))
    assert any("only one voter" in reason for reason in reasons_against(old, both))
    nobody = Configuration(number=1, seats=(Seat(name=A, address="a", votes=False),))
    assert any("last voter" in reason for reason in reasons_against(old, nobody))


def test_a_vote_is_bound_to_the_store_that_was_admitted() -> None:
    old = Configuration(seats=(Seat(name=A, address="a"), Seat(name=B, address="b", store_id="1")))
    seats = (Seat(name=A, address="a"), Seat(name=B, address="b", store_id="2"))
    reasons = reasons_against(old, Configuration(number=1, seats=seats))
    assert any("must be a learner" in reason for reason in reasons)


def test_what_is_cut_off_the_log_is_not_in_force_any_more() -> None:
    class Log(list[tuple[bytes, int, int]]):
        def term_at(self, index: int) -> int | None:
            return next((term for _, i, term in self if i == index), None)

    one, two = (Configuration(number=number, seats=()) for number in (1, 2))
    log = Log([(b"\x01", 1, 0), (b"\x02" + encode(one), 2, 1), (b"\x02" + encode(two), 3, 1)])
    found = ConfigurationLog(Configuration())
    assert found.follow(log)
    assert (found.current.number, found.index) == (2, 3)
    assert found.at(2).number == 1
    log[2:] = [(b"\x00x", 3, 2)]
    assert found.follow(log)
    assert (found.current.number, found.index) == (1, 2)
    assert not found.follow(log)


def test_a_new_voter_is_a_learner_first() -> None:
    after = added(members(member("a")), member("b"), two_node=False)
    assert isinstance(after, Members)
    assert after.number == 6
    new = after.of(B)
    assert new is not None
    assert new.learner
    assert not new.votes
    assert added(after, member("b"), two_node=False) == after, "asked again, nothing changes"


def test_a_member_is_not_added_twice_with_other_addresses() -> None:
    other = Member(name=A, store="h:1", controller="h:2", fencer="h:3")
    refusal = added(members(member("a")), other, two_node=False)
    assert isinstance(refusal, Refusal)
    assert refusal.reports[0].code == "member-exists"
    assert "h:1" in str(refusal.reports[0])


def test_every_fault_of_an_address_is_told_at_once() -> None:
    there = member("a")
    new = Member(name=B, store=there.store, controller="", fencer=there.fencer)
    refusal = added(members(there), new, two_node=False)
    assert isinstance(refusal, Refusal)
    codes = [report.code for report in refusal.reports]
    assert codes == ["address-taken", "no-address", "address-taken"]


def test_eight_voters_are_refused() -> None:
    refusal = added(members(*map(member, "abcdefg")), member("h"), two_node=False)
    assert isinstance(refusal, Refusal)
    assert refusal.reports[0].code == "too-many-voters"


@pytest.mark.parametrize(
    ("name", "code"), [("z", "no-such-member"), ("a", "last-voter"), ("b", "member-is-active")]
)
def test_removals_that_are_refused(name: str, code: str) -> None:
    nodes = (NodeFacts(node=B, boot_id=BootId("1"), session=Session(1)),)
    there = members(member("a"), member("b", learner=True))
    refusal = removed(there, NodeName(name), Facts(nodes=nodes), force=False)
    assert isinstance(refusal, Refusal)
    assert refusal.reports[0].code == code


def test_an_active_member_goes_by_force() -> None:
    nodes = (NodeFacts(node=B, boot_id=BootId("1"), session=Session(1)),)
    there = members(member("a"), member("b"), member("c"))
    after = removed(there, B, Facts(nodes=nodes), force=True)
    assert isinstance(after, Members)
    assert after.names == (A, C)


def test_one_of_two_voters_is_a_learner_before_it_goes() -> None:
    """It must know that it has no vote, or it could go on alone (features 25.11)."""
    first = removed(members(member("a"), member("b")), B, facts(A), force=True)
    assert isinstance(first, Members)
    assert (first.names, [each.name for each in first.voters]) == ((A, B), [A])
    second = removed(first, B, facts(A), force=True)
    assert isinstance(second, Members)
    assert second.names == (A,)


def test_the_second_voter_waits_for_a_third() -> None:
    two = members(member("a"), member("b", learner=True))
    here = facts(A, B)
    assert upkeep(two, [seen("a"), seen("b")], here) is None
    assert "--two-node" in waits_for(two, seen("b"), here)
    asked_for = members(*two.members, two_node=True)
    after = upkeep(asked_for, [seen("a"), seen("b")], here)
    assert after is not None
    assert [each.name for each in after.voters] == [A, B]


def test_the_second_of_two_votes_while_its_node_takes_part() -> None:
    """Else nobody could have it fenced and go on (features 25.11)."""
    two = members(member("a"), member("b", learner=True), two_node=True)
    for away in (facts(A), facts(A, left=B)):
        assert upkeep(two, [seen("a"), seen("b")], away) is None
        assert "controller" in waits_for(two, seen("b"), away)
    witness = members(member("a"), member("b", MemberKind.WITNESS, learner=True), two_node=True)
    assert upkeep(witness, [seen("a"), seen("b")], facts(A)) is not None, "it has no controller"


def test_of_two_the_one_that_left_gives_its_vote_back() -> None:
    """A clean leave commits the one-voter configuration first (features 25.11)."""
    two = members(member("a"), member("b"), two_node=True)
    both = [seen("a"), seen("b")]
    assert upkeep(two, both, facts(A, B)) is None
    after = upkeep(two, both, facts(A, left=B))
    assert after is not None
    assert [each.name for each in after.voters] == [A]
    assert after.names == (A, B), "it stays a member"
    assert has_to_wait(replace(facts(A, left=B), members=two), B)
    assert not has_to_wait(replace(facts(A, left=B), members=two), A)
    gone = facts(left=A)
    gone = replace(gone, nodes=(*gone.nodes, *facts(left=B).nodes))
    assert upkeep(two, both, gone) is None, "both leave: both are needed again"
    three = members(member("a"), member("b"), member("c"), two_node=True)
    assert upkeep(three, [*both, seen("c")], facts(A, C, left=B)) is None
    assert upkeep(members(*two.members), both, facts(A, left=B)) is None, "not asked for"


def test_learners_are_admitted_one_after_the_other() -> None:
    there = members(
        member("a"), member("b", learner=True), member("c", MemberKind.WITNESS, learner=True)
    )
    peers = [seen("a"), seen("b"), seen("c")]
    first = upkeep(there, peers, Facts())
    assert first is not None
    assert [each.name for each in first.voters] == [A, B]
    second = upkeep(first, peers, Facts())
    assert second is not None
    assert [each.name for each in second.voters] == [A, B, C]
    assert [each.store_id for each in second.voters] == ["s-a", "s-b", "s-c"]
    assert upkeep(second, peers, Facts()) is None


def test_one_that_lags_or_is_silent_is_not_admitted() -> None:
    there = members(member("a"), member("b"), member("c", learner=True))
    for lagging in (seen("c", behind=1000), seen("c", behind=None)):
        assert upkeep(there, [seen("a"), seen("b"), lagging], Facts()) is None
    silent = SeatStatus(name=C, card=None, behind=None)
    assert upkeep(there, [seen("a"), seen("b"), silent], Facts()) is None


def test_a_voter_with_another_store_loses_its_vote() -> None:
    there = members(member("a"), member("b"), member("c"))
    after = upkeep(there, [seen("a"), seen("b"), seen("c", store="new", behind=None)], Facts())
    assert after is not None
    lost = after.of(C)
    assert lost is not None
    assert lost.learner
    assert not lost.store_id


def test_founders_stores_are_written_down() -> None:
    founder = Member(name=A, store="h:1", controller="h:2", fencer="h:3")
    card = Card(store_id="mine", founder=True, generation=1)
    after = upkeep(members(founder), [SeatStatus(name=A, card=card, behind=0)], Facts())
    assert after is not None
    assert [each.store_id for each in after.voters] == ["mine"]


def test_followers_have_no_seat_in_the_log() -> None:
    there = members(member("a"), member("b", MemberKind.FOLLOWER), member("c", MemberKind.WITNESS))
    assert [seat.name for seat in configuration_of(there, 1).seats] == [A, C]
    assert [each.name for each in there.nodes] == [A, B], "a witness is no node"
