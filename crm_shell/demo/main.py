"""The command behind bin/demo: three nodes, a web server, the loss of its node, the timeline."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from crm_shell.demo.answers import Asker
from crm_shell.demo.failover import Bench, Loss, Measured
from crm_shell.demo.observer import Observer, by_settings
from crm_shell.demo.timeline import Milestone
from crm_shell.local_cluster.cluster import LocalCluster
from crm_shell.local_cluster.layout import free_ports
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.process import run

HOST = "127.0.0.1"
RESOURCE = "web"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "web.crm"
_PORT = re.compile(r"\bport=(\d+)")
_START_S = 60.0
_FAILOVER_S = 30.0


def say(text: str = "") -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)  # noqa: T201


def heading(text: str) -> None:
    """Print what comes next, bold on a terminal."""
    bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    say(f"\n\033[1m{text}\033[0m" if bold else f"\n{text}")


class Tools:
    """Runs the crm command against one node of the cluster, as a person would."""

    def __init__(self, cluster: LocalCluster) -> None:
        """Find the command beside this Python."""
        self._cluster = cluster
        self._crm = str(Path(sys.executable).with_name("crm"))

    def crm(self, node: str, *words: str) -> str:
        """Run ``crm WORD...`` on the node and return its output. Raises `HaError` when it fails."""
        ended = asyncio.run(
            run(
                [self._crm, *words],
                env=self._cluster.tool_environment(node),
                timeout_ms=int(_START_S * 1000),
            )
        )
        if ended.code != 0:
            raise HaError(f"crm {shlex.join(words)} failed ({ended.code}): {ended.stderr.strip()}")
        return ended.stdout.rstrip()


def example_for_here(directory: Path) -> tuple[Path, int]:
    """Return the example to load and its port; another port when somebody uses the example's."""
    text = EXAMPLE.read_text("utf-8")
    match = _PORT.search(text)
    assert match is not None, f"{EXAMPLE} names no port"
    port = int(match[1])
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            port = next(free_ports(1))
            path = directory / EXAMPLE.name
            path.write_text(_PORT.sub(f"port={port}", text), "utf-8")
            return path, port
    return EXAMPLE, port


def timeline(measured: Measured) -> Sequence[str]:
    """Return the lines of the timeline, in order of time; steps that were not seen come last."""
    seen = sorted((ms, milestone.value) for milestone, ms in measured.times.items())
    missing = [item.value for item in Milestone if item not in measured.times]
    return [
        *(f"{ms:>8} ms  {name}" for ms, name in seen),
        *(f"{'?':>8}     {name}: not seen within {_FAILOVER_S:g} s" for name in missing),
    ]


def _present(cluster: LocalCluster, bench: Bench, tools: Tools, example: Path) -> Measured:
    survivor = cluster.names[0]
    bench.wait_whole(_START_S)
    heading(f"Loading {example.name}: crm configure load update {example}")
    tools.crm(survivor, "configure", "load", "update", str(example))
    node = bench.wait_served(_START_S)
    heading("crm status")
    say(tools.crm(survivor, "status"))
    answer = bench.asker.fetch()
    if answer is not None:
        heading(f"http://{bench.asker.host}:{bench.asker.port}/ answers")
        say(answer.text.strip())

    heading(f"Killing every process of {node} with SIGKILL, as a power failure would")
    measured = bench.take_away(node, Loss.KILLED, _FAILOVER_S)
    role = [
        name for name, was in (("DC", measured.was_dc), ("Raft leader", measured.was_leader)) if was
    ]
    heading(
        f"Timeline: milliseconds after the kill of {node}"
        + (f" ({', '.join(role)})" if role else "")
    )
    for line in timeline(measured):
        say(line)
    other = next(name for name in cluster.names if name != node)
    heading("crm status")
    say(tools.crm(other, "status"))
    return measured


def _next_steps(cluster: LocalCluster, port: int, lost: str) -> None:
    other = next(name for name in cluster.names if name != lost)
    python = shlex.quote(sys.executable)
    launcher = f"{python} -m crm_shell.local_cluster"
    where = shlex.quote(str(cluster.directory))
    crm = shlex.quote(str(Path(sys.executable).with_name("crm")))
    heading("The cluster is still up. What to type next:")
    say(f"  export RAFTMAKER_CONFIG={shlex.quote(str(cluster.node(other).config))}")
    say(f"  {crm} status")
    say(f"  {crm} configure show")
    say(f"  curl http://{HOST}:{port}/")
    say(f"  {launcher} start {where} {lost}      # the lost node comes back")
    say(f"  {launcher} destroy {where}       # when you are done")


def run_demo(keep: bool) -> int:
    """Do it all; return the exit code. Whatever happens nothing is left behind, unless `keep`."""
    directory = Path(tempfile.mkdtemp(prefix="raftmaker-demo-"))
    with ExitStack() as stack:
        cluster = LocalCluster.create(directory, bound=not keep)
        stack.callback(cluster.destroy)
        heading(f"Starting three nodes ({', '.join(cluster.names)}) in {directory}")
        cluster.start()
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="raftmaker-example-"))
        example, port = example_for_here(Path(scratch))
        observer = stack.enter_context(
            Observer(
                cluster.names,
                by_settings({name: cluster.node(name).config for name in cluster.names}),
            )
        )
        asker = stack.enter_context(Asker(HOST, port))
        bench = Bench(cluster=cluster, observer=observer, asker=asker, resource=RESOURCE)
        measured = _present(cluster, bench, Tools(cluster), example)
        if keep:
            _next_steps(cluster, port, measured.node)
            observer.__exit__()
            asker.__exit__()
            shutil.rmtree(scratch)
            stack.pop_all()
        return 0 if measured.is_complete else 1


def main() -> int:
    """Read the options, run the demo, explain a failure in one line."""
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument(
        "--keep", action="store_true", help="leave the cluster up and say what to type next"
    )
    options = parser.parse_args()
    # An orderly end, which cleans up, for every polite way of ending a program.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return run_demo(options.keep)
    except HaError as error:
        print(f"bin/demo: {error}", file=sys.stderr)  # noqa: T201
        return int(error.exit_code)
    except KeyboardInterrupt:
        print("\nbin/demo: interrupted; everything is cleaned up", file=sys.stderr)  # noqa: T201
        return 130


if __name__ == "__main__":
    sys.exit(main())
