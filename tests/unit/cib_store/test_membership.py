"""Facts and node_state follow docs/internals.md; facts that are not current change nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cib_store.apply import State
from cib_store.messages import snapshots
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    AcquireDc,
    Body,
    CibChange,
    CibOperation,
    ControllerLost,
    FenceIntent,
    FenceResult,
    LeaderStarted,
    LeaveSession,
    NodeLost,
    OperationKind,
    ReleaseDc,
    RenewSession,
)
from raftmaker.vocabulary.ids import BootId, Session, Term, Token
from raftmaker.vocabulary.membership import ControllerPresence, FencePhase, Presence
from tests.unit.cib_store.stories import (
    BOOT,
    FIRST,
    A,
    B,
    C,
    command,
    node_state,
    opened,
    opening,
    then,
    told,
    with_dc,
    write,
)

LOST_B = NodeLost(node=B, boot_id=BOOT, session=FIRST, term=Term(1))
INTENT_B = FenceIntent(target=B, boot_id=BOOT, session=FIRST, action="reboot")
FENCED_B = FenceResult(target=B, boot_id=BOOT, session=FIRST, confirmed=True, device="ipmi")


def _joined() -> State:
    state = opened(A, B, C)
    for node in (A, B, C):
        lrm = f'<lrm id="{node}"/>'
        xml = f'<node_state id="{node}" join="member" expected="member">{lrm}</node_state>'
        state = told(state, write(OperationKind.MODIFY, xml, scope="status"))
    return state


def test_a_session_makes_a_member_that_has_not_joined() -> None:
    """features 3.12"""
    state = opened(A)
    assert node_state(state, A).attributes == {
        "id": "a", "uname": "a", "in_ccm": "1700000000", "crmd": "1700000000", "join": "pending",
    }  # fmt: skip
    assert [node.id for node in state.cib.children[0].child("nodes").each()] == ["a"]  # type: ignore[union-attr]  # required section


def test_a_lost_node_is_unclean_until_a_device_confirms() -> None:
    state = told(_joined(), LOST_B)
    assert node_state(state, B).get("in_ccm") == node_state(state, B).get("crmd") == "0"
    assert node_state(state, B).get("expected") == "member"
    assert node_state(state, B).child("lrm") is not None
    state = told(state, INTENT_B, FENCED_B)
    assert node_state(state, B).get("expected") == node_state(state, B).get("join") == "down"
    assert node_state(state, B).child("lrm") is None
    facts = state.facts.of(B)
    assert facts is not None
    assert facts.fencing is FencePhase.CONFIRMED


def test_a_failed_fencing_leaves_the_node_unclean_and_counts() -> None:
    failed = FenceResult(target=B, boot_id=BOOT, session=FIRST, confirmed=False, reason="no power")
    state = told(_joined(), LOST_B, INTENT_B, failed, INTENT_B, failed)
    facts = state.facts.of(B)
    assert facts is not None
    assert (facts.fencing, facts.fence_failures) == (FencePhase.FAILED, 2)
    assert node_state(state, B).get("expected") == "member"


def test_losing_the_controller_alone_keeps_the_node() -> None:
    lost = ControllerLost(node=B, boot_id=BOOT, session=FIRST, term=Term(1))
    state = told(_joined(), lost)
    assert node_state(state, B).get("crmd") == "0"
    assert node_state(state, B).get("in_ccm") != "0"
    facts = state.facts.of(B)
    assert facts is not None
    assert facts.presence is Presence.MEMBER
    assert facts.controller is ControllerPresence.LOST


def test_a_late_opening_of_an_older_boot_ends_nothing() -> None:
    """What the present boot runs would be forgotten, and started elsewhere."""
    present = told(_joined(), opening(B, BootId("boot-3"), replaces=1))
    after, outcome = then(present, opening(B, BootId("boot-2"), replaces=1))
    assert outcome.code is ExitCode.OLD
    assert after.facts == present.facts
    assert after.cib is present.cib


def test_a_node_lost_while_it_leaves_or_joins_is_unclean() -> None:
    """Its last order may not be recorded: the scheduler must not take it for clean."""
    wish = (
        '<node_state id="b"><transient_attributes id="b"><instance_attributes id="status-b">'
        '<nvpair id="status-b-shutdown" name="shutdown" value="1700000000"/>'
        "</instance_attributes></transient_attributes></node_state>"
    )
    leaving = told(_joined(), write(OperationKind.MODIFY, wish, scope="status"))
    for lost in (LOST_B, ControllerLost(node=B, boot_id=BOOT, session=FIRST, term=Term(1))):
        state = node_state(told(leaving, lost), B)
        assert not [one for one in state.walk() if one.get("name") == "shutdown"]
        assert state.get("expected") == "member"
    renewed = told(_joined(), RenewSession(node=B, boot_id=BOOT, session=FIRST))
    assert node_state(renewed, B).get("join") != "down"


def test_leaving_in_good_order_is_clean_and_forgets_transient_attributes() -> None:
    """features 3.13"""
    xml = '<node_state id="b"><transient_attributes id="b"/></node_state>'
    state = told(_joined(), write(OperationKind.MODIFY, xml, scope="status"))
    state = told(state, LeaveSession(node=B, boot_id=BOOT, session=FIRST))
    assert node_state(state, B).child("transient_attributes") is None
    assert node_state(state, B).child("lrm") is not None
    assert node_state(state, B).get("expected") == "down"


def test_a_new_boot_forgets_what_the_old_one_ran() -> None:
    state = told(_joined(), opening(B, BootId("boot-2"), replaces=1))
    facts = state.facts.of(B)
    assert facts is not None
    assert facts.session == 2
    assert node_state(state, B).child("lrm") is None
    assert node_state(state, B).get("join") == "pending"


def test_a_restarted_controller_keeps_the_session_and_loses_the_lease() -> None:
    state = told(with_dc(_joined(), B), opening(B, BOOT, 2))
    facts = state.facts.of(B)
    assert facts is not None
    assert (facts.session, facts.controller_start) == (1, 2)
    assert state.facts.dc is None
    assert "dc-uuid" not in state.cib.attributes


def test_a_renewed_session_makes_the_old_loss_void() -> None:
    renewed = told(_joined(), RenewSession(node=B, boot_id=BOOT, session=FIRST))
    state, outcome = then(renewed, LOST_B)
    assert outcome.code is ExitCode.OLD
    assert state.facts == renewed.facts
    assert state.cib is renewed.cib


def test_a_loss_that_the_next_leader_revokes_is_not_acted_upon() -> None:
    """It was committed with that leader's first entry; whoever saw it wants the node fenced."""
    revoked = RenewSession(node=B, boot_id=BOOT, session=FIRST)
    state = told(_joined(), LOST_B, LeaderStarted(Term(2), C), revoked)
    state, outcome = then(state, INTENT_B)
    assert outcome.code is ExitCode.OLD
    facts = state.facts.of(B)
    assert facts is not None
    assert (facts.presence, facts.fencing) == (Presence.MEMBER, FencePhase.NONE)


