"""A configuration against what its agents say of themselves (features 30.46, 5.14, 5.15)."""

from __future__ import annotations

from pathlib import Path

import pytest

from cib_store.document.element import Element
from crm_shell.agents.alert_agents import alert_findings
from crm_shell.agents.checks import findings
from crm_shell.agents.text import description
from crm_shell.agents.uses import Use, UsedOperation, uses
from crm_shell.edit import Mode, apply
from crm_shell.syntax import parse
from lrmd.metadata import AgentMetadata, read_metadata

ADDRESS = read_metadata("""<resource-agent name="IPaddr2" version="1.0"><version>1.0</version>
<longdesc lang="en">An address.</longdesc><shortdesc lang="en">Manages addresses</shortdesc>
<parameters>
<parameter name="ip" unique="1" required="1"><shortdesc lang="en">the address</shortdesc>
<content type="string"/></parameter>
<parameter name="cidr_netmask"><content type="integer" default="32"/></parameter>
</parameters>
<actions>
<action name="start" timeout="20s"/><action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s" depth="0"/>
</actions></resource-agent>""")
DATABASE = read_metadata("""<resource-agent name="db"><version>1.1</version>
<parameters/><actions>
<action name="start" timeout="120s"/><action name="stop" timeout="60s"/>
<action name="monitor" role="Promoted" timeout="50s"/>
<action name="monitor" role="Unpromoted" timeout="10s"/>
</actions></resource-agent>""")
IPMI = read_metadata("""<resource-agent name="fence_ipmilan" shortdesc="Fence agent for IPMI">
<parameters>
<parameter name="action" required="1"><content type="string" default="reboot"/></parameter>
<parameter name="ipaddr" required="1" deprecated="1"><content type="string"/></parameter>
<parameter name="ip" required="1" obsoletes="ipaddr"><content type="string"/></parameter>
<parameter name="plug" required="1" obsoletes="port"><content type="string"/></parameter>
</parameters>
<actions><action name="on"/><action name="off"/><action name="monitor"/></actions>
</resource-agent>""")


def use_of(text: str, name: str) -> Use:
    edited = apply(Element("configuration"), parse(text), Mode.UPDATE)
    assert not edited.faults
    return uses(edited.configuration)[name]


def told(text: str, name: str, metadata: AgentMetadata = ADDRESS) -> list[str]:
    """Return what is found, but for the advice to monitor, which has a test of its own."""
    return [each for each in told_all(text, name, metadata) if "nothing monitors" not in each]


def told_all(text: str, name: str, metadata: AgentMetadata = ADDRESS) -> list[str]:
    return [
        f"{'error' if each.is_error else 'warning'}: {each.what}"
        for each in findings(use_of(text, name), metadata)
    ]


def test_what_fits_is_passed_over() -> None:
    assert told("primitive a IPaddr2 params ip=10.0.0.1 op monitor interval=10s", "a") == []


def test_a_parameter_that_the_agent_does_not_have_is_an_error_with_what_is_like_it() -> None:
    """Features 30.46: unknown params."""
    assert told("primitive a IPaddr2 params ip=10.0.0.1 cidr_netmsk=24", "a") == [
        "error: ocf:heartbeat:IPaddr2 has no parameter 'cidr_netmsk'; did you mean 'cidr_netmask'?"
    ]


def test_a_required_parameter_that_is_missing_is_an_error_that_says_what_it_is() -> None:
    """Features 30.46: required params."""
    assert told("primitive a IPaddr2", "a") == [
        "error: the parameter 'ip' that ocf:heartbeat:IPaddr2 requires is not given (the address)"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "rsc_template t IPaddr2 params ip=10.0.0.1\nprimitive a @t",
        "primitive b IPaddr2 params $id=shared ip=10.0.0.1\n"
        "primitive a IPaddr2 params $id-ref=shared",
        "primitive a IPaddr2\ngroup g a params ip=10.0.0.1",
        "primitive a IPaddr2 params rule #uname eq n1 ip=10.0.0.1 params ip=10.0.0.2",
    ],
    ids=["template (6.9)", "id-ref (6.4)", "group (9.4)", "rule (14.4)"],
)
def test_a_parameter_may_come_from_elsewhere(text: str) -> None:
    assert told(text, "a") == []


def test_what_a_group_gives_need_not_be_for_every_member() -> None:
    assert told("primitive a IPaddr2 params ip=1.2.3.4\ngroup g a params other=1", "a") == []


def test_what_nothing_monitors_is_named_with_the_command_that_adds_it() -> None:
    """Features 8.15: no monitoring by default."""
    said = (
        "warning: nothing monitors it, so nobody notices when it fails;"
        " `crm configure monitor a 10s:20s` adds that"
    )
    text = "primitive a IPaddr2 params ip=1"
    assert told_all(text, "a") == [said]
    assert told_all(f"{text} op monitor interval=0 timeout=20s", "a") == [said]
    assert told_all(f"{text} op monitor interval=10s", "a") == []


def test_every_agent_can_be_traced() -> None:
    """Features 5.27, 34.3: by a parameter too."""
    assert told("primitive a IPaddr2 params ip=10.0.0.1 trace_ra=1", "a") == []


