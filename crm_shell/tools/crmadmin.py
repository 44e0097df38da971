"""``crmadmin``: the DC, the controllers' states, the nodes (features 27.25)."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable

from cib_store.document.element import Element
from cib_store.model.values import parse_duration_ms
from crm_shell.actions import tree
from crm_shell.tools.frame import ToolFailed, ToolParser, exclusive, run_tool, write
from raftmaker.client import Cluster, Progress
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import ExitCode

_KINDS = ("cluster", "guest", "remote")
_LONGEST = "30s"
_COMMANDS = ("status", "pacemakerd", "nodes", "dc_lookup")


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("crmadmin", "query the controllers")
    parser.value("-S", "--status", dest="status", text="the state of a node's controller")
    parser.flag("-P", "--pacemakerd", dest="pacemakerd", text="the state of this node's daemons")
    parser.add_argument(
        "-N",
        "--nodes",
        nargs="?",
        const="all",
        metavar="TYPES",
        dest="nodes",
        help="the nodes: all, or cluster, guest, remote, with commas between",
    )
    parser.flag("-D", "--dc_lookup", "--dc-lookup", dest="dc_lookup", text="the DC")
    parser.value("-t", "--timeout", dest="timeout", text=f"how long to wait; else {_LONGEST}")
    parser.value("-i", "--ipc-name", dest="ipc_name", text="what to call this program in the logs")
    parser.flag("-B", "--bash-export", dest="bash_export")
    parser.flag("-q", "--quiet", dest="quiet")
    options = parser.parse_args()
    command = exclusive(parser, options, _COMMANDS)
    if not command:
        parser.error("say what to show: --dc_lookup, --status NODE, --nodes")
    if command == "nodes" and not set(options.nodes.split(",")) <= {"all", *_KINDS}:
        parser.error(f"--nodes: {options.nodes!r} is none of all, {', '.join(_KINDS)}")

    timeout_ms = parse_duration_ms(options.timeout or _LONGEST)
    if not timeout_ms or timeout_ms < 0:
        parser.error(f"--timeout: {options.timeout!r} is no time above 0 (30s, 500ms)")

    async def body(cluster: Cluster) -> int:
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await _act(cluster, command, options)
        except TimeoutError:
            what = f"no answer within {timeout_ms / 1000:g} s; see 'crm cluster status'"
            raise ToolFailed(what, ExitCode.TIMEOUT) from None

    return run_tool(options.ipc_name or "crmadmin", options.config, body)


async def _progress_of(cluster: Cluster, node: str) -> Progress:
    async for now in cluster.follow_progress(node):
        return now
    raise ToolFailed(f"the controller of {node} does not answer", ExitCode.NOHOST)


def _node_text(entry: Element, kind: str, options: argparse.Namespace) -> str:
    name = entry.get("uname")
    if options.bash_export:
        return f"export {name}={entry.id}"
    return name if options.quiet else f"{kind} node: {name} ({entry.id})"


async def _act(cluster: Cluster, command: str, options: argparse.Namespace) -> int:
    match command:
        case "dc_lookup":
            dc = (await cluster.cib(local=True)).dc
            if not dc:
                raise ToolFailed("no DC is elected", ExitCode.NO_DC)
            write(dc if options.quiet else f"Designated Controller is: {dc}")
        case "status":
            known = (await cluster.cib(local=True)).document
            node = tree.node(known, options.status).get("uname")
            now = await _progress_of(cluster, node)
            write(now.state if options.quiet else f"Controller on {node} in state {now.state}: ok")
        case "nodes":
            cib = await cluster.cib(local=True)
            wanted = set(options.nodes.split(","))
            for entry in tree.section(cib.document, "nodes").each("node"):
                kind = "remote" if entry.get("type") == "remote" else "cluster"
                if wanted & {"all", kind}:
                    write(_node_text(entry, kind, options))
        case _:
            return await _daemons(cluster, options)
    return 0


async def _daemons(cluster: Cluster, options: argparse.Namespace) -> int:
    """Say whether all daemons of this node answer; there is no pacemakerd to ask."""
    if cluster.is_file:
        what = "a CIB in a file has no daemons: unset CIB_file and CIB_shadow"
        raise ToolFailed(what, ExitCode.UNAVAILABLE)
    asked: dict[str, Awaitable[object]] = {"raftmaker-cib": cluster.store_status()}
    if cluster.settings.me.is_node:
        asked |= {
            "raftmaker-lrmd": cluster.agents("ocf", ""),
            "raftmaker-stonithd": cluster.fencing_history(),
            "raftmaker-crmd": cluster.progress(),
        }
    states: dict[str, str] = {}
    for name, answer in asked.items():
        try:
            await answer
            states[name] = "running"
        except HaError:
            states[name] = "not running"
    whole = "running" if set(states.values()) == {"running"} else "starting_daemons"
    if options.quiet:
        write(whole)
    else:
        clock = time.strftime("%a %b %e %H:%M:%S %Y")
        write(f"Status of the daemons: '{whole}' (last updated {clock})")
        for name, state in states.items():
            write(f"  * {name}: {state}")
    return int(ExitCode.OK if whole == "running" else ExitCode.UNAVAILABLE)
