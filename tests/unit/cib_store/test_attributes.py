"""Transient attributes as they are applied: nothing lost, nothing in the CIB that is held back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cib_store.apply import State
from cib_store.apply.attributes import Attributes, values
from cib_store.document.transient import Shelf, value_of
from cib_store.messages import commands, snapshots
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    AttributeChange,
    FenceIntent,
    FenceResult,
    ForgetAttributes,
    LeaveSession,
    NodeLost,
    Sum,
    UpdateAttributes,
    WriteAttributes,
)
from raftmaker.vocabulary.ids import BootId, NodeName, Term
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
)

DELAY = 5000


def changing(
    value: str | Sum | None, *, name: str = "ping", node: NodeName = A,
    delay_ms: int | None = None, new_delay: bool = False, private: bool = False,
    set_name: str = "", utilization: bool = False,
) -> UpdateAttributes:  # fmt: skip
    change = AttributeChange(
        name=name, node=node, value=value, delay_ms=delay_ms, new_delay=new_delay,
        private=private, set_name=set_name, utilization=utilization,
    )  # fmt: skip
    return UpdateAttributes((change,))


def in_cib(state: State, node: str = "a", name: str = "ping", shelf: Shelf = Shelf()) -> str | None:  # noqa: B008  # frozen
    return value_of(state.cib, node, name, shelf)


def read(state: State, name: str = "ping") -> dict[str, str]:
    found = values(Attributes(state.cib, state.attributes))
    return {each.node: each.value for each in found if each.name == name}


def test_without_a_delay_a_value_is_in_the_cib_at_once() -> None:
    """features 15.6, 15.7"""
    state = told(opened(A, B), changing("100"))
    assert in_cib(state) == "100"
    assert not state.attributes
    pair = next(each for each in node_state(state, A).walk() if each.tag == "nvpair")
    assert pair.attributes == {"id": "status-a-ping", "name": "ping", "value": "100"}


def test_a_delay_holds_changes_back_until_they_are_written_together() -> None:
    """features 15.7"""
    state = told(
        opened(A, B),
        changing("1", delay_ms=DELAY),
        changing("2", node=B),
        changing("3"),
    )
    assert in_cib(state) is None
    assert read(state) == {"a": "3", "b": "2"}
    newest = state.attributes["ping"].changed
    state = told(state, WriteAttributes("ping", newest - 1))
    assert in_cib(state) is None, "an order of before the newest change writes nothing"
    state = told(state, WriteAttributes("ping", newest))
    assert (in_cib(state), in_cib(state, "b")) == ("3", "2")
    assert state.attributes["ping"].delay_ms == DELAY
    assert state.attributes["ping"].changed == 0


def test_the_same_value_again_does_not_begin_the_delay_anew() -> None:
    state = told(opened(A), changing("1", delay_ms=DELAY))
    changed = state.attributes["ping"].changed
    assert told(state, changing("1")).attributes["ping"].changed == changed


def test_only_update_both_and_update_delay_change_a_known_delay() -> None:
    """features 15.8"""
    state = told(opened(A), changing("1", delay_ms=DELAY))
    assert told(state, changing("2", delay_ms=1)).attributes["ping"].delay_ms == DELAY
    both = told(state, changing("2", delay_ms=0, new_delay=True))
    assert in_cib(both) == "2"
    alone = changing(None, node=NodeName(""), delay_ms=0, new_delay=True)
    assert in_cib(told(state, alone)) == "1", "what waited is written when the delay goes"
    _, outcome = then(opened(A), alone)
    assert outcome.code is ExitCode.NOSUCH


def test_sums_are_added_where_all_changes_meet() -> None:
    """features 15.8"""
    state = told(opened(A), changing(Sum(1)), changing(Sum(1)), changing(Sum(-5)))
    assert in_cib(state) == "-3"
    state = told(state, changing("INFINITY"), changing(Sum(7)))
    assert in_cib(state) == "INFINITY"
    state = told(opened(A), changing("4", delay_ms=DELAY), changing(Sum(1)))
    assert read(state) == {"a": "5"}, "a sum counts on what waits"


def test_private_attributes_are_never_in_the_cib() -> None:
    """features 15.6"""
    state = told(opened(A, B), changing("yes", private=True), changing("no", node=B, private=True))
    assert in_cib(state) is None
    assert read(state) == {"a": "yes", "b": "no"}
    state = told(state, WriteAttributes())
    assert in_cib(state) is None
    assert read(told(state, changing(None))) == {"b": "no"}


def test_a_removed_value_waits_like_a_new_one() -> None:
    state = told(opened(A), changing("1"), changing("2", delay_ms=DELAY), WriteAttributes())
    assert in_cib(state) == "2"
    state = told(state, changing(None))
    assert in_cib(state) == "2"
    assert read(state) == {}
    assert in_cib(told(state, WriteAttributes("ping"))) is None


def test_sets_and_capacities_have_places_of_their_own() -> None:
    """features 15.24"""
    state = told(opened(A), changing("1", set_name="mine"), changing("2", utilization=True))
    assert in_cib(state, shelf=Shelf(set_name="mine")) == "1"
    assert in_cib(state, shelf=Shelf(utilization=True)) == "2"


def test_all_values_of_a_node_go_when_its_boot_ends() -> None:
    state = told(
        opened(A, B),
        changing("1", node=B),
        changing("x", name="held", node=B, delay_ms=DELAY),
        changing("y", name="secret", node=B, private=True),
        changing("z", name="secret", node=A, private=True),
    )
    lost = NodeLost(node=B, boot_id=BOOT, session=FIRST, term=Term(1))
    assert read(told(state, lost), "secret") == {"a": "z", "b": "y"}, "it may come back"
    left = told(state, LeaveSession(node=B, boot_id=BOOT, session=FIRST))
    intent = FenceIntent(target=B, boot_id=BOOT, session=FIRST, action="off")
    result = FenceResult(target=B, boot_id=BOOT, session=FIRST, confirmed=True, device="ipmi")
    fenced = told(state, lost, intent, result)
    anew = told(state, opening(B, BootId("boot-2"), replaces=1))
    for after in (left, fenced, anew):
        assert (read(after), read(after, "held"), read(after, "secret")) == ({}, {}, {"a": "z"})


def test_forgetting_a_node_removes_all_its_values() -> None:
    """features 24.16"""
    state = told(
        opened(A, B), changing("1"), changing("2", node=B), changing("x", name="p", private=True)
    )
    state = told(state, ForgetAttributes(A))
    assert read(state) == {"b": "2"}
    assert read(state, "p") == {}


def test_a_bad_change_changes_nothing_at_all() -> None:
    state = opened(A)
    good = AttributeChange(name="ok", node=A, value="1")
    bad = AttributeChange(name="", node=A, value="1")
    after, outcome = then(state, UpdateAttributes((good, bad)))
    assert outcome.code is ExitCode.INVALID_PARAM
    assert replace(after, index=state.index) == state


_CHANGES = st.lists(
    st.one_of(
        st.builds(
            changing,
            st.one_of(st.none(), st.sampled_from(["1", "x"]), st.builds(Sum, st.integers(-3, 3))),
            name=st.sampled_from(["p", "q"]),
            node=st.sampled_from([A, B, C]),
            delay_ms=st.sampled_from([None, 0, DELAY]),
            new_delay=st.booleans(),
            private=st.booleans(),
        ),
        st.builds(WriteAttributes, st.sampled_from(["", "p"])),
        st.builds(ForgetAttributes, st.sampled_from([A, B])),
    ),
    max_size=12,
)


@given(_CHANGES)
def test_what_is_held_survives_the_log_and_a_snapshot(
    bodies: list[UpdateAttributes | WriteAttributes | ForgetAttributes],
) -> None:
    state = opened(A, B, C)
    for body in bodies:
        order = command(body)
        assert commands.decode(commands.encode(order)) == order
        state, _ = then(state, order)
    again = snapshots.decode(snapshots.encode(state))
    assert again == state
    assert snapshots.digest(again) == snapshots.digest(state)


@given(_CHANGES)
def test_once_all_is_written_readers_see_what_they_saw(
    bodies: list[UpdateAttributes | WriteAttributes | ForgetAttributes],
) -> None:
    """Holding back delays what the CIB shows, never what a reader is told."""
    state = opened(A, B, C)
    for body in bodies:
        state, _ = then(state, body)
    after = told(state, WriteAttributes())
    for name in ("p", "q"):
        assert read(after, name) == read(state, name)
