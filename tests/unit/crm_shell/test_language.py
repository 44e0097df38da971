"""Statements as the Linux-HA tutorials write them, and what they mean (features 30.19-30.37)."""

from __future__ import annotations

import pytest

from cib_store.document.element import COMMENT, Element
from crm_shell.syntax import parse, parse_words


def only(text: str) -> Element:
    parsed = parse(text)
    assert not parsed.faults, parsed.faults[0]
    (statement,) = parsed.statements
    return statement.element


def pairs(element: Element) -> dict[str, str]:
    return {each.get("name"): each.get("value") for each in element.each("nvpair")}


@pytest.mark.parametrize(
    ("agent", "meaning"),
    [
        ("Dummy", ("ocf", "heartbeat", "Dummy")),
        ("ocf:Dummy", ("ocf", "heartbeat", "Dummy")),
        ("pacemaker:Dummy", ("ocf", "pacemaker", "Dummy")),
        ("ocf:linbit:drbd", ("ocf", "linbit", "drbd")),
        ("systemd:nginx", ("systemd", "", "nginx")),
        ("lsb:mysqld", ("lsb", "", "mysqld")),
        ("stonith:fence_ipmilan", ("stonith", "", "fence_ipmilan")),
    ],
)
def test_an_agent_is_split(agent: str, meaning: tuple[str, str, str]) -> None:
    """features 30.20"""
    element = only(f"primitive p {agent}")
    assert tuple(element.get(name) for name in ("class", "provider", "type")) == meaning


def test_continued_lines_quotes_and_comments() -> None:
    element = only(
        "# the address\n"
        'primitive ip IPaddr2 \\\n\tparams ip="192.0.2.1" \\ \n  # a remark\n'
        '  nic=\'eth 0\' text="say \\"hi\\" \\\\ a\\b" \\\n  op monitor interval="10s"\n'
    )
    assert [each.text for each in element.children if each.tag == COMMENT] == ["# the address"]
    params = element.child("instance_attributes")
    assert params is not None
    assert pairs(params) == {"ip": "192.0.2.1", "nic": "eth 0", "text": 'say "hi" \\ a\\b'}


def test_a_rule_may_begin_a_continued_line_with_a_hash() -> None:
    element = only("location l web rule 10: \\\n #uname eq n1")
    assert element.children[0].children[0].get("attribute") == "#uname"


def test_the_older_promotable_clone_is_read_in_todays_words() -> None:
    """features 30.23"""
    element = only('ms m p meta master-max="1" master-node-max=1 notify=true')
    assert element.tag == "clone"
    meta = element.child("meta_attributes")
    assert meta is not None
    assert pairs(meta) == {
        "promotable": "true", "promoted-max": "1", "promoted-node-max": "1", "notify": "true",
    }  # fmt: skip


def test_parameters_of_operations_are_told_from_their_attributes() -> None:
    element = only("primitive p Dummy op monitor interval=1m OCF_CHECK_LEVEL=10 op stop timeout=9")
    monitor, stop = element.children[0].children
    assert monitor.get("interval") == "1m"
    assert pairs(monitor.children[0]) == {"OCF_CHECK_LEVEL": "10"}
    assert (stop.get("timeout"), stop.get("interval")) == ("9", "0s")


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("location l web inf: n1", {"score": "INFINITY", "node": "n1", "rsc": "web"}),
        ("location l /web.*/ -50: n1", {"score": "-50", "rsc-pattern": "web.*"}),
        ("location l web role=master 1: n1", {"role": "Promoted"}),
        ("colocation c -INF: a b:Slave", {"score": "-INFINITY", "with-rsc-role": "Unpromoted"}),
        ("colocation c inf: a b node-attribute=rack", {"node-attribute": "rack"}),
        ("order o inf: a b", {"kind": "Mandatory", "first": "a", "then": "b"}),
        ("order o 0: a b", {"kind": "Optional"}),
        ("order o serialize: a b symmetrical=no", {"kind": "Serialize", "symmetrical": "false"}),
        ("order o a:promote b:start", {"first-action": "promote", "then-action": "start"}),
        ("rsc_ticket t T: a:Master loss-policy=fence",
         {"ticket": "T", "rsc-role": "Promoted", "loss-policy": "fence"}),
    ],
)  # fmt: skip
def test_a_constraint(text: str, attributes: dict[str, str]) -> None:
    """features 30.26-30.31"""
    assert attributes.items() <= only(text).attributes.items()


def test_resource_sets() -> None:
    """features 30.30"""
    element = only("order o Mandatory: a b (c d) [ e f ] g:stop h:stop")
    shown = [
        (each.get("sequential"), each.get("require-all"), each.get("action"),
         "".join(member.id for member in each.children))
        for each in element.children
    ]  # fmt: skip
    assert shown == [
        ("", "", "", "ab"), ("false", "", "", "cd"), ("false", "false", "", "ef"),
        ("", "", "stop", "gh"),
    ]  # fmt: skip


def test_dates_in_rules() -> None:
    """features 30.27, 14.6-14.9"""
    element = only("location l w rule 1: date in start=2009-05-26 years=1 or date spec hours=9-17")
    inside, spec = element.children[0].children
    assert element.children[0].get("boolean-op") == "or"
    assert inside.children[0] == Element("duration", {"years": "1"})
    assert spec.children[0] == Element("date_spec", {"hours": "9-17"})


@pytest.mark.parametrize("name", ["yeardays", "yearsdays"])
def test_the_day_of_the_year_has_the_name_that_is_read(name: str) -> None:
    """features 35.6: crmsh writes the other one, which no scheduler reads"""
    element = only(f"location l w rule 1: date spec {name}=42")
    assert element.children[0].children[0].children == (Element("date_spec", {"yeardays": "42"}),)


def test_access_shortcuts_become_xpaths() -> None:
    """features 30.34"""
    element = only("role op write meta:web:target-role read ref:ip attr:x read status")
    assert [each.get("xpath") for each in element.children] == [
        "//primitive[@id='web']/meta_attributes/nvpair[@name='target-role']", "", "/cib/status",
    ]  # fmt: skip
    assert element.children[1].get("attribute") == "x"


def test_words_of_a_shell_need_no_quotes() -> None:
    parsed = parse_words(["primitive", "p", "Dummy", "params", 'text=two "words"'])
    assert pairs(parsed.statements[0].element.children[0]) == {"text": 'two "words"'}
