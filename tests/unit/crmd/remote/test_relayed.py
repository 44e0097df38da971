"""A member makes a remote node's calls within bounds of its own (features 22.5)."""

from __future__ import annotations

from crmd.remote.relayed import Relaying, stopped, taken
from raftmaker.vocabulary.relayed import CALLS_MAX, CallStatus, RelayedCall

QUERY = "/raftmaker.v1.Store/Query"


def test_a_remote_node_that_does_not_count_is_counted_here() -> None:
    state = Relaying()
    for number in range(CALLS_MAX):
        state, refusal = taken(state, RelayedCall(number=number, method=QUERY))
        assert refusal is None
    full, refusal = taken(state, RelayedCall(number=CALLS_MAX, method=QUERY))
    assert full == state
    assert refusal is not None
    assert (refusal.number, refusal.status) == (CALLS_MAX, CallStatus.TOO_MUCH)
    _, refusal = taken(stopped(state, 3), RelayedCall(number=CALLS_MAX, method=QUERY))
    assert refusal is None


def test_a_number_is_used_once_at_a_time_and_nothing_else_is_made() -> None:
    state, _ = taken(Relaying(), RelayedCall(number=1, method=QUERY))
    for wrong in (
        RelayedCall(number=1, method=QUERY),
        RelayedCall(number=2, method="/raftmaker.v1.Store/RemoveMember"),
    ):
        same, refusal = taken(state, wrong)
        assert same == state
        assert refusal is not None
        assert refusal.status == CallStatus.NOT_PERMITTED