def test_a_loss_that_is_acted_upon_already_cannot_be_revoked() -> None:
    state = told(_joined(), LOST_B, INTENT_B, LeaderStarted(Term(2), C))
    state, outcome = then(state, RenewSession(node=B, boot_id=BOOT, session=FIRST))
    assert outcome.code is ExitCode.TEMPFAIL
    told(state, FENCED_B)


@pytest.mark.parametrize(
    "body",
    [
        NodeLost(node=B, boot_id=BOOT, session=FIRST, term=Term(7)),
        NodeLost(node=B, boot_id=BootId("other"), session=FIRST, term=Term(1)),
        NodeLost(node=B, boot_id=BOOT, session=Session(9), term=Term(1)),
        ControllerLost(node=B, boot_id=BOOT, session=FIRST, term=Term(0)),
        RenewSession(node=B, boot_id=BootId("other"), session=FIRST),
        LeaveSession(node=B, boot_id=BOOT, session=Session(2)),
        FenceIntent(target=B, boot_id=BootId("other"), session=FIRST, action="off"),
        FENCED_B,
        AcquireDc(node=B, boot_id=BOOT, session=Session(2)),
        ReleaseDc(Token(1, 5)),
        LeaderStarted(Term(0), A),
        LeaderStarted(Term(1), B),
    ],
)
def test_a_fact_that_is_not_current_changes_nothing(body: Body) -> None:
    before = _joined()
    state, outcome = then(before, body)
    assert outcome.code is ExitCode.OLD
    assert (state.facts, state.cib) == (before.facts, before.cib)
    assert state.cib is before.cib


