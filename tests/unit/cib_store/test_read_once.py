"""A large change is read once on each replica, however often it is looked at or proposed.

Thousands of resources take seconds to read: three stores that read them again and again did nothing
else, and lost every leader over it.
"""

from __future__ import annotations

import asyncio
import time
from threading import Thread
from typing import cast

import pytest

from cib_store.document import codec
from cib_store.document.codec import AHEAD_MAX, SMALL_CHARACTERS, forget_ahead, parse, read_ahead
from cib_store.document.element import Element
from cib_store.hub import Hub
from cib_store.messages.commands import encode
from cib_store.proposing.changes import ChangeOrder, Changes
from cib_store.proposing.proposer import BYTES_A_MS, TRY_MS, Proposer
from cib_store.raft.log import ReplicatedLog
from cib_store.replica import Replica
from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.commands import CibOperation, OpenClient, OperationKind, Origin
from raftmaker.vocabulary.ids import ClientId
from tests.unit.cib_store.stories import CLUSTER, A, born, command, write

RESOURCES = "".join(
    f'<primitive id="r{n}" class="ocf" provider="heartbeat" type="Dummy"/>' for n in range(2000)
)
XML = f"<resources>{RESOURCES}</resources>"
LOAD = CibOperation(kind=OperationKind.REPLACE, scope="resources", xml=XML)


class _Refusing:
    """A log that takes no proposal; notes how long each would have been waited for."""

    def __init__(self) -> None:
        self.waited_ms: list[int] = []

    async def propose(self, entry: bytes, *, timeout_ms: int) -> object:
        self.waited_ms.append(timeout_ms)
        raise HaError("not now")


def _replica() -> Replica:
    replica = Replica(lambda before, after, command: None, differs=lambda error: None)
    replica.state = born()
    return replica


def _proposer(replica: Replica, log: _Refusing) -> Proposer:
    return Proposer(log=cast("ReplicatedLog", log), replica=replica, cluster=CLUSTER, node=A)


def test_of_many_texts_the_last_few_are_kept() -> None:
    texts = [f'<tags id="{n}">{RESOURCES}</tags>' for n in range(AHEAD_MAX + 2)]
    for text in texts:
        read_ahead(text)
    assert list(codec._ahead) == texts[2:]
    for text in texts:
        forget_ahead(text)
    assert not codec._ahead


def test_two_threads_that_want_one_text_read_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it was proposed again under another leader, and takes another place in the log."""
    read: list[str] = []
    real = codec._parse

    def noted(text: str, bytes_max: int | None = None) -> Element:
        read.append(text)
        time.sleep(0.05)  # long enough for the other one to come
        return real(text, bytes_max)

    monkeypatch.setattr(codec, "_parse", noted)
    threads = [Thread(target=read_ahead, args=(XML,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [XML]
    forget_ahead(XML)


@pytest.mark.parametrize("rehearse", [False, True])
def test_what_was_looked_at_is_kept_where_it_will_be_applied(rehearse: bool) -> None:
    replica, log = _replica(), _Refusing()
    changes = Changes(proposer=_proposer(replica, log), replica=replica, hub=Hub())
    order = ChangeOrder(
        operations=(LOAD,),
        origin=Origin(node=A, client="test"),
        rehearse=rehearse,
        client_id=ClientId("c"),
        sequence=1,
    )

    async def looked_at() -> object:
        return await changes._ready(order)

    asyncio.run(looked_at())
    kept = list(codec._ahead.values())
    assert len(kept) == (not rehearse)
    replica.prepare(encode(command(write(LOAD.kind, XML, scope="resources"))))
    assert rehearse or next(iter(codec._ahead.values())) is kept[0]
    forget_ahead(XML)


def test_what_was_proposed_twice_is_read_once() -> None:
    replica = _replica()
    replica.apply(replica.state.index + 1, encode(command(OpenClient(ClientId("c")))))
    change = write(LOAD.kind, XML, scope="resources")
    entry = encode(command(change, client="c", sequence=1))
    replica.prepare(entry)
    kept = codec._ahead[XML]
    first = replica.apply(replica.state.index + 1, entry)
    assert first.succeeded, first
    assert not codec._ahead
    replica.prepare(entry)
    assert not codec._ahead
    assert replica.apply(replica.state.index + 1, entry) == first
    assert parse(XML) is not kept


def test_a_large_change_is_waited_for_longer_before_it_is_proposed_again() -> None:
    def patience_ms(xml: str) -> int:
        log = _Refusing()
        proposer = _proposer(_replica(), log)
        change = proposer.command(write(LOAD.kind, xml, scope="resources"))
        with pytest.raises(HaError):
            asyncio.run(proposer.commit(change, deadline_ms=boot_ms() + 100_000))
        return log.waited_ms[0]

    assert len(XML) > SMALL_CHARACTERS
    assert patience_ms("<resources/>") == TRY_MS
    assert patience_ms(XML) >= TRY_MS + len(XML) // BYTES_A_MS
