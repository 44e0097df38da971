"""The configuration of thousands of resources is read on a thread: the store must not stand still.

A store that says nothing for 0.6 s is taken for lost, and so is its node.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from msgspec.structs import replace

from cib_store.document import codec
from cib_store.document.codec import (
    LARGE_CHARACTERS,
    SMALL_CHARACTERS,
    forget_ahead,
    parse,
    read_ahead,
)
from cib_store.document.element import Element
from cib_store.hub import Hub
from cib_store.messages.commands import encode
from cib_store.proposing.changes import ChangeOrder, Changes
from cib_store.proposing.proposer import Proposer
from cib_store.raft.log import ReplicatedLog
from cib_store.replica import Replica
from raftmaker.runtime.clock import boot_ms
from raftmaker.vocabulary.commands import CibOperation, OperationKind, Origin, Precondition
from tests.unit.cib_store.stories import CLUSTER, A, born, command, write

LARGE = "".join(
    f'<primitive id="r{n}" class="ocf" provider="heartbeat" type="Dummy"><operations>'
    f'<op id="r{n}-m" name="monitor" interval="10s"/></operations></primitive>'
    for n in range(1500)
)
LOAD = CibOperation(
    kind=OperationKind.REPLACE, scope="resources", xml=f"<resources>{LARGE}</resources>"
)


def _replica() -> Replica:
    replica = Replica(lambda before, after, command: None, differs=lambda error: None)
    replica.state = born()
    return replica


class _NeverAsked:
    """A rehearsal asks nothing of the log."""


def _turns_during(operation: CibOperation) -> int:
    """Return how often the event loop came round while a request was looked at."""
    replica, turns = _replica(), 0

    async def turning() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def story() -> None:
        proposer = Proposer(
            log=cast("ReplicatedLog", _NeverAsked()), replica=replica, cluster=CLUSTER, node=A
        )
        changes = Changes(proposer=proposer, replica=replica, hub=Hub())
        origin = Origin(node=A, client="test")
        order = ChangeOrder(operations=(operation,), origin=origin, rehearse=True)
        other = asyncio.create_task(turning())
        outcome = await changes.carry_out(order, deadline_ms=boot_ms() + 30_000)
        other.cancel()
        assert outcome.succeeded, outcome

    asyncio.run(story())
    return turns


def test_others_are_served_while_a_large_request_is_looked_at() -> None:
    assert len(LOAD.xml) > LARGE_CHARACTERS
    assert _turns_during(LOAD) > 2
    small = CibOperation(kind=OperationKind.CREATE, scope="tags", xml='<tag id="t"/>')
    assert _turns_during(small) <= 1  # on the loop: this test can fail


def test_what_was_prepared_is_what_is_applied() -> None:
    entry = encode(command(write(LOAD.kind, LOAD.xml, scope="resources"), node="a"))
    plain, prepared = _replica(), _replica()
    prepared.prepare(entry)
    index = plain.state.index + 1
    outcomes = [replica.apply(index, entry) for replica in (plain, prepared)]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].succeeded
    assert plain.state.cib == prepared.state.cib
    assert plain.state.cib.digest == prepared.state.cib.digest


def test_a_text_that_was_read_ahead_is_not_read_again_and_not_kept_longer() -> None:
    text = f"<resources>{LARGE}</resources>"
    read_ahead(text)
    first = parse(text)
    assert all(hasattr(first, kept) for kept in ("_names", "_digest", "_twinless"))
    assert parse(text) is first
    forget_ahead(text)
    again = parse(text)
    assert again is not first
    assert again == first


def test_what_was_prepared_for_a_change_that_is_refused_is_forgotten() -> None:
    replica = _replica()
    elsewhere = Precondition(path="/cib/configuration/resources", digest=b"another")
    change = replace(write(LOAD.kind, LOAD.xml, scope="resources"), preconditions=(elsewhere,))
    entry = encode(command(change, node="a"))
    replica.prepare(entry)
    assert codec._ahead
    assert not replica.apply(replica.state.index + 1, entry).succeeded
    assert not codec._ahead


def test_what_is_no_xml_is_refused_when_it_is_applied_not_before() -> None:
    bad = "<resources>" + "x" * SMALL_CHARACTERS
    replica = _replica()
    entry = encode(command(write(OperationKind.REPLACE, bad, scope="resources"), node="a"))
    replica.prepare(entry)
    replica.prepare(b"\xff" * (SMALL_CHARACTERS + 1))
    outcome: Any = replica.apply(replica.state.index + 1, entry)
    assert outcome.has("bad-xml"), outcome


def test_siblings_with_one_name_are_found_also_far_below() -> None:
    def below(*children: Element) -> Element:
        return Element("a", {}, (Element("b", {}, children),))

    one, other = Element("role", {"id": "r"}), Element("role", {"id": "s"})
    assert below(one, other).is_twinless
    assert not below(one, other, one).is_twinless
    assert below(one, Element("target", {"id": "r"})).is_twinless
