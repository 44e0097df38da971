"""The launcher: nodes as sets of processes that start, end, hang and vanish without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crm_shell.local_cluster.cluster import LocalCluster
from crm_shell.local_cluster.layout import PORT_RANGE, SOCKET_PATH_MAX
from raftmaker.runtime.errors import HaError, Rejected
from raftmaker.runtime.node_processes import processes_of
from raftmaker.runtime.settings import read

pytestmark = pytest.mark.e2e


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    with LocalCluster.create(tmp_path / "c", ("n1", "n2"), bound=True) as created:
        yield created


def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_every_nodes_settings_are_valid_and_agree(cluster: LocalCluster) -> None:
    found = {name: read(cluster.node(name).config) for name in cluster.names}
    assert found["n1"].peers == found["n2"].peers
    assert found["n1"].cluster == found["n2"].cluster
    ports = [port for name in cluster.names for port in cluster.node(name).ports.values()]
    assert len(set(ports)) == len(ports)
    assert all(PORT_RANGE[0] <= port < PORT_RANGE[1] for port in ports)


def test_a_deep_folder_still_gets_short_sockets(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with LocalCluster.create(deep, ("n1",)) as created:
        run = created.node("n1").run
        assert len(str(run / "stonithd.sock")) <= SOCKET_PATH_MAX
        assert run.is_dir()
    assert not run.parent.parent.exists()
    assert not deep.exists()


def test_two_clusters_in_one_folder_are_refused(cluster: LocalCluster) -> None:
    with pytest.raises(Rejected, match="holds a local cluster already"):
        LocalCluster.create(cluster.directory)
    with pytest.raises(HaError, match="nodes: n1, n2"):
        cluster.start("n3")


def test_a_killed_daemon_is_started_again_and_a_killed_node_is_not(cluster: LocalCluster) -> None:
    cluster.start("n1", "n2")
    eventually(lambda: cluster.daemon_pid("n1", "stonithd"))
    old = cluster.kill_daemon("n1", "stonithd")
    eventually(lambda: cluster.daemon_pid("n1", "stonithd") not in (0, old))
    others = processes_of("n2", str(cluster.directory))
    cluster.kill("n1")
    assert not cluster.is_running("n1")
    assert processes_of("n1", str(cluster.directory)) == []
    assert cluster.is_running("n2")
    assert others


def test_a_daemon_that_a_restart_does_not_mend_is_not_started_again(cluster: LocalCluster) -> None:
    """Features 28.6: its highest token is not known, and only a person may say that it may go."""
    directory = cluster.node("n1").directory / "state" / "stonithd"
    directory.mkdir(parents=True, exist_ok=True)
    token = directory / "token.json"
    token.write_text("nonsense")
    cluster.start("n1")
    told = cluster.log("n1", "supervisor")
    eventually(lambda: "stonithd ended with 100: a restart does not mend" in told.read_text())
    old = cluster.kill_daemon("n1", "lrmd")
    eventually(lambda: cluster.daemon_pid("n1", "lrmd") not in (0, old))
    assert told.read_text().count("stonithd ended") == 1, "the others are, this one is not"
    cluster.kill("n1")
    token.unlink()
    cluster.start("n1")
    eventually(lambda: cluster.daemon_pid("n1", "stonithd"))


def test_a_paused_node_is_stopped_as_a_whole_and_can_be_killed(cluster: LocalCluster) -> None:
    cluster.start("n1")
    eventually(lambda: cluster.daemon_pid("n1", "crmd"))
    supervisor = cluster.daemon_pid("n1", "supervisor")
    cluster.pause("n1")
    eventually(
        lambda: all(state_of(pid) == "T" for pid in processes_of("n1", str(cluster.directory)))
    )
    assert cluster.is_running("n1")
    cluster.resume("n1")
    eventually(lambda: state_of(supervisor) != "T")
    cluster.pause("n1")
    cluster.kill("n1")
    assert processes_of("n1", str(cluster.directory)) == []


def test_a_new_start_has_an_empty_run_directory(cluster: LocalCluster) -> None:
    left = cluster.node("n1").run / "left-over"
    left.write_text("")
    cluster.start("n1")
    assert not left.exists()


def test_destroy_leaves_no_process_and_no_file_but_those_of_others(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    created = LocalCluster.create(tmp_path, ("n1",))
    created.start()
    created.destroy()
    assert processes_of("n1", str(created.directory)) == []
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_bound_cluster_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path;"
        " from crm_shell.local_cluster.cluster import LocalCluster;"
        " LocalCluster.create(Path(sys.argv[1]), ('n1',), bound=True).start();"
        " print('up', flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"up\n"
    opened = LocalCluster.open(tmp_path)
    assert opened.is_running("n1")
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    try:
        eventually(lambda: not processes_of("n1", str(opened.directory)))
    finally:
        opened.destroy()


def test_the_command_shows_what_runs(cluster: LocalCluster) -> None:
    cluster.start("n1")
    shown = subprocess.run(
        [sys.executable, "-m", "crm_shell.local_cluster", "status", str(cluster.directory)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "n1 runs" in shown.stdout
    assert "n2 is down" in shown.stdout
