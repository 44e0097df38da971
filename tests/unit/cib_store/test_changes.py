"""Operations on the CIB match, merge and version as Pacemaker's do (features section 4)."""

from __future__ import annotations

import pytest

from cib_store.apply import State
from cib_store.document.codec import parse, render
from cib_store.document.element import Element
from cib_store.document.patchset import difference
from cib_store.document.path import find
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    CibChange,
    CibOperation,
    CloseClients,
    OpenClient,
    OperationKind,
    Precondition,
)
from raftmaker.vocabulary.ids import ClientId
from tests.unit.cib_store.stories import born, command, then, told, write

K = OperationKind
WEB = '<primitive id="web" class="ocf" provider="heartbeat" type="Dummy"/>'


def _web() -> State:
    group = f'<group id="g">{WEB}</group>'
    return told(born(), write(K.CREATE, group, scope="resources"))


def _web_of(state: State) -> Element:
    found = find(state.cib, "/cib/configuration/resources/group[@id='g']/primitive[@id='web']")
    assert found is not None
    return found


def test_create_refuses_what_exists_and_leaves_the_same_root() -> None:
    """features 4.2"""
    state = told(born(), write(K.CREATE, WEB, scope="resources"))
    after, outcome = then(state, write(K.CREATE, WEB))
    assert outcome.code is ExitCode.EXISTS
    assert after.cib is state.cib


def test_descriptions_and_comments_are_kept() -> None:
    """features 6.15: through what changes beside them, and the element itself."""
    noted = WEB.replace("/>", ' description="the web"><!-- since May --></primitive>')
    state = told(born(), write(K.CREATE, f'<group id="g">{noted}</group>', scope="resources"))
    xml = '<primitive id="web" type="Stateful"><meta_attributes id="m"/></primitive>'
    state = told(state, write(K.MODIFY, xml, scope="resources"))
    state = told(state, write(K.CREATE, WEB.replace("web", "db"), scope="resources"))
    assert _web_of(state).get("description") == "the web"
    assert _web_of(state).get("type") == "Stateful"
    assert "<!-- since May -->" in render(_web_of(state))
    assert parse(render(state.cib)) == state.cib


def test_modify_finds_its_element_at_any_depth_and_merges() -> None:
    """features 4.3"""
    xml = (
        '<primitive id="web" description="d"><meta_attributes id="m">'
        '<nvpair id="n" name="target-role" value="Started"/></meta_attributes></primitive>'
    )
    state = told(_web(), write(K.MODIFY, xml, scope="resources"))
    assert _web_of(state).get("type") == "Dummy"
    assert _web_of(state).get("description") == "d"
    xml = '<nvpair id="n" value="Stopped"/>'
    state = told(state, write(K.MODIFY, xml, scope="resources"))
    assert _web_of(state).children[0].children[0].get("value") == "Stopped"
    assert _web_of(state).children[0].children[0].get("name") == "target-role"


def test_modify_of_what_is_absent_needs_leave_to_create() -> None:
    """features 4.3"""
    missing = CibOperation(kind=K.MODIFY, xml='<primitive id="x"/>', scope="resources")
    assert then(born(), CibChange(operations=(missing,)))[1].code is ExitCode.NOSUCH
    allowed = CibOperation(kind=K.MODIFY, xml=missing.xml, scope="resources", all=True)
    told(born(), CibChange(operations=(allowed,)))


@pytest.mark.parametrize(
    ("old", "given", "new"),
    [("5", "score++", "6"), ("5", "score+=10", "15"), ("INFINITY", "score++", "INFINITY"),
     ("5", "score+=-7", "-2"), ("5", "7", "7"), (None, "score++", "1"),
     ("5", "score+=INFINITY", "INFINITY")],
)  # fmt: skip
def test_scored_updates_add(old: str | None, given: str, new: str) -> None:
    """features 4.14"""
    score = f'score="{old}"' if old else ""
    state = told(born(), write(K.CREATE, f'<rsc_location id="l" {score}/>'))
    update = CibOperation(kind=K.MODIFY, xml=f'<rsc_location id="l" score="{given}"/>', score=True)
    state = told(state, CibChange(operations=(update,)))
    location = find(state.cib, "/cib/configuration/constraints/rsc_location[@id='l']")
    assert location is not None
    assert location.get("score") == new


def test_replace_puts_an_element_or_a_section_in_place() -> None:
    """features 4.4"""
    state = told(_web(), write(K.REPLACE, '<primitive id="web" type="Other"/>', scope="resources"))
    assert _web_of(state).attributes == {"id": "web", "type": "Other"}
    state = told(state, write(K.REPLACE, "<resources/>", scope="resources"))
    assert find(state.cib, "/cib/configuration/resources") == Element("resources")


def test_replacing_everything_keeps_the_status_and_refuses_an_older_epoch() -> None:
    """features 4.4, 4.19"""
    state = _web()
    old = render(born().cib)
    assert then(state, write(K.REPLACE, old))[1].code is ExitCode.OLD
    status = told(state, write(K.CREATE, '<node_state id="a" join="member"/>'))
    new = status.cib.with_children((born().cib.children[0], Element("status")))
    state = told(status, write(K.REPLACE, render(new)))
    assert find(state.cib, "/cib/status/node_state[@id='a']") is not None
    assert state.version.epoch == status.version.epoch + 1


