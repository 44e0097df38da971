"""The command ``python -m crm_shell.local_cluster``: a local cluster by hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from crm_shell.local_cluster.cluster import LocalCluster
from crm_shell.local_cluster.supervisor import DAEMONS
from raftmaker.runtime.errors import HaError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m crm_shell.local_cluster", description="Run a cluster on this machine."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="lay out a new cluster")
    create.add_argument("directory", type=Path)
    create.add_argument("--nodes", nargs="+", default=["n1", "n2", "n3"], metavar="NAME")
    create.add_argument("--ocf-root", action="append", default=[], type=Path, metavar="DIR")
    for name, text in (
        ("start", "start nodes and wait until they serve"),
        ("stop", "stop nodes in good order"),
        ("status", "show what runs"),
        ("destroy", "kill all nodes and remove the files"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("directory", type=Path)
        if name in ("start", "stop"):
            command.add_argument("nodes", nargs="*", metavar="NODE")
    for name, text in (
        ("kill", "kill every process of a node, as a power failure"),
        ("pause", "stop every process of a node, as a machine that hangs"),
        ("resume", "let a paused node go on"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("directory", type=Path)
        command.add_argument("node")
    daemon = commands.add_parser("kill-daemon", help="kill one daemon; it is started again")
    daemon.add_argument("directory", type=Path)
    daemon.add_argument("node")
    daemon.add_argument("daemon", choices=DAEMONS)
    return parser


def _run(options: argparse.Namespace) -> None:
    if options.command == "create":
        LocalCluster.create(options.directory, options.nodes, ocf_roots=options.ocf_root)
        return
    cluster = LocalCluster.open(options.directory)
    match options.command:
        case "start":
            cluster.start(*options.nodes)
            cluster.wait_ready(*options.nodes)
        case "stop":
            cluster.stop(*options.nodes)
        case "status":
            _status(cluster)
        case "destroy":
            cluster.destroy()
        case "kill":
            cluster.kill(options.node)
        case "pause":
            cluster.pause(options.node)
        case "resume":
            cluster.resume(options.node)
        case "kill-daemon":
            cluster.kill_daemon(options.node, options.daemon)


def _status(cluster: LocalCluster) -> None:
    for name in cluster.names:
        pids = ((daemon, cluster.daemon_pid(name, daemon)) for daemon in DAEMONS)
        shown = ", ".join(f"{daemon} {pid or 'down'}" for daemon, pid in pids)
        state = "runs" if cluster.is_running(name) else "is down"
        print(f"{name} {state}: {shown}")  # noqa: T201
        print(f"  RAFTMAKER_CONFIG={cluster.node(name).config}")  # noqa: T201


def main() -> int:
    """Run one command; return its exit code."""
    try:
        _run(_parser().parse_args())
    except HaError as error:
        print(f"local_cluster: {error}", file=sys.stderr)  # noqa: T201
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
