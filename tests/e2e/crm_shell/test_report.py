"""A report of several nodes: each one's own files, by a remote shell that runs them here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_shell.demo.observer import Observer, by_settings
from crm_shell.local_cluster.cluster import LocalCluster
from tests.e2e.judge import Judge
from tests.e2e.site import START_S, Site

pytestmark = pytest.mark.e2e

SHELL = """\
#!/bin/sh
# As rsh: [-l user] host command. Node n3 cannot be reached.
[ "$1" = -l ] && {{ echo "$2" >{folder}/user-of-$3; shift 2; }}
[ "$1" = n3 ] && {{ echo "no route to $1" >&2; exit 255; }}
export RAFTMAKER_CONFIG={nodes}/$1/raftmaker.toml PATH={programs}:$PATH
shift
exec /bin/sh -c "$*"
"""
CONFIGURATION = """\
primitive device stonith:fence_raftmaker_local params passwd=geheim
property fencing-enabled=false
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with LocalCluster.create(tmp_path / "c", ("n1", "n2"), bound=True) as cluster:
        cluster.start()
        configs = {name: cluster.node(name).config for name in cluster.names}
        with Observer(configs, by_settings(configs)) as observer:
            yield Site(cluster=cluster, observer=observer, judge=Judge(tmp_path))


def planners(site: Site) -> list[str]:
    """The nodes that have the input of a decision."""
    states = {name: site.cluster.node(name).directory / "state" for name in site.cluster.names}
    return [name for name, state in states.items() if list(state.glob("pengine/pe-*.bz2"))]


def test_each_nodes_files_are_in_one_report_and_who_is_away_is_named(
    site: Site, tmp_path: Path
) -> None:
    """Features 27.33, 30.3, 34.1: -n, -u, -e, -l; secrets are hidden wherever they stand."""
    site.wait(lambda: bool(planners(site)), START_S, "no DC has planned")
    (dc, *_) = planners(site)
    (tmp_path / "some.crm").write_text(CONFIGURATION)
    site.crm("n1", "configure", "load", "update", "--force", str(tmp_path / "some.crm"))
    log = tmp_path / "agents.log"
    log.write_text("ERROR: geheim was refused\n")
    shell = tmp_path / "shell"
    nodes = site.cluster.node("n1").directory.parent
    programs = Path(sys.executable).parent
    shell.write_text(SHELL.format(folder=tmp_path, nodes=nodes, programs=programs))
    shell.chmod(0o755)
    place = tmp_path / "found"
    done = site.run("n1", "crm_report", "-M", "-d", "-n", "n1 n2", "-n", "n3",
                    "-e", str(shell), "-u", "me", "-l", str(log),
                    "--dest", str(place))  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{place}\n"), done.stderr
    assert done.stderr == "crm_report: n3: no route to n3\n"
    assert (tmp_path / "user-of-n2").read_text() == "me\n"
    for node in ("n1", "n2"):
        assert f"node: {node}\n" in (place / node / "versions.txt").read_text()
        assert (place / node / "logs" / "agents.log").read_text() == "ERROR: ****** was refused\n"
    assert (place / "cib.xml").exists()
    assert not (place / "n3").exists()
    assert "n3: no route to n3" in (place / "problems.txt").read_text()
    assert {path.parent.parent.name for path in place.rglob("pe-*.xml")} >= {dc}
    everything = subprocess.run(
        ["grep", "-rl", "geheim", str(place)], capture_output=True, text=True, check=False
    )
    assert everything.stdout == ""
    assert folders(site, tmp_path / "alone", "-S") == {"n2"}
    assert folders(site, tmp_path / "all", "-e", str(shell)) == {"n1", "n2"}, "all members"


def folders(site: Site, place: Path, *options: str) -> set[str]:
    """The folders of a report that node n2 makes, in which nobody is missing."""
    done = site.run("n2", "crm", "report", *options, "-M", "-d", str(place))
    assert (done.returncode, done.stderr) == (0, "")
    return {each.name for each in place.iterdir() if each.is_dir()}