def test_delete_matches_given_attributes_and_forgives_absence() -> None:
    """features 4.5"""
    state = _web()
    kept = told(state, write(K.DELETE, '<primitive id="web" type="Other"/>', scope="resources"))
    assert kept.cib is state.cib
    gone = told(state, write(K.DELETE, '<primitive type="Dummy"/>', scope="resources"))
    assert find(gone.cib, "/cib/configuration/resources/group[@id='g']") == Element(
        "group", {"id": "g"}
    )
    path = "/cib/configuration/resources/group[@id='g']"
    assert find(told(state, write(K.DELETE, path=path)).cib, path) is None


def test_a_patch_is_applied_to_its_source_version_only() -> None:
    """features 4.6, 4.18"""
    first = born()
    second = told(first, write(K.CREATE, WEB))
    patch = render(difference(first.cib, second.cib))
    again = told(first, write(K.PATCH, patch))
    assert again.cib == second.cib
    assert then(second, write(K.PATCH, patch))[1].code is ExitCode.OLD


def test_versions_follow_what_changed() -> None:
    """features 3.3"""
    state = _web()
    epoch = state.version.epoch
    state = told(state, write(K.CREATE, '<node_state id="a"/>'))
    assert (state.version.epoch, state.version.num_updates) == (epoch, 1)
    state = told(state, write(K.BUMP))
    assert (state.version.epoch, state.version.num_updates) == (epoch + 1, 0)
    state = told(state, write(K.MODIFY, '<cib admin_epoch="3"/>'))
    assert (state.version.admin_epoch, state.version.epoch) == (3, epoch + 2)
    assert then(state, write(K.MODIFY, '<cib admin_epoch="1"/>'))[1].code is ExitCode.OLD


def test_a_configuration_change_is_stamped() -> None:
    """features 3.6"""
    cib = _web().cib
    assert cib.get("cib-last-written") == "Tue Nov 14 22:13:20 2023"
    assert cib.get("update-client") == "test"
    assert cib.get("update-user") == "me"


def test_erase_empties_the_configuration_only() -> None:
    """features 4.7"""
    state = told(_web(), write(K.CREATE, '<node_state id="a"/>'), write(K.ERASE))
    assert find(state.cib, "/cib/configuration/resources") == Element("resources")
    assert find(state.cib, "/cib/status/node_state[@id='a']") is not None


def test_all_operations_or_none() -> None:
    """features 4.15"""
    state = born()
    good = CibOperation(kind=K.CREATE, xml=WEB)
    after, outcome = then(state, CibChange(operations=(good, good)))
    assert outcome.code is ExitCode.EXISTS
    assert after.cib is state.cib


def test_duplicate_ids_are_refused() -> None:
    """features 1.9"""
    location = '<rsc_location id="web" rsc="web" node="a" score="1"/>'
    after, outcome = then(_web(), write(K.CREATE, location))
    assert outcome.code is ExitCode.CONFIG
    assert outcome.has("duplicate-id")
    assert after.cib == _web().cib
    told(_web(), write(K.CREATE, '<tag id="t"><obj_ref id="web"/></tag>'))


@pytest.mark.parametrize("path", ["/cib", "/cib/configuration/resources", "/cib/status"])
def test_what_a_cib_must_have_cannot_be_deleted(path: str) -> None:
    state, outcome = then(_web(), write(K.DELETE, path=path))
    assert not outcome.succeeded
    assert state.cib == _web().cib


def test_a_precondition_that_does_not_hold_refuses_and_is_not_remembered() -> None:
    state = told(_web(), OpenClient(ClientId("k")))
    operation = CibOperation(kind=K.CREATE, xml='<tag id="t"/>')
    path = "/cib/configuration/resources"
    wrong = CibChange(
        operations=(operation,), preconditions=(Precondition(path=path, digest=b"x"),)
    )
    after, outcome = then(state, command(wrong, client="k", sequence=1))
    assert outcome.code is ExitCode.OLD
    assert outcome.has("conflict")
    found = find(state.cib, path)
    assert found is not None
    right = CibChange(
        operations=(operation,), preconditions=(Precondition(path=path, digest=found.digest),)
    )
    told(after, command(right, client="k", sequence=1))


def test_a_request_asked_twice_is_executed_once() -> None:
    request = command(write(K.BUMP), client="k", sequence=1)
    state = told(_web(), OpenClient(ClientId("k")))
    once, first = then(state, request)
    twice, second = then(once, request)
    assert first == second
    assert twice.cib is once.cib


def test_a_request_of_an_ended_session_is_not_executed() -> None:
    request = command(write(K.BUMP), client="k", sequence=1)
    state = told(_web(), OpenClient(ClientId("k")), CloseClients((ClientId("k"),)))
    after, outcome = then(state, request)
    assert outcome.has("session-expired")
    assert after.cib is state.cib


def test_a_status_change_must_not_touch_the_configuration() -> None:
    change = CibChange(operations=(CibOperation(kind=K.CREATE, xml=WEB),), status=True)
    after, outcome = then(born(), change)
    assert outcome.has("not-status")
    assert after.cib == born().cib
