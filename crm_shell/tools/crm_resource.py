"""``crm_resource``: look at resources and act on them (features 27.6-27.9, 29.5)."""

from __future__ import annotations

import argparse
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from cib_store.model.dates import Moment
from crm_shell.actions import moving, roles, tree
from crm_shell.tools import resource_queries as queries
from crm_shell.tools import resource_values as values
from crm_shell.tools.frame import ToolFailed, ToolParser, exclusive, run_tool, write
from raftmaker.client import Cluster, wait_settled
from raftmaker.vocabulary.codes import ExitCode

_BY_HAND = {
    "force_start": "start",
    "force_stop": "stop",
    "force_demote": "demote",
    "force_promote": "promote",
    "force_check": "monitor",
    "validate": "validate-all",
}
"""Which action of its agent each of these options runs."""
_LONGEST = "3600"
"""Seconds to wait, unless --timeout says otherwise."""
_Run = Callable[[Cluster, argparse.Namespace], Awaitable[int]]

_QUERIES = (
    ("-L", "list", "all resources and their states"),
    ("-l", "list-raw", "the ids of all primitives"),
    ("-O", "list-operations", "active operations"),
    ("-o", "list-all-operations", "all operations"),
    ("-q", "query-xml", "a resource's XML with its template filled in"),
    ("-w", "query-xml-raw", "a resource's XML"),
    ("-W", "locate", "where a resource runs"),
    ("-a", "constraints", "constraints on a resource"),
    ("-C", "cleanup", "forget failures"),
    ("-R", "refresh", "forget the history, and probe again"),
    ("-M", "move", "move by a constraint"),
    ("-B", "ban", "keep away from a node"),
    ("-U", "clear", "lift what move and ban made"),
    ("-D", "delete", "delete a resource"),
    ("-F", "fail", "have a resource count as failed on the node of -N"),
    ("-Y", "why", "why resources run or do not"),
)
_ALONE = (
    ("digests", "digests of a resource's parameters, with -N"),
    ("validate", "have the agent check the parameters of -r, or of --class and --option"),
    ("force-start", "run the agent's start here, whatever the cluster thinks of it"),
    ("force-stop", "the same with stop"),
    ("force-demote", "the same with demote"),
    ("force-promote", "the same with promote"),
    ("force-check", "the same with monitor"),
)
_WITH_VALUE = (
    ("-g", "get-parameter", "print a parameter"),
    ("-p", "set-parameter", "set a parameter, with -v"),
    ("-d", "delete-parameter", "delete a parameter"),
)


def _parser() -> ToolParser:
    parser = ToolParser("crm_resource", "look at resources and act on them")
    for short, name, text in _QUERIES:
        parser.flag(short, f"--{name}", dest=name.replace("-", "_"), text=text)
    for short, name, text in _WITH_VALUE:
        parser.value(short, f"--{name}", dest=name.replace("-", "_"), text=text)
    for name, text in _ALONE:
        parser.flag(f"--{name}", dest=name.replace("-", "_"), text=text)
    for name, dest in (("class", "standard"), ("provider", "provider"), ("agent", "agent")):
        parser.value(f"--{name}", dest=dest, text="with --validate: the agent, without -r")
    parser.add_argument("--option", dest="option", action="append", default=[],
                        metavar="NAME=VALUE",
                        help="with --validate, --force-…: a parameter")  # fmt: skip
    parser.flag("--restart", "--restart", dest="restart", text="stop, wait, start")
    parser.flag("--wait", "--wait", dest="wait", text="wait until the cluster has settled")
    parser.flag("--list-standards", "--list-standards", dest="list_standards")
    parser.flag("--list-ocf-providers", "--list-ocf-providers", dest="list_ocf_providers")
    parser.value("--list-options", dest="list_options", text="options of: primitive or fencing")
    parser.flag("--all", "--all", dest="all", text="with --list-options: advanced ones too")
    parser.value("--list-ocf-alternatives", dest="list_ocf_alternatives", text="AGENT")
    parser.value("--list-agents", dest="list_agents", text="STANDARD[:PROVIDER]")
    parser.value("--show-metadata", dest="show_metadata", text="STANDARD:[PROVIDER:]AGENT")
    parser.value("-r", "--resource", dest="resource", text="the resource")
    parser.value("-N", "--node", "-H", "--host-uname", dest="node", text="the node")
    parser.value("-v", "--parameter-value", dest="value", text="the value for -p")
    parser.flag("-m", "--meta", dest="meta", text="meta-attributes instead of parameters")
    parser.flag("-z", "--utilization", dest="utilization", text="utilization instead")
    parser.flag("--element", "--element", dest="element", text="XML attributes instead")
    parser.value("-n", "--operation", dest="operation", text="with -C: only this operation")
    parser.value("-I", "--interval", dest="interval", text="with -n: its interval")
    parser.value("-u", "--lifetime", dest="lifetime", text="with -M, -B: how long")
    parser.flag("--promoted", "--promoted", "--master", dest="promoted", text="the promoted role")
    parser.flag("-e", "--expired", dest="expired", text="with -U: only what is over")
    parser.value("-s", "--set-name", dest="set_name", text="id of the set")
    parser.value("-i", "--nvpair", dest="pair_id", text="id of the pair")
    parser.value("-t", "--resource-type", dest="type", text="with -D: primitive, group, clone …")
    parser.value("-T", "--timeout", dest="timeout", text="seconds to wait")
    parser.flag("--recursive", "--recursive", dest="recursive",
                text="with -p, -a: also what is placed by the resource")  # fmt: skip
    parser.flag("-f", "--force", dest="force")
    parser.flag("-Q", "--quiet", dest="quiet", text="the value alone")
    parser.value("--output-as", dest="output_as", text="text or xml")
    return parser


