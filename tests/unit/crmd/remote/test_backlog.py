"""Results of a remote node are stored once and in order."""

from __future__ import annotations

from crmd.fsa.executor import AgentTraits
from crmd.fsa.state import QueuedResult
from crmd.remote.backlog import Backlog, agents_of, batch_of, stored, traits_of, with_result
from lrmd.operations.values import Agent, OperationRequest, Outcome, Result, Standard
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.ids import ResourceId

DUMMY = Agent(Standard.OCF, "heartbeat", "Dummy")


def result(serial: int) -> Result:
    return Result(
        serial=serial,
        call_id=serial,
        request=OperationRequest(resource=ResourceId("web"), agent=DUMMY, operation="start"),
        outcome=Outcome(code=OcfCode.OK),
        last_change_us=0,
        queue_ms=0,
        exec_ms=0,
    )


def test_a_result_that_is_sent_again_is_taken_once() -> None:
    backlog = Backlog(stored_serial=1)
    for serial in (1, 2, 3, 2):
        backlog = with_result(backlog, result(serial))
    assert [one.result.serial for one in backlog.queue if isinstance(one, QueuedResult)] == [2, 3]
    backlog = stored(backlog, 1)
    assert (backlog.stored_serial, len(backlog.queue)) == (2, 1)


def test_what_the_takeover_told_only_counts_failures() -> None:
    backlog = with_result(with_result(Backlog(known_serial=1), result(1)), result(2))
    known = [one.is_known for one in backlog.queue if isinstance(one, QueuedResult)]
    assert known == [True, False]


def test_each_agent_is_asked_once_for_what_the_history_depends_on() -> None:
    batch = batch_of(with_result(with_result(Backlog(), result(1)), result(2)))
    assert agents_of(batch) == (DUMMY,)
    traits = AgentTraits(reloads=True)
    assert traits_of(batch, {DUMMY: traits}) == {1: traits, 2: traits}
