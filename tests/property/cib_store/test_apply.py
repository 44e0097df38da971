"""`apply` is total, deterministic, and executes a request once, whatever the commands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cib_store.apply import State, apply
from cib_store.document.codec import render
from cib_store.document.ids import duplicate_ids
from cib_store.document.version import version_of
from raftmaker.vocabulary.commands import (
    AcquireDc,
    CibChange,
    CibOperation,
    CloseClients,
    Command,
    ControllerLost,
    CreateCluster,
    FenceIntent,
    FenceResult,
    LeaderStarted,
    LeaveSession,
    NodeLost,
    OpenClient,
    OpenSession,
    OperationKind,
    Origin,
    Precondition,
    ReleaseDc,
    RenewSession,
)
from raftmaker.vocabulary.ids import BootId, ClientId, ClusterId, NodeName, Session, Term, Token
from tests.property.cib_store.trees import elements
from tests.unit.cib_store.stories import born

NODES = st.sampled_from(["a", "b", "c", ""]).map(NodeName)
BOOTS = st.sampled_from(["x", "y", ""]).map(BootId)
SESSIONS = st.integers(0, 4).map(Session)
TERMS = st.integers(0, 3).map(Term)
TOKENS = st.builds(Token, st.integers(0, 1), st.integers(0, 3))
CLIENTS = st.sampled_from(["k", "l", ""]).map(ClientId)
XML = st.one_of(st.text(max_size=20), elements(2).map(render))
PATHS = st.one_of(
    st.sampled_from(["", "/cib", "/cib/configuration/resources", "/cib/status", "/cib/x[2]"]),
    st.text(max_size=12),
)
OPERATIONS = st.builds(
    CibOperation,
    kind=st.sampled_from(OperationKind),
    scope=st.sampled_from(["", "resources", "status", "cib", "tickets", "nonsense"]),
    path=PATHS,
    xml=XML,
    all=st.booleans(),
    score=st.booleans(),
)
_BOOTED = {"node": NODES, "boot_id": BOOTS, "session": SESSIONS}
_TARGET = {"target": NODES, "boot_id": BOOTS, "session": SESSIONS}
BODIES = st.one_of(
    st.builds(
        CibChange,
        operations=st.lists(OPERATIONS, max_size=2).map(tuple),
        preconditions=st.lists(
            st.builds(Precondition, path=PATHS, digest=st.binary(max_size=2)), max_size=1
        ).map(tuple),
        status=st.booleans(),
    ),
    st.builds(OpenClient, CLIENTS),
    st.builds(CloseClients, st.tuples(CLIENTS)),
    st.builds(LeaderStarted, TERMS, NODES),
    st.builds(OpenSession, node=NODES, boot_id=BOOTS, controller_start=st.integers(0, 3)),
    st.builds(LeaveSession, **_BOOTED),
    st.builds(NodeLost, **_BOOTED, term=TERMS),
    st.builds(ControllerLost, **_BOOTED, term=TERMS),
    st.builds(RenewSession, **_BOOTED),
    st.builds(AcquireDc, **_BOOTED),
    st.builds(ReleaseDc, TOKENS),
    st.builds(FenceIntent, **_TARGET, action=st.sampled_from(["off", "on"])),
    st.builds(FenceResult, **_TARGET, confirmed=st.booleans(), device=st.just("d")),
    st.builds(CreateCluster, XML),
)
COMMANDS = st.builds(
    Command,
    body=BODIES,
    cluster_id=st.sampled_from(["c1", "c1", "c1", "c2"]).map(ClusterId),
    generation=st.integers(0, 2),
    client_id=CLIENTS,
    sequence=st.integers(0, 5),
    origin=st.builds(Origin, node=NODES, at_us=st.integers(-(2**63), 2**63 - 1)),
    token=st.one_of(st.none(), TOKENS),
)


def _run(commands: list[Command]) -> State:
    state = born()
    for number, command in enumerate(commands, state.index + 1):
        before = state
        state, outcome = apply(state, number, command)
        if not outcome.succeeded:
            assert state.cib is before.cib
            assert state.facts is before.facts
        assert version_of(state.cib) >= version_of(before.cib)
        assert state.facts.token >= before.facts.token
        assert state.facts.term >= before.facts.term
    return state


@given(st.lists(COMMANDS, max_size=12))
def test_apply_is_total_and_a_failure_returns_the_same_root(commands: list[Command]) -> None:
    state = _run(commands)
    configuration = state.cib.child("configuration")
    assert configuration is not None
    assert not duplicate_ids(configuration)
    assert list(state.facts.nodes) == sorted(state.facts.nodes, key=lambda each: each.node)


@given(st.lists(COMMANDS, max_size=8))
def test_two_replicas_agree(commands: list[Command]) -> None:
    one, other = _run(commands), _run(commands)
    assert one == other
    assert one.cib.digest == other.cib.digest


@given(st.lists(COMMANDS, max_size=8))
def test_a_lease_is_held_by_a_present_node_of_that_session(commands: list[Command]) -> None:
    facts = _run(commands).facts
    if facts.dc is not None:
        holder = facts.of(facts.dc.node)
        assert holder is not None
        assert holder.is_present
        assert (holder.boot_id, holder.session) == (facts.dc.boot_id, facts.dc.session)


@given(COMMANDS, st.lists(COMMANDS, max_size=5))
def test_asking_again_executes_nothing(request: Command, between: list[Command]) -> None:
    keeping = [each for each in between if not isinstance(each.body, CloseClients)]
    request = replace(
        request, cluster_id=ClusterId("c1"), generation=3, sequence=99, client_id=ClientId("k"),
        token=None,
    )  # fmt: skip
    opening = replace(request, body=OpenClient(ClientId("k")), sequence=0)
    state = _run([opening])
    state, first = apply(state, state.index + 1, request)
    if first.has("conflict"):
        return
    for each in keeping:
        state, _ = apply(state, state.index + 1, each)
    again, second = apply(state, state.index + 1, request)
    if not isinstance(request.body, CloseClients) or second == first:
        assert second == first
        assert again.cib is state.cib
        assert again.facts == state.facts
