"""The configuration of thousands of resources is read on a thread: the store must not stand still.

A store that says nothing for 0.6 s is taken for lost, and so is its node.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from cib_store.access import past as past_module
from cib_store.access.caller import Caller
from cib_store.access.past import Past
from cib_store.access.views import Sight, Views, binding
from cib_store.apply import State
from cib_store.aside import Aside
from cib_store.document import codec, edit
from cib_store.document.codec import (
    LARGE_CHARACTERS,
    SMALL_CHARACTERS,
    forget_ahead,
    parse,
    read_ahead,
    render,
)
from cib_store.document.element import Element
from cib_store.document.path import find
from cib_store.document.xpath import XPathTree
from cib_store.history import History, HistoryEntry
from cib_store.hub import Hub
from cib_store.main import SWITCH_S
from cib_store.messages.commands import encode
from cib_store.proposing.changes import ChangeOrder, Changes
from cib_store.proposing.proposer import Proposer
from cib_store.raft.log import ReplicatedLog
from cib_store.reading import Asked, Reading
from cib_store.replica import Replica
from raftmaker.runtime.clock import boot_ms
from raftmaker.vocabulary.commands import CibOperation, OperationKind, Origin, Precondition
from tests.unit.cib_store.stories import CLUSTER, A, born, command, told, write

LARGE = "".join(
    f'<primitive id="r{n}" class="ocf" provider="heartbeat" type="Dummy"><operations>'
    f'<op id="r{n}-m" name="monitor" interval="10s"/></operations></primitive>'
    for n in range(6000)
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


def _turns_while(work: Callable[[], Awaitable[object]]) -> int:
    """Return how often the event loop came round while this was done."""
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def story() -> None:
        other = asyncio.create_task(turning())
        await work()
        other.cancel()

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)  # as the store does
    try:
        asyncio.run(story())
    finally:
        sys.setswitchinterval(interval_s)
    return turns


def _turns_during(operation: CibOperation, replica: Replica) -> int:
    """Return how often the event loop came round while a request was looked at."""

    async def rehearsing() -> None:
        proposer = Proposer(
            log=cast("ReplicatedLog", _NeverAsked()), replica=replica, cluster=CLUSTER, node=A
        )
        changes = Changes(proposer=proposer, replica=replica, hub=Hub())
        origin = Origin(node=A, client="test")
        order = ChangeOrder(operations=(operation,), origin=origin, rehearse=True)
        outcome = await changes.carry_out(order, deadline_ms=boot_ms() + 30_000)
        assert outcome.succeeded, outcome

    return _turns_while(rehearsing)


def test_others_are_served_while_a_large_request_is_looked_at() -> None:
    assert len(LOAD.xml) > LARGE_CHARACTERS
    assert _turns_during(LOAD, _replica()) > 2
    small = CibOperation(kind=OperationKind.CREATE, scope="tags", xml='<tag id="t"/>')
    assert _turns_during(small, _replica()) <= 1  # on the loop: this test can fail


def _loaded() -> Replica:
    replica = _replica()
    replica.state = told(replica.state, write(LOAD.kind, LOAD.xml, scope="resources"))
    return replica


def test_others_are_served_while_a_request_is_looked_for_in_a_large_cib() -> None:
    change = '<op id="r7-m" name="monitor" interval="20s"/>'
    path = "/cib/configuration/resources/primitive[@id='r7']/operations/op[@id='r7-m']"
    known = CibOperation(kind=OperationKind.MODIFY, path=path, xml=change)
    sought = CibOperation(kind=OperationKind.MODIFY, path="//op[@id='r7-m']", xml=change)
    assert _turns_during(sought, _loaded()) > 2
    assert _turns_during(known, _loaded()) <= 1


def test_others_are_served_while_a_request_that_adds_to_a_large_section_is_checked() -> None:
    new = '<primitive id="new" class="ocf" provider="heartbeat" type="Dummy"/>'
    create = CibOperation(kind=OperationKind.CREATE, scope="resources", xml=new)
    gone = CibOperation(kind=OperationKind.DELETE, scope="resources", xml='<primitive id="r1400"/>')
    assert _turns_during(create, _loaded()) > 2
    assert _turns_during(gone, _loaded()) > 2


def test_what_is_deleted_by_its_id_is_not_looked_for_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It took a tenth of a second on each replica for thousands of resources."""
    state, compared = _loaded().state, []
    has_all = edit._has_all

    def counted(element: Element, pattern: Element) -> bool:
        compared.append(element)
        return has_all(element, pattern)

    monkeypatch.setattr(edit, "_has_all", counted)
    delete = write(OperationKind.DELETE, '<op id="r1400-m" interval="10s"/>', scope="resources")
    after = told(state, delete)
    assert len(compared) == 1
    assert (
        find(after.cib, "/cib/configuration/resources/primitive[@id='r1400']/operations/op") is None
    )
    other = write(OperationKind.DELETE, '<op id="r1399-m" interval="11s"/>', scope="resources")
    assert told(after, other).cib.child("configuration") is after.cib.child("configuration")


def _reading() -> Reading:
    return Reading(XPathTree, Views())