def main() -> int:
    """Run the tool and return its exit code."""
    parser = _parser()
    options = parser.parse_args()
    command = exclusive(parser, options, tuple(_RUNS))
    command = command or "list"
    if command in _NEED_RESOURCE and not options.resource:
        parser.error(f"--{command.replace('_', '-')} needs a resource: --resource RESOURCE")
    if command == "validate" and not options.resource and not (options.standard and options.agent):
        parser.error("--validate needs --resource RESOURCE, or --class and --agent")
    if options.expired and command != "clear":
        parser.error("--expired is for --clear")
    if command == "clear" and not (options.resource or options.expired):
        parser.error("--clear needs a resource: --resource RESOURCE, or --expired")
    if command == "set_parameter" and options.value is None:
        parser.error("--set-parameter needs a value: --parameter-value VALUE")

    async def body(cluster: Cluster) -> int:
        return await _RUNS[command](cluster, options)

    return run_tool("crm_resource", options.config, body)


async def _forget(cluster: Cluster, options: argparse.Namespace) -> int:
    from cib_store.model.values import interval_ms

    cib = await cluster.cib()
    if options.resource:
        tree.resource(cib.document, options.resource)
    if options.node:
        tree.node(cib.document, options.node)
    cleaned = await cluster.cleanup(
        resource=options.resource or "",
        node=options.node or "",
        operation=options.operation or "",
        interval_ms=interval_ms(options.interval),
        refresh=options.refresh,
    )
    for line in cleaned:
        write(line)
    return 0


def _end(options: argparse.Namespace) -> str:
    if not options.lifetime:
        return ""
    try:
        return moving.end_of_lifetime(options.lifetime, datetime.now().astimezone())
    except ValueError as error:
        raise ToolFailed(str(error), ExitCode.USAGE) from None


async def _move(cluster: Cluster, options: argparse.Namespace) -> int:
    if not options.node:
        return await _ban(cluster, options)
    cib = await cluster.cib()
    node = tree.node(cib.document, options.node).get("uname")
    places = [where for where, _ in queries.places_now(cib.document, options.resource)]
    if places == [node] and not options.force:
        raise ToolFailed(
            f"Error performing operation: {options.resource} is already active on {node}",
            ExitCode.EXISTS,
        )
    role = "Promoted" if options.promoted else ""
    cleared = moving.cleared(cib.document, options.resource, node)
    prefer = moving.prefer(cib.document, options.resource, node, end=_end(options), role=role)
    key = f"cli-prefer-{tree.resource(cib.document, options.resource).id}"
    operations = [*(each for each in cleared if key not in each.xml), prefer]
    if options.force and len(places) == 1 and places != [node]:
        operations.append(moving.ban(cib.document, options.resource, places[0], end=_end(options)))
    await cluster.change(operations)
    return 0


async def _ban(cluster: Cluster, options: argparse.Namespace) -> int:
    cib = await cluster.cib()
    node = options.node
    if not node:
        places = [where for where, _ in queries.places_now(cib.document, options.resource)]
        if len(places) != 1:
            raise ToolFailed(
                f"Resource '{options.resource}' not moved: active in {len(places)} locations."
                " To prevent it from running on a specific location, specify a node",
                ExitCode.USAGE,
            )
        node = places[0]
        write(
            f"Migration will take place away from {node}: crm_resource --clear -r"
            f" {options.resource} lifts the constraint"
        )
    role = "Promoted" if options.promoted else ""
    ban = moving.ban(cib.document, options.resource, node, end=_end(options), role=role)
    await cluster.change([ban])
    return 0


async def _clear(cluster: Cluster, options: argparse.Namespace) -> int:
    """With --expired also for all resources, what is over alone (features 12.9)."""
    cib = (await cluster.cib()).document
    resource = tree.resource(cib, options.resource).id if options.resource else ""
    node = tree.node(cib, options.node).get("uname") if options.node else ""
    if options.expired:
        found = moving.expired(cib, resource, Moment(int(time.time())))
    else:
        found = moving.made_for(cib, resource)
    found = [each for each in found if not node or moving.node_of(each) == node]
    if found:
        await cluster.change(moving.removal_of(found))
    for each in found:
        write(f"Removing constraint: {each.id}")
    return 0


