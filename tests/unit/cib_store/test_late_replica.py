"""A replica that was just started knows less than was acknowledged: it refuses nothing for that."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from cib_store.hub import Hub
from cib_store.messages.commands import encode
from cib_store.proposing.changes import ChangeOrder, Changes
from cib_store.proposing.proposer import Proposer
from cib_store.raft.log import ReplicatedLog
from cib_store.replica import Replica
from raftmaker.runtime.clock import boot_ms
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind, Origin
from raftmaker.vocabulary.outcomes import Outcome
from tests.unit.cib_store.stories import CLUSTER, A, born, command, write

_PATIENCE_MS = 30_000


class _Ahead:
    """A log that holds what the replica has not applied yet; it comes with a barrier."""

    def __init__(self, replica: Replica, *entries: bytes) -> None:
        self._replica, self._entries = replica, list(entries)

    async def barrier(self, *, timeout_ms: int) -> None:
        for entry in self._entries:
            self._replica.apply(self._replica.state.index + 1, entry)
        self._entries.clear()

    async def propose(self, entry: bytes, *, timeout_ms: int) -> Any:
        return self._replica.apply(self._replica.state.index + 1, entry)


def _asked(operation: CibOperation) -> Outcome:
    replica = Replica(lambda before, after, command: None, differs=lambda error: None)
    replica.state = born()
    committed = encode(command(write(OperationKind.CREATE, '<tag id="t"/>'), node="a"))
    log = cast("ReplicatedLog", _Ahead(replica, committed))
    proposer = Proposer(log=log, replica=replica, cluster=CLUSTER, node=A)
    changes = Changes(proposer=proposer, replica=replica, hub=Hub())
    order = ChangeOrder(operations=(operation,), origin=Origin(node=A, client="test"))
    return asyncio.run(changes.carry_out(order, deadline_ms=boot_ms() + _PATIENCE_MS))


def test_what_is_committed_is_found_though_it_is_not_applied_here_yet() -> None:
    outcome = _asked(CibOperation(kind=OperationKind.MODIFY, xml='<tag id="t"/>', scope="tags"))
    assert outcome.succeeded, outcome


def test_what_is_nowhere_is_refused_all_the_same() -> None:
    operation = CibOperation(
        kind=OperationKind.MODIFY, xml='<primitive id="x"/>', scope="resources"
    )
    assert _asked(operation).code is ExitCode.NOSUCH
