"""The agents of provider pacemaker, as Debian ships them, run by our executor with our tools."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from tests.e2e.site import START_S, Site

SHIPPED = Path("/usr/lib/ocf/resource.d/pacemaker")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not (SHIPPED / "ping").exists(), reason="needs Debian's pacemaker-resource-agents"
    ),
]
# One instance of the promotable one: its file is the same for all nodes of a machine.
TEXT = """
primitive pa-dummy ocf:pacemaker:Dummy params state={root}/dummy op monitor interval=10s
primitive pa-reach ocf:pacemaker:ping \\
    params host_list=127.0.0.1 name=pa-reach multiplier=100 dampen=0s attempts=1 \\
    pidfile={root}/ping op monitor interval=10s timeout=60s
primitive pa-waits ocf:pacemaker:HealthIOWait params state={root}/iowait op monitor interval=10s
primitive pa-system ocf:pacemaker:SysInfo params pidfile={root}/sysinfo op monitor interval=60s
primitive pa-opinion ocf:pacemaker:attribute \\
    params name=pa-opinion active_value=yes state={root}/opinion op monitor interval=10s
primitive pa-page ocf:pacemaker:ClusterMon \\
    params update=1 pidfile={root}/page.pid htmlfile={root}/page.html op monitor interval=10s
primitive pa-roles ocf:pacemaker:Stateful \\
    op monitor interval=10s role=Promoted op monitor interval=11s
clone pa-roles-clone pa-roles meta promotable=true clone-max=1
tag pa-all pa-dummy pa-reach pa-waits pa-system pa-opinion pa-page
location pa-here pa-all inf: {node}
location pa-roles-here pa-roles-clone inf: {node}
"""


def _attributes(site: Site, node: str) -> dict[str, str]:
    cib = parse(site.run(node, "cibadmin", "-Q").stdout)
    return {
        pair.get("name"): pair.get("value")
        for state in cib.walk()
        if state.tag == "transient_attributes" and state.id == node
        for pair in state.walk()
        if pair.tag == "nvpair"
    }


def test_agents_of_pacemaker_run_and_tell_the_cluster_what_they_find(
    site: Site, tmp_path: Path
) -> None:
    """features 5.8, 29.16: by attrd_updater, crm_attribute --promotion and crm_mon"""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    text = tmp_path / "agents.crm"
    text.write_text(TEXT.format(root=tmp_path, node=node))
    loaded = site.run(node, "crm", "--wait", "configure", "load", "update", str(text))
    assert loaded.returncode == 0, loaded.stderr
    try:
        wanted = {"pa-reach": "100", "pa-opinion": "yes", "#health-iowait": "green"}
        site.wait(
            lambda: wanted.items() <= _attributes(site, node).items(), START_S, "not all is told"
        )
        found = _attributes(site, node)
        assert int(found["cpu_cores"]) >= 1, found
        assert any(name.startswith("master-pa-roles") for name in found), found
        page = tmp_path / "page.html"
        site.wait(
            lambda: page.exists() and "pa-dummy" in page.read_text(), START_S, "there is no page"
        )
        status = site.crm(node, "status")
        assert "Failed Resource Actions" not in status, status
        assert "Promoted: [ n" in status, status
    finally:
        _clear(site, node)
    assert _attributes(site, node).get("pa-opinion") != "yes", "a stop takes it back"
    # The agent sends SIGKILL and does not wait.
    running = ["pgrep", "-f", f"{tmp_path}/page.pid"]
    site.wait(
        lambda: subprocess.run(running, check=False).returncode == 1, START_S, "crm_mon runs on"
    )


def _clear(site: Site, node: str) -> None:
    site.crm(node, "--wait", "resource", "stop", "pa-all", "pa-roles-clone")
    site.crm(node, "configure", "delete", "pa-all", "pa-roles-clone", "pa-dummy", "pa-reach",
             "pa-waits", "pa-system", "pa-opinion", "pa-page", "pa-roles")  # fmt: skip
