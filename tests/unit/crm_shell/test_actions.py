"""What move, ban, clear, start and attribute changes send, carried out as the store does it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from cib_store.document.codec import parse
from cib_store.document.element import Element
from cib_store.document.operations import carried_out
from crm_shell.actions import moving, pairs, roles, tracing, tree
from crm_shell.actions.failcounts import failcount
from raftmaker.vocabulary.commands import CibOperation

CIB_TEXT = """
<cib><configuration><crm_config/><nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources><group id="g"><meta_attributes id="g-m"><nvpair id="g-m-t" name="target-role"
value="Stopped"/></meta_attributes><primitive id="web" class="ocf" provider="x" type="y">
<meta_attributes id="w-m"><nvpair id="w-m-t" name="target-role" value="Stopped"/></meta_attributes>
</primitive></group></resources><constraints/></configuration>
<status><node_state id="1" uname="n1"/></status></cib>
"""
CIB = parse(CIB_TEXT)


def after(cib: Element, operations: Iterable[CibOperation]) -> Element:
    for operation in operations:
        done = carried_out(cib, operation)
        assert isinstance(done, Element), done
        cib = done
    return cib


def constraints(cib: Element) -> dict[str, Element]:
    return {each.id: each for each in tree.section(cib, "constraints").children}


def test_move_prefers_and_clear_lifts_it() -> None:
    """features 12.9, 30.13"""
    moved = after(CIB, [moving.prefer(CIB, "web", "n2")])
    made = constraints(moved)["cli-prefer-web"]
    assert (made.get("node"), made.get("score"), made.get("rsc")) == ("n2", "INFINITY", "web")
    again = after(moved, [moving.prefer(moved, "web", "n1")])
    assert constraints(again)["cli-prefer-web"].get("node") == "n1"
    banned = after(again, [moving.ban(again, "web", "n2")])
    assert constraints(banned)["cli-ban-web-on-n2"].get("score") == "-INFINITY"
    assert list(constraints(after(banned, moving.cleared(banned, "web", "n1")))) == [
        "cli-ban-web-on-n2"
    ]
    assert not constraints(after(banned, moving.cleared(banned, "web")))


def test_a_lifetime_becomes_a_rule() -> None:
    """features 12.9"""
    moved = after(CIB, [moving.prefer(CIB, "web", "n2", end="2026-01-01 00:00:00Z")])
    made = constraints(moved)["cli-prefer-web"]
    assert "node" not in made.attributes
    assert moving.node_of(made) == "n2"
    assert [each.get("operation") for each in made.children[0].children] == ["eq", "lt"]


def test_lifetimes_are_durations_or_dates() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert moving.end_of_lifetime("PT30M", now) == "2026-01-01 00:30:00Z"
    assert moving.end_of_lifetime("2026-05-05", now) == "2026-05-05 00:00:00"
    with pytest.raises(ValueError, match="no lifetime"):
        moving.end_of_lifetime("soon", now)


def test_starting_a_group_overrules_its_members() -> None:
    """features 30.12"""
    started = after(CIB, roles.set_meta(CIB, "g", "target-role", "Started"))
    assert roles.meta_of(started, "g", "target-role") == "Started"
    assert roles.meta_of(started, "web", "target-role") is None


def test_starting_a_member_of_a_stopped_group_is_known_to_be_in_vain() -> None:
    assert roles.stopped_above(CIB, "web") == ("g",)


def test_the_unknown_is_told_with_what_is_alike() -> None:
    with pytest.raises(tree.NotThere, match="did you mean 'web'"):
        tree.resource(CIB, "wbe")
    with pytest.raises(tree.NotThere, match="nodes: n1, n2"):
        tree.node(CIB, "mars")


def test_attributes_of_nodes_last_or_go_with_the_node() -> None:
    """features 3.13, 27.11"""
    entry = tree.node(CIB, "n1")
    lasting = after(CIB, [pairs.set_pair(pairs.of_node(entry), entry, "standby", "on")])
    node = tree.node(lasting, "n1")
    assert node.children[0].id == "nodes-1"
    assert node.children[0].children[0].id == "nodes-1-standby"
    owner = pairs.transient_owner(CIB, "1")
    going = after(CIB, [pairs.set_pair(pairs.of_status("1"), owner, "x", "5")])
    owner = pairs.transient_owner(going, "1")
    ((_, pair),) = pairs.find_pairs(pairs.of_status("1"), owner, "x")
    assert (pair.id, pair.get("value")) == ("status-1-x", "5")
    gone = after(going, pairs.remove_pair(pairs.of_status("1"), owner, "x"))
    assert not pairs.find_pairs(pairs.of_status("1"), pairs.transient_owner(gone, "1"), "x")


def test_an_attribute_is_changed_where_it_is() -> None:
    web = tree.resource(CIB, "web")
    home = pairs.of_resource(web)
    changed = after(CIB, [pairs.set_pair(home, web, "target-role", "Started")])
    ((each, pair),) = pairs.find_pairs(home, tree.resource(changed, "web"), "target-role")
    assert (each.id, pair.id, pair.get("value")) == ("w-m", "w-m-t", "Started")


def operations_of(cib: Element) -> dict[str, dict[str, str]]:
    """Return what each operation of web is given."""
    return {
        op.get("name"): {
            pair.get("name"): pair.get("value")
            for given in op.each("instance_attributes")
            for pair in given.each("nvpair")
        }
        for operations in tree.resource(cib, "web").each("operations")
        for op in operations.each("op")
    }


def test_an_operation_is_traced_where_it_is_configured_or_added_for_it() -> None:
    """Features 30.14, 5.27."""
    one = after(CIB, tracing.traced(CIB, "web", "monitor", "10s", "/var/tmp/t"))
    assert operations_of(one) == {"monitor": {"trace_ra": "1", "trace_dir": "/var/tmp/t"}}
    every = after(one, tracing.traced(one, "web"))
    assert operations_of(every) == {
        "monitor": {"trace_ra": "1", "trace_dir": "/var/tmp/t"},
        "start": {"trace_ra": "1"},
        "stop": {"trace_ra": "1"},
    }
    assert operations_of(after(every, tracing.untraced(every, "web", "monitor"))) == {
        "monitor": {},
        "start": {"trace_ra": "1"},
        "stop": {"trace_ra": "1"},
    }
    assert not any(operations_of(after(every, tracing.untraced(every, "web"))).values())
    assert tracing.untraced(CIB, "web") == ()


def test_what_promotes_and_the_first_look_are_traced_too() -> None:
    """Features 34.3: of all operations promote and demote; probe is a monitor without interval."""
    master = parse(CIB_TEXT.replace('<group id="g">', '<clone id="g">')
                   .replace("</group>", "</clone>")
                   .replace('name="target-role"', 'name="promotable"', 1)
                   .replace('value="Stopped"', 'value="true"', 1))  # fmt: skip
    every = after(master, tracing.traced(master, "web"))
    assert list(operations_of(every)) == ["start", "stop", "promote", "demote"]
    probed = after(CIB, tracing.traced(CIB, "web", "probe"))
    assert operations_of(probed) == {"monitor": {"trace_ra": "1"}}
    (op,) = [each for each in probed.walk() if each.tag == "op"]
    assert op.get("interval") == "0"
    assert operations_of(after(probed, tracing.untraced(probed, "web", "probe"))) == {"monitor": {}}


def test_a_container_is_not_traced_and_says_what_can_be() -> None:
    with pytest.raises(tree.NotThere, match=r"g is a group: trace one of its primitives \(web\)"):
        tracing.traced(CIB, "g")


def test_failures_are_summed_over_the_operations_of_a_resource() -> None:
    """Features 8.20, 30.12: failcount show."""
    counted = after(
        CIB,
        [
            pairs.set_pair(pairs.of_status("1"), None, name, value)
            for name, value in (
                ("fail-count-web#monitor_10000", "2"),
                ("fail-count-web#start_0", "INFINITY"),
                ("fail-count-website#start_0", "7"),
            )
        ],
    )
    assert failcount(counted, "1", "web", "monitor", 10000) == 2
    assert failcount(counted, "1", "web") == 1000000
    assert failcount(counted, "2", "web") == 0
