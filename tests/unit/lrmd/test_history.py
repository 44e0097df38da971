"""The executor's memory: what is stored is found again, damage is put aside."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from lrmd.history import Opened, TokenFile, open_memory
from lrmd.operations.events import (
    AgentFinished,
    Event,
    Execute,
    Forget,
    RaiseToken,
    ResultsConfirmed,
    Timer,
    TimerFired,
    TimerKind,
)
from lrmd.operations.state import State
from lrmd.operations.step import step
from lrmd.operations.values import Agent, FailureId, OperationRequest, Outcome, Standard
from raftmaker.runtime.errors import Fatal
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.ids import BootId, ClusterId, IncidentId, ResourceId, Token

CLUSTER = ClusterId("c")
TOKEN = Token(2, 7)
REQUEST = OperationRequest(
    resource=ResourceId("web"),
    agent=Agent(Standard.OCF, "raftmaker", "web"),
    operation="monitor",
    token=TOKEN,
    interval_ms=100,
    timeout_ms=50,
    start_delay_ms=0,
    parameters={"ip": "::1"},
    meta={"clone-max": "2"},
    transition_key="1:2:0:uuid",
    expected_code=OcfCode.PROMOTED,
    incident=IncidentId("i-1"),
    user_data={"digest": "abc"},
)
FAILED = Outcome(code=OcfCode.ERROR, exit_reason="why", output="words")
EVENTS: tuple[Event, ...] = (
    RaiseToken(at_ms=1, token=TOKEN),
    Execute(at_ms=2, wall_us=20, request=REQUEST),
    AgentFinished(at_ms=4, wall_us=40, call_id=1, outcome=FAILED),
    Execute(at_ms=5, request=replace(REQUEST, resource=ResourceId("db"), interval_ms=0)),
    AgentFinished(at_ms=6, wall_us=60, call_id=2, outcome=Outcome(code=OcfCode.DEGRADED)),
    Execute(at_ms=7, request=replace(REQUEST, start_delay_ms=90, interval_ms=200)),
    ResultsConfirmed(at_ms=8, serial=1),
    TimerFired(at_ms=104, wall_us=70, timer=Timer(TimerKind.DUE, 1)),
    TimerFired(at_ms=154, timer=Timer(TimerKind.TIMEOUT, 1)),
    Forget(at_ms=155, token=TOKEN, resource=ResourceId("web")),
    Forget(at_ms=156, token=TOKEN, resource=ResourceId("db")),
    Execute(at_ms=157, request=replace(REQUEST, operation="start", interval_ms=0)),
    AgentFinished(at_ms=158, wall_us=80, call_id=4, outcome=FAILED),
    Forget(at_ms=159, token=TOKEN, resource=ResourceId("web"), failure=FailureId(4, 0)),
)


def opened(path: Path, boot: str = "b1", cluster: ClusterId = CLUSTER) -> Opened:
    return open_memory(
        run_dir=path / "run", state_dir=path / "state", boot_id=BootId(boot), cluster=cluster
    )


def test_every_state_on_the_way_is_found_again(tmp_path: Path) -> None:
    memory = opened(tmp_path).memory
    state = State()
    for event in EVENTS:
        state, _ = step(state, event)
        memory.save(state)
        again = opened(tmp_path)
        again.memory.close()
        assert without_words(again.state) == without_words(state)
    memory.close()


def without_words(state: State) -> State:
    """Of what a recurring operation reported last, only code and status matter later."""
    operations = {
        call_id: replace(one, reported=replace(one.reported, exit_reason="", output=""))
        if one.reported
        else one
        for call_id, one in state.operations.items()
    }
    return replace(state, operations=operations)


def test_a_new_boot_starts_empty_and_keeps_the_token(tmp_path: Path) -> None:
    first = opened(tmp_path)
    state = State()
    for event in EVENTS[:4]:
        state, _ = step(state, event)
    first.memory.save(state)
    first.memory.close()
    assert opened(tmp_path, "b2").state == State(token=TOKEN)
    assert opened(tmp_path, "b2", ClusterId("other")).state == State()


def test_a_damaged_file_is_put_aside(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.memory.save(step(State(), EVENTS[1])[0])
    first.memory.close()
    path = tmp_path / "run" / "lrmd" / "operations.sqlite"
    path.write_bytes(b"x" * 5000)
    again = opened(tmp_path)
    assert again.state == State(token=TOKEN)
    assert "damaged" in again.problem
    assert path.with_name("operations.sqlite.damaged").read_bytes() == b"x" * 5000


def test_a_changed_digit_in_the_token_is_noticed(tmp_path: Path) -> None:
    """A smaller one would let a DC that was superseded give orders again."""
    file = TokenFile(tmp_path / "lrmd-token.json", ClusterId("c"))
    file.write(Token(0, 19))
    assert file.read() == Token(0, 19)
    path = tmp_path / "lrmd-token.json"
    path.write_text(path.read_text().replace("19", "18"))
    with pytest.raises(Fatal, match="checksum is wrong"):
        file.read()


def test_a_token_of_before_checksums_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "lrmd-token.json"
    path.write_text('{"format": 1, "cluster": "c", "generation": 1, "counter": 19}')
    assert TokenFile(path, ClusterId("c")).read() == Token(1, 19)


@pytest.mark.parametrize("text", ["", "{", '{"cluster": "c"}', "[]"])
def test_a_damaged_token_is_a_refusal_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state" / "lrmd-token.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(Fatal, match=r"lrmd-token.json is damaged.*remove the file"):
        opened(tmp_path)
