"""Replicas compare their states; one that differs from the leader's says so."""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.messages.commands import encode
from cib_store.replica import CHECK_ENTRIES, Replica
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.commands import CheckState, OperationKind
from tests.unit.cib_store.stories import born, command, write


def _replica(told: list[HaError]) -> Replica:
    replica = Replica(lambda before, after, command: None, differs=told.append)
    replica.state = replace(born(), index=CHECK_ENTRIES - 2)
    return replica


def _entries() -> list[bytes]:
    tag = '<tag id="{}"/>'
    return [
        encode(command(write(OperationKind.CREATE, tag.format(name)), client="k")) for name in "tuv"
    ]


def test_replicas_with_one_history_agree_and_one_that_differs_is_told() -> None:
    told: list[HaError] = []
    leader, follower, wrong = (_replica(told) for _ in range(3))
    wrong.state = replace(
        wrong.state, cib=wrong.state.cib.with_attributes({"crm_feature_set": "other"})
    )
    for number, entry in enumerate(_entries(), CHECK_ENTRIES - 1):
        for replica in (leader, follower, wrong):
            replica.apply(number, entry)
    assert leader.mark.index == CHECK_ENTRIES
    check = CheckState(index=leader.mark.index, digest=leader.mark.digest)
    leader.apply(CHECK_ENTRIES + 2, encode(command(check)))
    follower.apply(CHECK_ENTRIES + 2, encode(command(check)))
    assert not told
    wrong.apply(CHECK_ENTRIES + 2, encode(command(check, node="a")))
    assert "not that of a" in str(told[0])


def test_a_replica_that_came_by_a_snapshot_compares_from_the_next_mark_on() -> None:
    told: list[HaError] = []
    leader, late = _replica(told), _replica(told)
    for number, entry in enumerate(_entries(), CHECK_ENTRIES - 1):
        leader.apply(number, entry)
    late.restore(CHECK_ENTRIES + 1, leader.snapshot()())
    check = CheckState(index=leader.mark.index, digest=leader.mark.digest)
    late.apply(CHECK_ENTRIES + 2, encode(command(check)))
    assert not told
    assert late.state.cib == leader.state.cib
