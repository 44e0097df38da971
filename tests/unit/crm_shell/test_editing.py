"""Statements applied to a configuration, removal, renaming, and the operations sent for them."""

from __future__ import annotations

import pytest

from cib_store.document.codec import parse as parse_xml
from cib_store.document.element import Element
from cib_store.document.operations import carried_out
from crm_shell.edit import Mode, apply, operations
from crm_shell.edit.removal import NoSuchObject, remove
from crm_shell.edit.renaming import renamed
from crm_shell.edit.show import show
from crm_shell.syntax import parse

EMPTY = parse_xml(
    '<configuration><crm_config/><nodes><node id="7" uname="n1"/></nodes><resources/>'
    "<constraints/></configuration>"
)


def loaded(text: str, base: Element = EMPTY, mode: Mode = Mode.UPDATE) -> Element:
    edited = apply(base, parse(text), mode)
    assert not edited.faults, [str(fault) for fault in edited.faults]
    return edited.configuration


def shown(configuration: Element, *chosen: str) -> str:
    return show(configuration, chosen)[0]


BASE = loaded(
    "primitive a Dummy\nprimitive b Dummy\nprimitive c Dummy\nprimitive d Dummy\n"
    "group g a b\nclone k c\n"
    "colocation c1 inf: d ( a c )\norder o1 a d\nlocation l1 g 10: n1\ntag t: a d\n"
    "property stonith-enabled=true maintenance-mode=false\n"
)


def ids(configuration: Element, section: str) -> list[str]:
    found = configuration.child(section)
    return [each.id for each in found.children] if found else []


def test_creating_what_exists_is_refused() -> None:
    """features 30.44"""
    edited = apply(BASE, parse("primitive a Dummy\nlocation l1 a 1: n1"), Mode.CREATE)
    assert [fault.line for fault in edited.faults] == [1, 2]


def test_options_are_merged_and_an_old_name_gives_way_to_its_new_one() -> None:
    """features 2, 30.32: with both names set only the new one would count."""
    text = shown(loaded("property fencing-enabled=false", BASE), "type:property")
    assert "fencing-enabled=false" in text
    assert "stonith-enabled" not in text
    assert "maintenance-mode=false" in text


def test_a_nodes_id_from_elsewhere_is_not_taken_over() -> None:
    configuration = loaded('node $id="1084752130" n1 attributes rack=1', BASE)
    assert ids(configuration, "nodes") == ["7"]


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.UPDATE])
def test_a_remote_nodes_entry_does_not_keep_its_connection_from_being_defined(mode: Mode) -> None:
    """features 22.2: it has the same id, and is there as soon as the node has an attribute."""
    entry = loaded("node far:remote attributes rack=2")
    made = loaded("primitive far ocf:pacemaker:remote params port=1", entry, mode)
    changed = loaded("primitive far ocf:pacemaker:remote params port=2", made)
    assert "port=2" in shown(changed, "far")
    assert "far" in ids(entry, "nodes") == ids(changed, "nodes")
    assert ids(changed, "resources") == ["far"]


def test_push_removes_what_is_not_mentioned() -> None:
    """features 30.42"""
    assert ids(loaded("primitive a Dummy", BASE, Mode.PUSH), "resources") == ["a"]
    assert ids(loaded("primitive a Dummy", BASE, Mode.UPDATE), "resources") == ["d", "g", "k"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("group h nix", "does not exist"),
        ("group h a", "is in"),
        ("clone h k", "cannot hold"),
        ("group h g", "cannot hold"),
        ("primitive x Dummy\nprimitive x Dummy", "already"),
        ("monitor nix 10s", "no primitive"),
    ],
)
def test_what_does_not_fit_together_is_refused(text: str, part: str) -> None:
    edited = apply(BASE, parse(text), Mode.CREATE)
    assert part in str(edited.faults[0])


def test_a_member_whose_own_statement_is_faulty_is_not_missing() -> None:
    edited = apply(EMPTY, parse("primitive x Dummy 'oops\ngroup h y\nprimitve y z"), Mode.UPDATE)
    assert [fault.line for fault in edited.faults] == [1, 3]


def test_deleting_cleans_what_refers() -> None:
    """features 30.45"""
    configuration = remove(BASE, ["a", "d"])
    assert shown(configuration, "g") == "group g b"
    assert ids(configuration, "constraints") == ["l1"]
    assert ids(configuration, "tags") == []


def test_deleting_a_group_leaves_its_members_and_its_last_member_takes_it_along() -> None:
    assert ids(remove(BASE, ["g"]), "resources") == ["d", "a", "b", "k"]
    assert "l1" not in ids(remove(BASE, ["a", "b"]), "constraints")


def test_deleting_the_unknown_names_what_is_alike() -> None:
    with pytest.raises(NoSuchObject, match="did you mean 'c1'"):
        remove(BASE, ["c11"])


def test_renaming_follows_references() -> None:
    configuration = renamed(BASE, "a", "z")
    assert shown(configuration, "g", "o1") == "group g z b\norder o1 z d"
    with pytest.raises(ValueError, match="in use"):
        renamed(BASE, "a", "b")


@pytest.mark.parametrize(
    "text",
    [
        "primitive e Dummy",
        "primitive a Dummy params x=1",
        "group g b a",
        "group g2 d",
        "group g b",
        "location l1 g 20: n1",
        "rsc_defaults resource-stickiness=1",
        "property x=1",
        "node n1 attributes standby=on",
        "alert al /x",
        "role r read cib",
    ],
)
def test_the_operations_make_the_new_configuration(text: str) -> None:
    """They are carried out as the store does it (features 4.2-4.5)."""
    wanted = loaded(text, BASE)
    cib = Element("cib", {}, (BASE, Element("status")))
    found = operations(BASE, wanted)
    assert found
    for operation in found:
        done = carried_out(cib, operation)
        assert isinstance(done, Element), done
        cib = done
    made = cib.child("configuration")
    assert made is not None
    # A section that is new comes last there; the order of sections means nothing.
    assert {each.tag: each for each in made.children} == {
        each.tag: each for each in wanted.children
    }


def test_show_chooses_objects() -> None:
    """features 30.40"""
    assert shown(BASE, "type:order") == "order o1 a d"
    assert "group g" in shown(BASE, "related:a")
    assert shown(BASE, "tag:t") == "primitive a Dummy\nprimitive d Dummy"
    assert show(BASE, ["nix", "c*"])[1] == ("nix",)