@pytest.mark.parametrize("asked", [Asked(xpath="//op[@id='r7-m']"), Asked(scope="resources")])
def test_others_are_served_while_a_large_cib_is_read(asked: Asked) -> None:
    cib, small, reading = _loaded().state.cib, _replica().state.cib, _reading()
    assert _turns_while(lambda: reading.texts(cib, cib, asked)) > 2
    assert _turns_while(lambda: reading.texts(cib, cib, asked)) <= 1  # the answer is kept
    assert _turns_while(lambda: reading.texts(small, small, asked)) <= 1


def test_readers_of_several_versions_get_each_the_one_that_they_asked_for() -> None:
    """Answers are kept, and found on threads: none may come from another version."""
    versions = [_loaded().state]
    for number in range(4):
        change = f'<op id="r7-m" name="monitor" interval="{number}s"/>'
        path = "/cib/configuration/resources/primitive[@id='r7']/operations/op[@id='r7-m']"
        versions.append(told(versions[-1], write(OperationKind.REPLACE, change, path=path)))
    replica = _replica()
    proposer = Proposer(
        log=cast("ReplicatedLog", _NeverAsked()), replica=replica, cluster=CLUSTER, node=A
    )
    reading = Reading(Changes(proposer=proposer, replica=replica, hub=Hub()).tree, Views())

    async def asked_at_once() -> None:
        cibs = [state.cib for state in versions] * 20
        xpath = Asked(xpath="//op[@id='r7-m']")
        found = await asyncio.gather(*(reading.texts(cib, cib, xpath) for cib in cibs))
        assert found[:5] == [(_op_of(state.cib),) for state in versions]
        assert found == found[:5] * 20

    asyncio.run(asked_at_once())


def _op_of(cib: Element) -> str:
    path = "/cib/configuration/resources/primitive[@id='r7']/operations/op[@id='r7-m']"
    element = find(cib, path)
    assert element is not None
    return render(element, indent=0)


RULES = (
    '<acls><acl_role id="reader"><acl_permission id="p" kind="read" xpath="/cib"/>'
    '<acl_permission id="q" kind="deny" xpath="//op[@id=\'r7-m\']"/></acl_role>'
    '<acl_target id="tony"><role id="reader"/></acl_target></acls>'
)
SWITCH = '<nvpair id="e" name="enable-acl" value="true"/>'


def _guarded(state: State) -> State:
    path = "/cib/configuration/crm_config/cluster_property_set[@id='cib-bootstrap-options']"
    return told(
        state,
        write(OperationKind.CREATE, RULES, path="/cib/configuration"),
        write(OperationKind.CREATE, SWITCH, path=path),
    )


@pytest.mark.parametrize("sight", [None, Sight(Views(), Caller(user="tony"))])
def test_others_are_served_while_a_follower_is_told_of_a_large_change(sight: Sight | None) -> None:
    async def following(before: State, after: State) -> None:
        hub = Hub()
        hub.add(before)
        hub.add(after)
        step = await anext(hub.follow(before.index, sight))
        assert step.patch is not None
        assert ("r7-m" in step.patch) is (sight is None and after is large)

    before = _guarded(born())
    large = told(before, write(LOAD.kind, LOAD.xml, scope="resources"))
    small = told(before, write(OperationKind.CREATE, '<tag id="t"/>'))
    assert _turns_while(lambda: following(before, large)) > 2
    assert _turns_while(lambda: following(before, small)) <= 1


def test_a_large_past_is_looked_through_on_a_thread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For a reader whom rules bind, too, who is shown what was then by the rules of now."""
    threads: list[threading.Thread] = []

    def noted(element: Element, *, indent: int) -> str:
        threads.append(threading.current_thread())
        return render(element, indent=indent)

    before = _guarded(born())
    after = told(before, write(LOAD.kind, LOAD.xml, scope="resources"))
    permissions = binding(after.cib, Caller(user="tony"))
    assert permissions is not None

    async def shown() -> None:
        history = History(tmp_path / "history.db")
        entry = HistoryEntry(revision=after.index, version=after.version, origin=Origin())
        history.note(entry, before.cib, after.cib)
        past = Past(history, Views(), permissions, Aside("test", 1))
        text = await past.at(after.index)
        (seen,) = await past.entries(limit=1, before=0, patches=True)
        history.close()
        assert ('id="r8-m"' in text, 'id="r7-m"' in text) == (True, False)
        assert seen.origin == replace(entry.origin, message="", user="", client="")

    monkeypatch.setattr(past_module, "render", noted)
    asyncio.run(shown())
    assert threads
    assert threading.main_thread() not in threads


def test_followers_of_a_large_change_share_the_difference() -> None:
    async def following() -> None:
        before, hub = _replica().state, Hub()
        after = told(before, write(LOAD.kind, LOAD.xml, scope="resources"))
        hub.add(before)
        hub.add(after)
        follower = asyncio.ensure_future(anext(hub.follow(before.index)))
        steps = [asyncio.ensure_future(anext(hub.follow(before.index))) for _ in range(5)]
        await asyncio.sleep(0)
        follower.cancel()  # who began it may go: the others have it nevertheless
        patches = [(await step).patch for step in steps]
        assert patches[0]
        assert all(patch is patches[0] for patch in patches)

    asyncio.run(following())


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
