"""Lists of options: by tools, and as what daemons say of themselves (27.6, 27.11, 27.34, 27.35)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from cib_store.model.described import CLUSTER
from cib_store.model.options import ClusterOptions
from cib_store.schema.options import OPTIONS
from crm_shell.tools import crm_attribute, crm_resource, pacemakerd
from crmd.fsa.options import DEFAULTS
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.feature_set import FEATURE_SET
from tests.unit.crm_shell.desk import Desk
from tests.unit.crm_shell.test_resource_tools import CIB


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    return Desk(CIB, tmp_path, monkeypatch, capsys)


def test_what_people_are_told_is_what_holds() -> None:
    """Every described option is known, and its default is the one that the daemons use."""
    in_force = ClusterOptions.of({}).texts
    for each in CLUSTER:
        assert each.name in OPTIONS
        for default in (in_force.get(each.name), DEFAULTS.get(each.name)):
            assert default in (None, each.default), each.name


def test_options_of_the_cluster(desk: Desk) -> None:
    """features 27.11"""
    tool = crm_attribute.main
    text = desk.did(tool, "--list-options=cluster")
    line = "  * no-quorum-policy: what nodes do that have no quorum (select, one of stop, freeze,"
    assert line in text
    assert "startup-fencing" not in text
    assert "startup-fencing" in desk.did(tool, "--list-options=cluster", "-V")
    xml = parse(desk.did(tool, "-L", "cluster", "--output-as=xml"))
    names = [each.get("name") for each in xml.walk() if each.tag == "parameter"]
    assert names == [each.name for each in CLUSTER]
    assert desk.run(tool, "--list-options=primitive")[0] == ExitCode.USAGE


def test_options_of_resources_and_fence_devices(desk: Desk) -> None:
    """features 27.6, 27.9: --all"""
    tool = crm_resource.main
    assert "  * target-role: " in desk.did(tool, "--list-options=primitive")
    fencing = desk.did(tool, "--list-options=fencing")
    assert "pcmk_host_list" in fencing
    assert "pcmk_reboot_timeout" not in fencing
    assert "pcmk_reboot_timeout" in desk.did(tool, "--list-options=fencing", "--all")
    assert desk.run(tool, "--list-options=cluster")[0] == ExitCode.USAGE


def test_all_attributes_of_a_place(desk: Desk) -> None:
    """features 27.11: --all"""
    tool = crm_attribute.main
    desk.did(tool, "-n", "cluster-name", "-v", "mine")
    assert desk.did(tool, "--all", "-G") == (
        "scope=crm_config  name=fencing-enabled value=false\n"
        "scope=crm_config  name=cluster-name value=mine\n"
    )
    desk.did(tool, "-N", "n1", "-n", "rack", "-v", "7")
    assert desk.did(tool, "--all", "-N", "n1", "-q") == "7\n"
    assert desk.run(tool, "--all", "-n", "x")[0] == ExitCode.USAGE
    assert desk.run(tool, "--all", "-D")[0] == ExitCode.USAGE


def test_a_value_for_all_that_is_placed_by_a_resource(desk: Desk) -> None:
    """features 27.9: --recursive"""
    tool = crm_resource.main
    told = desk.did(tool, "-r", "db", "-m", "-p", "priority", "-v", "3", "--recursive")
    assert told == (
        "Set 'db' option: name=priority value=3\nSet 'web' option: name=priority value=3\n"
    )
    assert desk.did(tool, "-r", "web", "-m", "-g", "priority") == "3\n"
    assert 'id="col"' in desk.did(tool, "-r", "db", "-a", "--recursive")


@pytest.mark.parametrize(
    ("daemon", "option"),
    [
        ("crmd", "no-quorum-policy"), ("cib_store", "enable-acl"), ("stonithd", "pcmk_host_list"),
        ("lrmd", ""),
    ],
)  # fmt: skip
def test_daemons_describe_their_options(daemon: str, option: str) -> None:
    """features 27.35"""
    told = subprocess.run(
        [sys.executable, "-m", f"{daemon}.main", "metadata"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    root = parse(told.stdout)
    names = [each.get("name") for each in root.walk() if each.tag == "parameter"]
    assert root.tag == "resource-agent"
    assert (option in names) == bool(option)


def test_what_this_version_can(desk: Desk) -> None:
    """features 27.34"""
    text = desk.did(pacemakerd.main, "--features")
    assert text.startswith("Pacemaker 3.0.2 (as Raftmaker ")
    assert f"feature set {FEATURE_SET})" in text
    assert "raft" in text.splitlines()[1].split()
    code, _, err = desk.run(pacemakerd.main)
    assert (code, "systemctl start raftmaker.target" in err) == (
        ExitCode.UNIMPLEMENT_FEATURE, True,
    )  # fmt: skip


def test_stopping_this_node_is_what_crm_cluster_stop_does(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """features 27.34: --shutdown; how it ends is told, and -s says how a node starts in standby"""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    code, _, err = desk.run(pacemakerd.main, "--shutdown")
    assert (code, "you must be root" in err) == (ExitCode.INSUFFICIENT_PRIV, True)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    code, _, err = desk.run(pacemakerd.main, "-S")
    assert (code, "no node of a cluster" in err) == (ExitCode.NOT_CONFIGURED, True)

    code, _, err = desk.run(pacemakerd.main, "-s")
    assert (code, "PCMK_node_start_state=standby" in err) == (ExitCode.UNIMPLEMENT_FEATURE, True)
