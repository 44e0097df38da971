"""``crm_node``: names and membership (features 27.10, 29.4, 29.20)."""

from __future__ import annotations

import argparse

from crm_shell.actions import tree
from crm_shell.tools.frame import ToolFailed, ToolParser, exclusive, local_node, run_tool, write
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from raftmaker.vocabulary.membership import Presence

_COMMANDS = ("cluster_id", "list", "name", "partition", "quorum", "name_for_id", "remove")


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("crm_node", "show the cluster's members")
    parser.flag("-i", "--cluster-id", dest="cluster_id", text="this node's id")
    parser.flag("-l", "--list", dest="list", text="all nodes: id, name, state")
    parser.flag("-n", "--name", dest="name", text="this node's name")
    parser.flag("-p", "--partition", dest="partition", text="the members of this partition")
    parser.flag("-q", "--quorum", dest="quorum", text="1 when this partition has quorum, else 0")
    parser.value("-N", "--name-for-id", dest="name_for_id", text="the name of a node id")
    parser.value("-R", "--remove", dest="remove", text="remove a node that has left (with -f)")
    parser.flag("-f", "--force", dest="force")
    parser.flag("-Q", "--quiet", dest="quiet")
    options = parser.parse_args()
    command = exclusive(parser, options, _COMMANDS)
    if not command:
        parser.error("say what to show: -n, -l, -p, -q, -i")

    async def body(cluster: Cluster) -> int:
        return await _act(cluster, command, options)

    return run_tool("crm_node", options.config, body)


async def _act(cluster: Cluster, command: str, options: argparse.Namespace) -> int:
    if command in ("name", "cluster_id"):  # known without asking anybody
        write(local_node(cluster))
        return 0
    if command == "quorum":
        write("1" if (await cluster.store_status()).quorate else "0")
        return 0
    cib = await cluster.cib(local=command != "remove")
    present = {each.node for each in cib.facts.nodes if each.presence is Presence.MEMBER}
    match command:
        case "list":
            connected = {
                one.id
                for one in tree.section(cib.document, "status").each("node_state")
                if one.get("remote_node") == "true" and one.get("in_ccm") not in ("", "0")
            }
            for entry in tree.section(cib.document, "nodes").each("node"):
                state = "member" if entry.get("uname") in present | connected else "lost"
                write(f"{entry.id} {entry.get('uname')} {state}")
        case "partition":
            write(" ".join(sorted(present)))
        case "name_for_id":
            write(tree.node(cib.document, options.name_for_id).get("uname"))
        case _:
            await _remove(cluster, options, sorted(present))
    return 0


async def _remove(cluster: Cluster, options: argparse.Namespace, present: list[str]) -> None:
    name = options.remove
    if not options.force:
        raise ToolFailed(f"removing {name} cannot be undone: repeat it with -f", ExitCode.USAGE)
    if name in present:
        raise ToolFailed(f"{name} is a member: stop it first", ExitCode.UNSAFE)
    cib = await cluster.cib()
    entry = tree.node(cib.document, name)
    await cluster.change(
        [
            CibOperation(kind=OperationKind.DELETE, scope="nodes", xml=f'<node id="{entry.id}"/>'),
            CibOperation(
                kind=OperationKind.DELETE, scope="status", xml=f'<node_state id="{entry.id}"/>'
            ),
        ],
        message=f"crm_node --remove {name}",
    )
    await cluster.forget_attributes(entry.get("uname") or entry.id)