def test_the_words_of_the_fencer_are_no_agent_s() -> None:
    """Features 17.3: pcmk_* are ours, and who is the target is filled in."""
    fine = "primitive f stonith:fence_ipmilan params ip=10.0.0.9 pcmk_host_list=n1"
    assert told(fine, "f", IPMI) == []
    assert told("primitive f stonith:fence_ipmilan params ipaddr=10.0.0.9", "f", IPMI) == []
    assert told("primitive f stonith:fence_ipmilan params ip=1 pcmk_hots_list=n1", "f", IPMI) == [
        "error: stonith:fence_ipmilan has no parameter 'pcmk_hots_list';"
        " did you mean 'pcmk_host_list'?"
    ]
    assert told("primitive f stonith:fence_ipmilan op start timeout=5s", "f", IPMI) == [
        "error: the parameter 'ip' that stonith:fence_ipmilan requires is not given"
    ]


def test_a_timeout_below_the_advised_one_is_a_warning() -> None:
    """Features 30.46, 5.15: what is configured, and what is left to the default."""
    text = "primitive d ocf:x:db op start timeout=90s interval=0 op monitor interval=5s timeout=9s"
    assert told(text, "d", DATABASE) == [
        "warning: the timeout of start, 1m30s, is less than the 2m that ocf:x:db advises",
        "warning: the timeout of monitor, 9s, is less than the 10s that ocf:x:db advises",
        "warning: the default timeout of stop, 20s, is less than the 1m that ocf:x:db advises",
    ]
    default = "op_defaults timeout=3min\nprimitive d ocf:x:db"
    assert told(default, "d", DATABASE) == []


def test_the_advice_for_a_role_is_for_that_role() -> None:
    """Features 5.15, 5.16."""
    text = (
        "op_defaults timeout=3min\nprimitive d ocf:x:db op monitor interval=5s timeout=30s"
        " role=Promoted op monitor interval=6s timeout=30s role=Unpromoted"
    )
    assert told(text, "d", DATABASE) == [
        "warning: the timeout of monitor, 30s, is less than the 50s that ocf:x:db advises"
    ]


def test_an_action_that_the_agent_does_not_offer_is_a_warning() -> None:
    """Features 30.46: ops that the agent does not have."""
    assert told("primitive a IPaddr2 params ip=1 op frob interval=3", "a") == [
        "warning: ocf:heartbeat:IPaddr2 has no action 'frob'; it has: monitor, start, stop"
    ]


def test_a_unit_takes_no_parameters() -> None:
    assert told("primitive u systemd:nginx params x=1", "u", DATABASE)[:1] != [
        "error: systemd:nginx has no parameter 'x'"
    ]


def test_a_deprecated_agent_names_its_heir() -> None:
    """Features 5.13."""
    old = read_metadata(
        '<resource-agent name="old"><version>1.1</version><deprecated>'
        '<replaced-with standard="ocf" provider="x" type="new"/></deprecated></resource-agent>'
    )
    found = findings(Use(resource="r", agent="ocf:x:old"), old)
    assert [str(each) for each in found] == ["r: ocf:x:old is deprecated; use ocf:x:new"]


def test_a_parameter_may_be_deprecated_in_either_spelling() -> None:
    found = read_metadata(
        '<resource-agent name="x"><parameters><parameter name="a" required="1"><deprecated/>'
        '</parameter><parameter name="b" deprecated="1" required="1"/></parameters>'
        "</resource-agent>"
    )
    assert all(each.deprecated for each in found.parameters)
    assert findings(Use(resource="r", agent="ocf:x:x"), found) == ()


def test_a_template_s_operation_gives_way_to_the_resource_s_own() -> None:
    text = (
        "rsc_template t ocf:x:db op start timeout=5s interval=0\n"
        "primitive d @t op start timeout=120s interval=0"
    )
    starts = [op for op in use_of(text, "d").operations if op.name == "start"]
    assert starts == [UsedOperation(name="start", timeout="120s")]


def test_the_description_has_everything_that_somebody_needs_to_use_it() -> None:
    """Features 30.11: ra info."""
    assert description("ocf:heartbeat:IPaddr2", ADDRESS) == (
        "Manages addresses (ocf:heartbeat:IPaddr2)\n"
        "\n"
        "An address.\n"
        "\n"
        "Parameters (*: required, []: default):\n"
        "\n"
        "ip* (string): the address\n"
        "    It must differ between all resources of this agent.\n"
        "\n"
        "cidr_netmask (integer, [32])\n"
        "\n"
        "Operations' defaults (advised minimum):\n"
        "\n"
        "    start timeout=20s\n"
        "    stop timeout=20s\n"
        "    monitor timeout=20s interval=10s"
    )


def _with_alert(path: str) -> Element:
    edited = apply(Element("configuration"), parse(f"alert told {path}"), Mode.UPDATE)
    assert not edited.faults
    return edited.configuration


def test_an_alert_whose_agent_is_not_here_is_told(tmp_path: Path) -> None:
    """Features 19.1: it may be on the other nodes, so nothing more than a warning."""
    path = tmp_path / "agent"
    (found,) = alert_findings(_with_alert(str(path)))
    assert (found.resource, found.is_error) == ("told", False)
    assert f"no file {path}" in found.what
    path.touch(0o644)
    (found,) = alert_findings(_with_alert(str(path)))
    assert "not executable" in found.what
    path.chmod(0o755)
    assert not list(alert_findings(_with_alert(str(path))))


def test_an_alert_that_stays_as_it_was_is_not_told_of_again() -> None:
    before = _with_alert("/gone")
    assert not list(alert_findings(before, before))
    assert list(alert_findings(_with_alert("/gone2"), before))