@pytest.mark.parametrize(
    "body", [opening(B, BootId("boot-2")), RenewSession(node=B, boot_id=BOOT, session=FIRST)]
)
def test_nobody_returns_while_its_fencing_is_intended(body: Body) -> None:
    before = told(_joined(), LOST_B, INTENT_B)
    state, outcome = then(before, body)
    assert outcome.code is ExitCode.TEMPFAIL
    assert state.facts == before.facts


def test_a_boot_that_was_confirmed_dead_does_not_return() -> None:
    state = told(_joined(), LOST_B, INTENT_B, FENCED_B)
    _, outcome = then(state, opening(B, BOOT, 2))
    assert outcome.code is ExitCode.UNSAFE
    told(state, opening(B, BootId("boot-2"), replaces=1))


def test_a_late_status_write_of_a_fenced_node_is_refused() -> None:
    state = told(_joined(), LOST_B, INTENT_B, FENCED_B)
    change = write(OperationKind.MODIFY, '<node_state id="b"><lrm id="b"/></node_state>')
    late = command(type(change)(operations=change.operations, status=True), node="b")
    after, outcome = then(state, late)
    assert outcome.code is ExitCode.OLD
    assert after.cib is state.cib


def test_a_person_may_vouch_for_a_lost_node_only() -> None:
    manual = FenceResult(target=B, boot_id=BOOT, session=FIRST, confirmed=True, device="manual")
    assert then(_joined(), manual)[1].code is ExitCode.OLD
    told(_joined(), LOST_B, manual)


def test_a_node_that_was_never_seen_can_be_fenced() -> None:
    never = {"target": C, "boot_id": BootId(""), "session": Session(0)}
    state = told(
        opened(A),
        FenceIntent(**never, action="off"),  # type: ignore[arg-type]  # a plain dict
        FenceResult(**never, confirmed=True),  # type: ignore[arg-type]  # a plain dict
    )
    assert node_state(state, C).get("expected") == "down"


def test_tokens_grow_and_a_lost_dc_leaves_the_lease_vacant() -> None:
    """features 3.7: the CIB says who is DC, and that there is quorum."""
    state = with_dc(_joined(), B)
    assert state.cib.get("dc-uuid") == "b"
    assert state.cib.get("have-quorum") == "1"
    _, outcome = then(state, AcquireDc(node=A, boot_id=BOOT, session=FIRST))
    assert outcome.code is ExitCode.EXISTS
    state = told(state, LOST_B)
    assert state.facts.dc is None
    state = with_dc(state, A)
    assert state.facts.token == Token(1, 2)
    late = command(write(OperationKind.BUMP), token=Token(1, 1))
    assert then(state, late)[1].has("stale-token")
    state = told(state, ReleaseDc(Token(1, 2)))
    assert state.facts.dc is None
    assert state.facts.token == Token(1, 2)


def test_a_status_write_of_an_older_boot_is_refused() -> None:
    """A write that was under way when its node started anew must not bring old results back."""
    state = told(opened(A), opening(A, BootId("boot-2"), replaces=1))
    state_xml = '<node_state id="a" crm-debug-origin="old"/>'
    operation = CibOperation(kind=OperationKind.MODIFY, xml=state_xml, scope="status")
    late = CibChange(operations=(operation,), status=True, boot_id=BOOT)
    after, outcome = then(state, command(late, node="a"))
    assert outcome.has("stale-fact")
    assert after.cib is state.cib
    told(state, command(replace(late, boot_id=BootId("boot-2")), node="a"))
    told(state, command(replace(late, boot_id=BootId("")), node="a"))


def test_an_intent_keeps_its_action_until_its_result_and_no_digest_shows_it() -> None:
    """features 17.36. A store that was handed the state by an older version does not have it."""
    state = told(_joined(), LOST_B)
    off = FenceIntent(target=B, boot_id=BOOT, session=FIRST, action="off")
    intended = told(state, off)
    fact = intended.facts.of(B)
    assert fact is not None
    assert fact.fence_action == "off"
    assert snapshots.decode(snapshots.encode(intended)) == intended
    unaware = replace(fact, fence_action="")
    nodes = tuple(unaware if one.node == B else one for one in intended.facts.nodes)
    handed = replace(intended, facts=replace(intended.facts, nodes=nodes))
    assert snapshots.digest(handed) == snapshots.digest(intended)
    for result in (FENCED_B, replace(FENCED_B, confirmed=False)):
        after = told(intended, result).facts.of(B)
        assert after is not None
        assert after.fence_action == ""
        assert snapshots.digest(told(intended, result)) == snapshots.digest(told(handed, result))
