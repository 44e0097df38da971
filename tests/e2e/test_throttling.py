"""A node has no more jobs at once than it may have."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_shell.demo.observer import Observer, by_settings
from crm_shell.local_cluster.cluster import LocalCluster
from tests.e2e.judge import Judge
from tests.e2e.site import START_S, Site

pytestmark = pytest.mark.e2e

AGENT = """\
#!/bin/sh
# Notices when another instance acts at the same time.
state={folder}/$OCF_RESOURCE_INSTANCE.started
act() {{
    mkdir {folder}/busy || echo "$OCF_RESOURCE_INSTANCE" >>{folder}/together
    sleep 0.3
    rmdir {folder}/busy
}}
case $1 in
    start) act; : >"$state" ;;
    stop) rm -f "$state" ;;
    monitor) [ -e "$state" ] || exit 7 ;;
    meta-data) echo '<resource-agent name="alone"><version>1</version></resource-agent>' ;;
esac
"""
NAMES = ("r1", "r2", "r3", "r4")


def test_a_nodes_own_limit_of_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features 26.8, 2.31, 16.35: the node tells its limit when it joins, and the DC keeps it."""
    monkeypatch.setenv("PCMK_node_action_limit", "1")
    folder = tmp_path / "shared"
    folder.mkdir()
    agent = tmp_path / "ocf/resource.d/test/alone"
    agent.parent.mkdir(parents=True)
    agent.write_text(AGENT.format(folder=folder))
    agent.chmod(0o755)
    with LocalCluster.create(
        tmp_path / "cluster", ("n1",), ocf_roots=(tmp_path / "ocf",), bound=True
    ) as cluster:
        cluster.start()
        configs = {name: cluster.node(name).config for name in cluster.names}
        with Observer(configs, by_settings(configs)) as observer:
            site = Site(cluster=cluster, observer=observer, judge=Judge(folder))
            site.wait_whole(START_S)
            text = "property fencing-enabled=false batch-limit=-1\n"
            text += "".join(f"primitive {name} ocf:test:alone\n" for name in NAMES)
            file = tmp_path / "all.crm"
            file.write_text(text)
            site.crm("n1", "configure", "load", "update", str(file))
            started = [folder / f"{name}.started" for name in NAMES]
            site.wait(lambda: all(map(Path.exists, started)), START_S, "they did not start")
    assert not (folder / "together").exists()
