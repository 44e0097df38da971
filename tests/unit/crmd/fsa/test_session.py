"""How a controller comes by its session."""

from __future__ import annotations

from crmd.fsa import events
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import LeaveSession, OpenSession
from raftmaker.vocabulary.ids import NodeName, Session
from tests.unit.crmd.fsa.world import A, World, boot


def test_a_session_that_an_outdated_view_asked_for_is_asked_for_anew_by_the_next_view() -> None:
    """protocols, DC: at a cold start the store shows its disk first, and the log's end later"""
    world = World()
    world.commit(OpenSession(node=A, boot_id=boot(NodeName("old")), controller_start=1))
    before = world.store
    world.commit(LeaveSession(node=A, boot_id=boot(NodeName("old")), session=Session(1)))
    world.commit(
        OpenSession(
            node=A, boot_id=boot(NodeName("older")), controller_start=1, replaces=Session(1)
        )
    )
    now, world.store = world.store, before
    world.silent_store = True
    world.take(events.Started(at_ms=world.at_ms))
    world.take(events.ExecutorReturned(at_ms=world.at_ms, incarnation="i1"))
    world.beat()
    world.show()
    (asked,) = world.drop_records()
    world.store = now
    assert world.commit(asked.body, node=A) is ExitCode.OLD
    refusal = events.Recorded(
        at_ms=world.at_ms, request=asked.request, code=ExitCode.OLD, index=world.store.index
    )
    world.take(refusal)
    assert not world.drop_records()  # as nothing has changed that it knows of
    world.show()
    (again,) = world.drop_records()
    assert isinstance(again.body, OpenSession)
    assert world.commit(again.body, node=A) is ExitCode.OK