async def _restart(cluster: Cluster, options: argparse.Namespace) -> int:
    from crm_shell.actions.pairs import of_resource, remove_pair, set_pair

    name = options.resource
    cib = await cluster.cib()
    if not queries.places_now(cib.document, name):
        raise ToolFailed(f"{name} is not running and so cannot be restarted", ExitCode.NOT_RUNNING)
    before = roles.meta_of(cib.document, name, "target-role")
    stopped = await cluster.change(roles.set_meta(cib.document, name, "target-role", "Stopped"))
    try:
        await wait_settled(cluster, stopped.index, timeout_s=_timeout_s(options))
    finally:
        element = tree.resource((await cluster.cib()).document, name)
        home = of_resource(element)
        started = await cluster.change(
            remove_pair(home, element, "target-role")
            if before is None
            else [set_pair(home, element, "target-role", before)]
        )
    await wait_settled(cluster, started.index, timeout_s=_timeout_s(options))
    return 0


def _timeout_s(options: argparse.Namespace) -> float:
    from cib_store.model.values import parse_duration_ms

    duration = parse_duration_ms(options.timeout or _LONGEST)
    if duration is None:
        raise ToolFailed(f"{options.timeout!r} is no duration", ExitCode.USAGE)
    return duration / 1000


async def _wait(cluster: Cluster, options: argparse.Namespace) -> int:
    await wait_settled(cluster, (await cluster.cib()).index, timeout_s=_timeout_s(options))
    return 0


async def _delete(cluster: Cluster, options: argparse.Namespace) -> int:
    from crm_shell.edit import operations
    from crm_shell.edit.removal import remove

    cib = await cluster.cib()
    element = tree.resource(cib.document, options.resource)
    if options.type and options.type != element.tag:
        raise ToolFailed(f"{element.id} is a {element.tag}, no {options.type}", ExitCode.NOSUCH)
    if queries.places_now(cib.document, element.id) and not options.force:
        raise ToolFailed(f"{element.id} is running: stop it first, or -f", ExitCode.UNSAFE)
    edited = remove(cib.configuration, [element.id])
    await cluster.change(operations(cib.configuration, edited), base=cib.version)
    return 0


async def _fail(cluster: Cluster, options: argparse.Namespace) -> int:
    cib = (await cluster.cib()).document
    element = tree.resource(cib, options.resource)
    if element.tag != "primitive":
        raise ToolFailed(f"{element.id} is a {element.tag}: only primitives fail", ExitCode.USAGE)
    if not options.node:
        raise ToolFailed("--fail needs a node: --node NODE", ExitCode.USAGE)
    node = tree.node(cib, options.node).get("uname")
    await cluster.fail(options.resource, node)
    return 0


async def _by_hand(cluster: Cluster, options: argparse.Namespace) -> int:
    # Here and not above, as these load the scheduler.
    from crm_shell.tools import resource_by_hand

    command = next(name for name in _BY_HAND if getattr(options, name))
    name = command.replace("_", "-")
    return await resource_by_hand.run(cluster, name, _BY_HAND[command], options)


async def _why(cluster: Cluster, options: argparse.Namespace) -> int:
    from crm_shell.tools import resource_reasons

    return await resource_reasons.why(cluster, options)


async def _digests(cluster: Cluster, options: argparse.Namespace) -> int:
    from crm_shell.tools import resource_reasons

    return await resource_reasons.digests(cluster, options)


_RUNS: dict[str, _Run] = {
    "list": queries.show_list,
    "list_raw": queries.show_raw,
    "list_operations": queries.show_operations,
    "list_all_operations": queries.show_operations,
    "query_xml": queries.show_xml,
    "query_xml_raw": queries.show_xml,
    "locate": queries.show_places,
    "constraints": queries.show_constraints,
    "list_options": queries.show_options,
    "list_standards": queries.show_standards,
    "list_agents": queries.show_agents,
    "list_ocf_providers": queries.show_providers,
    "list_ocf_alternatives": queries.show_providers,
    "show_metadata": queries.show_metadata,
    "get_parameter": values.get,
    "set_parameter": values.set_,
    "delete_parameter": values.delete,
    "cleanup": _forget,
    "refresh": _forget,
    "move": _move,
    "ban": _ban,
    "clear": _clear,
    "restart": _restart,
    "wait": _wait,
    "delete": _delete,
    "fail": _fail,
    "why": _why,
    "digests": _digests,
    **dict.fromkeys(_BY_HAND, _by_hand),
}
_NEED_RESOURCE = ("query_xml", "query_xml_raw", "locate", "constraints", "get_parameter",
                  "set_parameter", "delete_parameter", "move", "ban", "restart",
                  "delete", "digests", "fail", *(each for each in _BY_HAND if each != "validate"),
                  )  # fmt: skip
