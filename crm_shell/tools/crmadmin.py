"""``crmadmin``: the DC, the controllers' states, the nodes (features 27.25)."""

from __future__ import annotations

import argparse

from cib_store.document.element import Element
from crm_shell.actions import tree
from crm_shell.tools.frame import ToolFailed, ToolParser, exclusive, run_tool, write
from raftmaker.client import Cluster, Progress
from raftmaker.vocabulary.codes import ExitCode

_KINDS = ("cluster", "guest", "remote")
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
    parser.value("-t", "--timeout", dest="timeout")
    parser.value("-i", "--ipc-name", dest="ipc_name")
    parser.flag("-B", "--bash-export", dest="bash_export")
    parser.flag("-q", "--quiet", dest="quiet")
    options = parser.parse_args()
    command = exclusive(parser, options, _COMMANDS)
    if not command:
        parser.error("say what to show: --dc_lookup, --status NODE, --nodes")
    if command == "nodes" and not set(options.nodes.split(",")) <= {"all", *_KINDS}:
        parser.error(f"--nodes: {options.nodes!r} is none of all, {', '.join(_KINDS)}")

    async def body(cluster: Cluster) -> int:
        return await _act(cluster, command, options)

    return run_tool("crmadmin", options.config, body)


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
            now = await cluster.progress()
            write(f"Controller: {now.state}, DC {now.dc or 'none'}")
    return 0
