"""``attrd_updater``: transient attributes of nodes, as agents set them (27.12, 29.2, 29.19)."""

from __future__ import annotations

import argparse

from crm_shell.actions import tree
from crm_shell.tools.attributes import (
    Place,
    delete,
    names_matching,
    not_set,
    place_of,
    update,
    value_of,
)
from crm_shell.tools.frame import ToolParser, exclusive, local_node, run_tool, write
from raftmaker.client import Cluster


def main() -> int:
    """Run the tool and return its exit code."""
    parser = ToolParser("attrd_updater", "query and set transient node attributes")
    parser.value("-n", "--name", dest="name", text="the attribute")
    parser.value("-P", "--pattern", dest="pattern", text="regular expression of names")
    parser.value("-U", "--update", "-v", dest="update", text="set the value")
    parser.value("-B", "--update-both", dest="update_both", text="set value and delay")
    parser.flag("-Y", "--update-delay", dest="update_delay", text="accepted: writes never wait")
    parser.flag("-Q", "--query", dest="query", text="print the value")
    parser.flag("-A", "--all", dest="all", text="with -Q: of all nodes")
    parser.flag("-D", "--delete", dest="delete", text="remove the attribute")
    parser.flag("-R", "--refresh", dest="refresh", text="accepted: nothing is held back")
    parser.value("-d", "--delay", dest="delay", text="accepted: writes never wait")
    parser.value("-s", "--set", dest="set_name", text="id of the set")
    parser.value("-S", "--attr-section", dest="section", text="accepted")
    parser.value("-N", "--node", dest="node", text="the node; else this one")
    parser.value("-l", "--lifetime", dest="lifetime", text="accepted: reboot")
    parser.value("-W", "--wait", dest="wait", text="accepted: a change is cluster-wide")
    parser.flag("-p", "--private", dest="private", text="accepted: kept in the status section")
    parser.flag("-z", "--utilization", dest="utilization", text="utilization attributes")
    parser.flag("-q", "--quiet", dest="quiet")
    options = parser.parse_args()
    command = exclusive(
        parser, options, ("update", "update_both", "update_delay", "query", "delete", "refresh")
    )
    if command in ("refresh", "update_delay"):
        return 0
    if not options.name and not options.pattern:
        parser.error("name the attribute: --name NAME")
    if options.update_both is not None:
        options.update = options.update_both

    async def body(cluster: Cluster) -> int:
        return await _act(cluster, options, "update" if options.update is not None else command)

    return run_tool("attrd_updater", options.config, body)


async def _act(cluster: Cluster, options: argparse.Namespace, command: str) -> int:
    cib = await cluster.cib(local=command == "query")
    node = options.node or local_node(cluster)
    place = place_of(cib.document, "status", node, utilization=options.utilization)
    if command == "query":
        names = (
            [node]
            if not options.all
            else [each.get("uname") for each in tree.section(cib.document, "nodes").each("node")]
        )
        places = {
            name: place_of(cib.document, "status", name, utilization=options.utilization)
            for name in names
        }
        return _query(places, options)
    names = [options.name] if options.name else names_matching(place, options.pattern)
    for name in names:
        if command == "delete":
            await delete(cluster, place, name, set_name=options.set_name or "")
        else:
            await update(
                cluster,
                place,
                name,
                options.update,
                set_name=options.set_name or "",
            )
    return 0


def _query(places: dict[str, Place], options: argparse.Namespace) -> int:
    found = False
    for host, place in places.items():
        for name in [options.name] if options.name else names_matching(place, options.pattern):
            value = value_of(place, name)
            if value is not None:
                found = True
                write(value if options.quiet else f'name="{name}" host="{host}" value="{value}"')
    if not found:
        raise not_set(options.name or options.pattern)
    return 0
