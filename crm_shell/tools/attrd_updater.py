"""``attrd_updater``: transient attributes of nodes, as agents set them (27.12, 29.2, 29.19)."""

from __future__ import annotations

import argparse

from crm_shell.actions import tree
from crm_shell.tools import transient
from crm_shell.tools.attributes import not_set
from crm_shell.tools.frame import ToolParser, exclusive, local_node, run_tool, write
from raftmaker.client import Cluster
from raftmaker.vocabulary.commands import AttributeChange
from raftmaker.vocabulary.ids import NodeName

_COMMANDS = ("update", "update_both", "update_delay", "query", "delete", "refresh")


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("attrd_updater", "query and set transient node attributes")
    parser.value("-n", "--name", dest="name", text="the attribute")
    parser.value("-P", "--pattern", dest="pattern", text="all whose names match this expression")
    parser.value("-U", "--update", "-v", dest="update", text="set the value; value++, value+=N add")
    parser.value("-B", "--update-both", dest="update_both", text="set the value and the --delay")
    parser.flag("-Y", "--update-delay", dest="update_delay", text="set the --delay alone")
    parser.flag("-Q", "--query", dest="query", text="print the value")
    parser.flag("-A", "--all", dest="all", text="with -Q: of all nodes")
    parser.flag("-D", "--delete", dest="delete", text="remove the attribute")
    parser.flag("-R", "--refresh", dest="refresh", text="write all that is held back now")
    parser.value("-d", "--delay", dest="delay", text="hold back changes for so long (5s)")
    parser.value("-s", "--set", dest="set_name", text="id of the set")
    parser.value("-S", "--attr-section", dest="section", text="accepted and ignored")
    parser.value("-N", "--node", dest="node", text="the node; else this one")
    parser.value("-l", "--lifetime", dest="lifetime", text="reboot, the only one there is")
    parser.value("-W", "--wait", dest="wait", text="no, local, or cluster: until all nodes have it")
    parser.flag("-p", "--private", dest="private", text="never in the CIB")
    parser.flag("-z", "--utilization", dest="utilization", text="a capacity of the node")
    parser.flag("-q", "--quiet", dest="quiet", text="print the value alone")
    options = parser.parse_args()
    command = exclusive(parser, options, _COMMANDS) or _refuse_nothing(parser)
    _check(parser, options, command)

    async def body(cluster: Cluster) -> int:
        return await _act(cluster, options, command)

    return run_tool("attrd_updater", options.config, body)


def _refuse_nothing(parser: ToolParser) -> str:
    parser.error("say what to do: -U, -B, -Y, -D, -Q or -R")


def _check(parser: ToolParser, options: argparse.Namespace, command: str) -> None:
    if command != "refresh" and not options.name and not options.pattern:
        parser.error("name the attribute: --name NAME")
    if command in ("update_both", "update_delay") and options.delay is None:
        parser.error("say the delay too: --delay 5s")
    if options.lifetime not in (None, "reboot"):
        parser.error("these attributes last until the node leaves: for others use crm_attribute")


async def _act(cluster: Cluster, options: argparse.Namespace, command: str) -> int:
    if command == "refresh":
        await cluster.write_attributes()
        return 0
    if command == "query":
        return await _query(cluster, options)
    wait, delay_ms = transient.insist_on_wait(options.wait), transient.delay_of(options.delay)
    node = options.node or local_node(cluster)
    names = [options.name]
    if options.pattern:
        found = await transient.read(
            cluster, pattern=options.pattern, utilization=options.utilization
        )
        names = sorted({each.name for each in found})
        if not names:
            raise not_set(options.pattern)
    text = options.update_both if command == "update_both" else options.update
    if command != "update_delay":
        # An unknown node is refused before anything changes.
        node = tree.node((await cluster.cib(local=True)).document, node).get("uname")
    changes = [
        AttributeChange(
            name=name,
            node=NodeName("" if command == "update_delay" else node),
            value=None if text is None else transient.value_of(name, text),
            delay_ms=delay_ms,
            new_delay=command in ("update_both", "update_delay"),
            private=options.private,
            set_name=options.set_name or "",
            utilization=options.utilization,
        )
        for name in names
    ]
    await transient.carry_out(cluster, changes, wait)
    return 0


async def _query(cluster: Cluster, options: argparse.Namespace) -> int:
    node = "" if options.all else options.node or local_node(cluster)
    found = await transient.read(
        cluster,
        name=options.name or "",
        pattern=options.pattern or "",
        node=node,
        utilization=options.utilization,
    )
    if not found:
        raise not_set(options.name or options.pattern)
    for each in found:
        plain = f'name="{each.name}" host="{each.node}" value="{each.value}"'
        write(each.value if options.quiet else plain)
    return 0
