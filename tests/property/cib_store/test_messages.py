"""Commands and whole states survive being written and read; any bytes are a refused entry."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cib_store.apply import State, apply
from cib_store.messages import commands, snapshots
from cib_store.messages.commands import decode, encode
from cib_store.replica import apply_entry
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import Command
from raftmaker.wire import store_pb2 as pb
from tests.property.cib_store.test_apply import COMMANDS
from tests.unit.cib_store.stories import born


@given(COMMANDS)
def test_a_command_survives_the_log(command: Command) -> None:
    assert decode(encode(command)) == command


@given(st.lists(COMMANDS, max_size=10))
def test_a_snapshot_holds_the_whole_state(orders: list[Command]) -> None:
    state = born()
    for number, command in enumerate(orders, state.index + 1):
        state, _ = apply(state, number, command)
    assert snapshots.decode(snapshots.encode(state)) == state


@given(st.binary(max_size=60))
def test_any_bytes_are_an_entry_with_an_outcome(entry: bytes) -> None:
    before = born()
    state, outcome, command = apply_entry(before, before.index + 1, entry)
    assert state.cib is before.cib or command is not None
    assert outcome.version >= before.version


def test_an_unknown_format_is_refused_by_every_replica_alike() -> None:
    message = pb.Command(format=commands.FORMAT + 1)
    state, outcome, _ = apply_entry(State(), 1, message.SerializeToString())
    assert outcome.code is ExitCode.PROTOCOL
    assert state == State()
