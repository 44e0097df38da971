"""crm_attribute and its relatives as agents and people call them, on a CIB in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cib_store.schema.values import ID
from crm_shell.tools import attrd_updater, crm_attribute, crm_node, crm_resource
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.desk import Desk

CIB = """<cib epoch="3" num_updates="0" admin_epoch="0" validate-with="pacemaker-4.0">
<configuration><crm_config/><nodes><node id="n1" uname="n1"/><node id="n2" uname="n2"/></nodes>
<resources><primitive id="db" class="ocf" provider="heartbeat" type="Dummy">
<instance_attributes id="p"><nvpair id="p-ip" name="ip" value="::1"/></instance_attributes>
</primitive></resources><constraints/></configuration><status>
<node_state id="n1" uname="n1" in_ccm="1" crmd="1" join="member" expected="member">
<transient_attributes id="n1"><instance_attributes id="status-n1">
<nvpair id="f1" name="fail-count-db#monitor_10000" value="2"/>
<nvpair id="f2" name="fail-count-db#start_0" value="INFINITY"/></instance_attributes>
</transient_attributes></node_state></status></cib>"""


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    return Desk(CIB, tmp_path, monkeypatch, capsys)


def test_an_attribute_of_any_name_gets_an_id_that_xml_allows(desk: Desk) -> None:
    """features 35.16"""
    tool = crm_attribute.main
    name = "fail-count-web:0#monitor_10000 x"
    desk.did(tool, "-N", "n1", "-n", name, "-v", "3")
    assert desk.did(tool, "-N", "n1", "-n", name, "-G", "-q") == "3\n"
    assert ID.accepts(desk.pairs()[name].id)


def test_crm_attribute_sets_reads_and_removes_a_cluster_option(desk: Desk) -> None:
    """features 27.11, 29.1, 29.18"""
    attribute = crm_attribute.main
    desk.did(attribute, "--name", "cluster-name", "--update", "mine")
    found = desk.did(attribute, "-n", "cluster-name", "-G")
    assert found == "scope=crm_config  name=cluster-name value=mine\n"
    assert (
        desk.did(attribute, "-t", "crm_config", "-n", "cluster-name", "--query", "-q") == "mine\n"
    )
    assert "Deleted crm_config attribute" in desk.did(attribute, "-n", "cluster-name", "--delete")
    code, out, err = desk.run(attribute, "-n", "cluster-name", "-G")
    assert (code, out) == (ExitCode.NOSUCH, "")
    assert "cluster-name is not set" in err
    assert desk.did(attribute, "-n", "cluster-name", "-G", "-q", "-d", "none") == "none\n"


def test_crm_attribute_keeps_what_agents_replicate_in_a_set_of_their_own(desk: Desk) -> None:
    """features 29.14"""
    words = ("--type", "crm_config", "--name", "db_REPL_INFO", "-s", "mysql_replication")
    desk.did(crm_attribute.main, *words, "-v", "n1|log.1|42")
    assert desk.did(crm_attribute.main, *words, "--query", "-q") == "n1|log.1|42\n"
    assert desk.pairs()["db_REPL_INFO"].id == "mysql_replication-db_REPL_INFO"


@pytest.mark.parametrize(("lifetime", "scope"), [("forever", "nodes"), ("reboot", "status")])
def test_crm_attribute_of_a_node(desk: Desk, lifetime: str, scope: str) -> None:
    """features 15.6, 27.11, 29.1"""
    words = ("-N", "n2", "-n", "rack", "-l", lifetime)
    desk.did(crm_attribute.main, *words, "-v", "7")
    assert desk.did(crm_attribute.main, *words, "-G") == f"scope={scope}  name=rack value=7\n"
    desk.did(crm_attribute.main, *words, "-v", "value++")
    assert desk.did(crm_attribute.main, *words, "-G", "-q") == "8\n"
    desk.did(crm_attribute.main, *words, "-D", "-q")
    assert desk.run(crm_attribute.main, *words, "-G")[0] == ExitCode.NOSUCH
    code, _, err = desk.run(crm_attribute.main, "-N", "n3", "-n", "rack", "-l", lifetime, "-v", "1")
    assert code == ExitCode.NOSUCH
    assert "no node 'n3'" in err


def test_utilization_patterns_and_names_that_are_kept(desk: Desk) -> None:
    """features 15.20, 15.24, 27.11"""
    for name, value in (("cpu", "4"), ("memory", "16")):
        desk.did(crm_attribute.main, "-N", "n1", "-z", "-n", name, "-v", value)
    assert desk.pairs("utilization")[""].id == "nodes-utilization-n1"
    assert desk.did(crm_attribute.main, "-N", "n1", "-z", "-n", "cpu", "-G", "-q") == "4\n"
    desk.did(crm_attribute.main, "-N", "n1", "-z", "-P", "cpu|mem", "-D", "-q")
    assert not {"cpu", "memory"} & desk.pairs().keys()
    assert desk.run(crm_attribute.main, "-N", "n1", "-z", "-P", "cpu", "-G")[0] == ExitCode.NOSUCH
    code, _, err = desk.run(crm_attribute.main, "-N", "n1", "-n", "#mine", "-v", "1")
    assert code == ExitCode.INVALID_PARAM
    assert "#health" in err


def test_crm_standby(desk: Desk) -> None:
    """features 15.32, 27.13, 29.9"""
    assert desk.did(crm_attribute.standby, "-G", "-N", "n2", "-q") == "off\n"
    desk.did(crm_attribute.standby, "-v", "on", "-N", "n2")
    assert desk.did(crm_attribute.standby, "-G", "-N", "n2") == (
        "scope=nodes  name=standby value=on\n"
    )
    desk.did(crm_attribute.standby, "-v", "on", "-l", "reboot")
    assert desk.did(crm_attribute.standby, "-G", "-l", "reboot", "-q") == "on\n"
    desk.did(crm_attribute.standby, "-D", "-N", "n2")
    assert desk.did(crm_attribute.standby, "-G", "-N", "n2", "-q") == "off\n"


def test_crm_failcount_adds_up(desk: Desk) -> None:
    """features 27.14, 29.9, 8.18: of all operations, or of one; deleting needs the cluster."""
    count = crm_attribute.failcount
    assert desk.did(count, "-G", "-r", "db") == (
        "scope=status  name=fail-count-db value=INFINITY\n"
    )
    assert desk.did(count, "-G", "-r", "db", "-n", "monitor", "-I", "10s", "-q") == "2\n"
    assert desk.did(count, "-G", "-r", "db", "-N", "n2", "-q") == "0\n"
    assert desk.run(count, "-G")[0] == ExitCode.USAGE


def test_crm_master_is_the_agents_own_score(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """features 27.15, 29.3, 29.10"""
    code, _, err = desk.run(crm_attribute.master, "-v", "5")
    assert (code, "needs a resource" in err) == (ExitCode.USAGE, True)
    monkeypatch.setenv("OCF_RESOURCE_INSTANCE", "db:1")
    desk.did(crm_attribute.master, "-l", "reboot", "-v", "5")
    assert desk.did(crm_attribute.master, "-G", "-q") == "5\n"
    assert desk.did(crm_attribute.main, "-p", "db", "-G", "-q") == "5\n"
    assert desk.did(crm_attribute.main, "-n", "master-db", "-l", "reboot", "-G", "-q") == "5\n"
    desk.did(crm_attribute.main, "-p", "db", "-v", "10")
    desk.did(crm_attribute.master, "-D", "-q")
    assert desk.run(crm_attribute.master, "-G")[0] == ExitCode.NOSUCH


def test_attrd_updater_works_on_a_file_too(desk: Desk) -> None:
    """features 4.30, 29.2: what a file cannot hold is refused, and nothing changed."""
    updater = attrd_updater.main
    desk.did(updater, "-n", "ping", "-U", "100", "-d", "5s")
    assert desk.did(updater, "-n", "ping", "--query") == 'name="ping" host="n1" value="100"\n'
    code, _, err = desk.run(updater, "-n", "evacuate", "-p", "-U", "yes")
    assert code == ExitCode.UNIMPLEMENT_FEATURE
    assert "private" in err
    desk.did(updater, "-n", "ping", "-D")
    assert desk.run(updater, "-n", "ping", "-Q")[0] == ExitCode.NOSUCH


def test_crm_resource_sets_reads_and_removes_values(desk: Desk) -> None:
    """features 29.5"""
    resource = crm_resource.main
    assert desk.did(resource, "-r", "db", "-g", "ip") == "::1\n"
    desk.did(resource, "-r", "db", "-p", "ip", "-v", "::2")
    assert desk.did(resource, "--resource", "db", "--get-parameter", "ip") == "::2\n"
    desk.did(resource, "-r", "db", "-z", "-p", "cpu", "-v", "3", "-Q")
    assert desk.did(resource, "-z", "-r", "db", "-g", "cpu", "-Q") == "3\n"
    desk.did(resource, "-r", "db", "--delete-parameter", "ip")
    assert desk.run(resource, "-r", "db", "-g", "ip")[0] == ExitCode.NOSUCH
    code, _, err = desk.run(resource, "-r", "dbb", "-g", "ip")
    assert (code, "did you mean 'db'" in err) == (ExitCode.NOSUCH, True)


def test_crm_node_names_this_node_and_others(desk: Desk) -> None:
    """features 29.4, 29.12"""
    assert desk.did(crm_node.main, "-n") == "n1\n"
    assert desk.did(crm_node.main, "-N", "n2") == "n2\n"
    assert desk.run(crm_node.main)[0] == ExitCode.USAGE


def test_a_remote_node_is_known_by_its_connection_and_gets_an_entry_when_one_is_needed(
    desk: Desk,
) -> None:
    """features 15.6, 22.10"""
    with_far = CIB.replace(
        "</resources>",
        '<primitive id="far" class="ocf" provider="pacemaker" type="remote"/></resources>',
    )
    desk.write(with_far)
    for lifetime in ("forever", "reboot"):
        words = ("-N", "far", "-n", "rack", "-l", lifetime)
        desk.did(crm_attribute.main, *words, "-v", lifetime)
        assert desk.did(crm_attribute.main, *words, "-G", "-q") == f"{lifetime}\n"
    (entry,) = [one for one in desk.cib.walk() if one.tag == "node" and one.id == "far"]
    assert (entry.get("uname"), entry.get("type")) == ("far", "remote")
    code, _, err = desk.run(attrd_updater.main, "-N", "fat", "-n", "rack", "-U", "1")
    assert code == ExitCode.NOSUCH
    assert "did you mean 'far'" in err
