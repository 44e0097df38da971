"""The shell library of Debian's resource-agents, in the environment that we give agents."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lrmd.agents.environment import agent_environment
from lrmd.operations.values import Agent, OperationRequest, Standard
from raftmaker.vocabulary.ids import NodeName, ResourceId

LIBRARY = Path("/usr/lib/ocf/lib/heartbeat/ocf-shellfuncs")
TOOLS = Path(sys.executable).parent
CIB = """<cib epoch="1" num_updates="0" admin_epoch="0" validate-with="pacemaker-9.9">
<configuration><crm_config/><nodes><node id="alpha" uname="alpha"/></nodes><resources/>
<constraints/></configuration><status><node_state id="alpha" uname="alpha" in_ccm="1" crmd="1"
join="member" expected="member"/></status></cib>"""

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason="needs Debian's resource-agents")


def shell(
    script: str, tmp_path: Path, *, meta: dict[str, str] | None = None, **inherited: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as an agent on node alpha, with the library."""
    request = OperationRequest(
        resource=ResourceId("web"), agent=Agent(Standard.OCF, "heartbeat", "Dummy"),
        operation="monitor", meta=meta or {},
    )  # fmt: skip
    given = {"PATH": f"{TOOLS}:/usr/bin:/bin", "HA_SBIN_DIR": str(TOOLS), "SHELL": "/bin/bash",
             "RAFTMAKER_CONFIG": str(tmp_path / "none.toml"), **inherited}  # fmt: skip
    return subprocess.run(
        ["/bin/bash", "-c", f". {LIBRARY}; {script}"],
        env=agent_environment(request, inherited=given, node=NodeName("alpha")),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_what_agents_log_goes_to_the_daemons_log(tmp_path: Path) -> None:
    """features 29.21, 5.28"""
    log = tmp_path / "agents.log"
    done = shell(
        "ocf_log warn strange; ha_log plain; ocf_exit_reason 'no disk'; exit 1", tmp_path,
        PCMK_logfile=str(log),
    )  # fmt: skip
    assert done.returncode == 1
    assert "ocf-exit-reason:no disk" in done.stderr.splitlines()
    lines = log.read_text().splitlines()
    assert any("WARNING: strange" in line and "(web)" in line for line in lines), lines
    assert any("plain" in line for line in lines)


def test_the_name_of_the_node_comes_from_us(tmp_path: Path) -> None:
    """features 29.12: by pacemakerd's version it knows that crm_node says it"""
    file = tmp_path / "cib.xml"
    file.write_text(CIB)
    done = shell("ocf_local_nodename", tmp_path, CIB_file=str(file))
    assert done.stdout == "alpha\n", done.stderr


def test_whose_attributes_are_meant(tmp_path: Path) -> None:
    """features 29.11, 5.24"""
    target = {"container-attribute-target": "host", "physical_host": "beta"}
    assert shell("ocf_attribute_target", tmp_path, meta=target).stdout == "beta\n"
    assert shell("ocf_attribute_target", tmp_path).stdout == "alpha\n"


def test_a_status_of_a_cib_of_whatever_schema(tmp_path: Path) -> None:
    """features 29.13"""
    file = tmp_path / "cib.xml"
    file.write_text(CIB)
    done = shell("crm_mon_no_validation -1", tmp_path, CIB_file=str(file))
    assert "Online: [ alpha ]" in done.stdout, done.stderr
