"""``crm_attribute`` and its relatives crm_standby, crm_failcount, crm_master (27.11, 27.13-27.15).

Agents call these (features 29.1, 29.3): what `-G` and `-q` print is parsed by them.
"""

from __future__ import annotations

import argparse
import os

from crm_shell.actions import tree
from crm_shell.tools import transient
from crm_shell.tools.attributes import (
    Place,
    delete,
    names_matching,
    not_set,
    place_of,
    update,
    value_of,
)
from crm_shell.tools.frame import (
    ToolFailed,
    ToolParser,
    complain,
    exclusive,
    local_node,
    run_tool,
    write,
)
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import AttributeChange
from raftmaker.vocabulary.ids import NodeName

_LIFETIMES = {"forever": "nodes", "reboot": "status"}


def _parser(program: str) -> ToolParser:
    parser = ToolParser(program, "query and set cluster options and node attributes")
    parser.value("-n", "--name", dest="name", text="the attribute")
    parser.value("-P", "--pattern", dest="pattern", text="regular expression of names")
    parser.flag("-a", "--all", dest="all", text="with -G: all attributes")
    parser.flag("-G", "--query", dest="query", text="print the value")
    parser.value("-v", "--update", "--attr-value", dest="update", text="set the value")
    parser.flag("-D", "--delete", dest="delete", text="remove the attribute")
    parser.value("-d", "--default", dest="default", text="what -G prints when it is not set")
    parser.value("-t", "--type", dest="type", text="crm_config, nodes, status, rsc_defaults, …")
    parser.value("-l", "--lifetime", dest="lifetime", text="forever or reboot")
    parser.value("-N", "--node", "--uname", dest="node", text="the node; else this one")
    parser.value("-s", "--set-name", dest="set_name", text="id of the set")
    parser.value("-i", "--id", dest="id", text="id of the pair")
    parser.flag("-z", "--utilization", dest="utilization", text="utilization attributes")
    parser.add_argument(
        "-p",
        "--promotion",
        nargs="?",
        const="",
        metavar="RESOURCE",
        help="promotion score of a resource (else OCF_RESOURCE_INSTANCE)",
    )
    parser.value("-L", "--list-options", dest="list_options", text="list the options of: cluster")
    parser.value("--output-as", dest="output_as", text="text or xml, with --list-options")
    parser.flag("-q", "--quiet", "-Q", dest="quiet", text="the value alone")
    parser.value("-W", "--wait", dest="wait", text="no, local, or cluster: until all nodes have it")
    parser.flag("--score", "--score", dest="score", text="values X++ and X+=N are sums")
    parser.flag("-!", "--inhibit-policy-engine", dest="inhibited", text="accepted, no effect")
    return parser


def main() -> int:
    """Run crm_attribute."""
    parser = _parser("crm_attribute")
    options = parser.parse_args()
    if options.list_options:
        return _list_options(options)
    if options.promotion is not None:
        options.name = _promotion_name(parser, options.promotion)
        options.lifetime = options.lifetime or "reboot"
    return _run("crm_attribute", parser, options)


def _list_options(options: argparse.Namespace) -> int:
    from crm_shell.tools.option_lists import listing

    try:
        write(listing(options.list_options, ("cluster",), advanced=options.verbose > 0,
                      output_as=options.output_as or "text"))  # fmt: skip
    except ToolFailed as error:
        complain("crm_attribute", str(error))
        return int(error.code)
    return 0


def _promotion_name(parser: ToolParser, resource: str) -> str:
    name = resource or os.environ.get("OCF_RESOURCE_INSTANCE", "")
    if not name:
        parser.error("-p outside an agent needs a resource: -p RESOURCE")
    # Instances of anonymous clones share the name without a number.
    return f"master-{name.partition(':')[0]}"


def _scope(parser: ToolParser, options: argparse.Namespace) -> str:
    if options.type in ("reboot", "forever"):  # crm_attribute took these for a type once
        return _LIFETIMES[options.type]
    if options.lifetime:
        if options.lifetime not in _LIFETIMES:
            parser.error(f"lifetime {options.lifetime!r} is neither forever nor reboot")
        return _LIFETIMES[options.lifetime]
    if options.type:
        return str(options.type)
    return "nodes" if options.node or options.utilization else "crm_config"


def _run(program: str, parser: ToolParser, options: argparse.Namespace) -> int:
    command = exclusive(parser, options, ("query", "update", "delete")) or "query"
    if options.all and (options.name or options.pattern or command != "query"):
        parser.error("--all is for --query alone, without a name")
    if options.all:
        options.pattern = "."
    if not options.name and not options.pattern:
        parser.error("name the attribute: --name NAME")
    scope = _scope(parser, options)

    async def body(cluster: Cluster) -> int:
        return await _act(cluster, command, scope, options)

    return run_tool(program, options.config, body)


async def _act(cluster: Cluster, command: str, scope: str, options: argparse.Namespace) -> int:
    if scope == "status":
        return await _act_on_transient(cluster, command, options)
    cib = await cluster.cib()
    node = options.node if options.node not in (None, "localhost") else local_node(cluster)
    place = place_of(cib.document, scope, node, utilization=options.utilization)
    set_name = options.set_name or ""
    if options.pattern:
        return await _by_pattern(cluster, command, place, options)
    match command:
        case "query":
            value = value_of(place, options.name, set_name)
            if value is None:
                value = options.default
            if value is None:
                raise not_set(options.name)
            _print(options, scope, options.name, value)
        case "update":
            if options.update == "":
                raise ToolFailed("an empty value is not allowed", ExitCode.USAGE)
            if scope == "nodes":
                transient.insist_on_free_name(options.name)
            await update(
                cluster,
                place,
                options.name,
                options.update,
                set_name=set_name,
                pair_id=options.id or "",
                score=options.score,
            )
        case _:
            for identity in await delete(cluster, place, options.name, set_name=set_name):
                if not options.quiet:
                    write(f"Deleted {scope} attribute: id={identity} name={options.name}")
    return 0


async def _act_on_transient(cluster: Cluster, command: str, options: argparse.Namespace) -> int:
    """Read or change what goes when the node leaves; sums lose nothing (features 15.8)."""
    wait = transient.insist_on_wait(options.wait)
    name = options.node if options.node not in (None, "localhost") else local_node(cluster)
    node = tree.node((await cluster.cib(local=True)).document, name).get("uname")
    found = await transient.read(
        cluster,
        name="" if options.pattern else options.name,
        pattern=options.pattern or "",
        node=node,
        utilization=options.utilization,
    )
    if command == "query":
        if not found and options.default is None:
            raise not_set(options.name or options.pattern)
        for each in found:
            _print(options, "status", each.name, each.value)
        if not found:
            _print(options, "status", options.name, options.default)
        return 0
    if command == "update" and options.update == "":
        raise ToolFailed("an empty value is not allowed", ExitCode.USAGE)
    names = [each.name for each in found] if options.pattern else [options.name]
    changes = [
        AttributeChange(
            name=each,
            node=NodeName(node),
            value=transient.value_of(each, options.update) if command == "update" else None,
            set_name=options.set_name or "",
            utilization=options.utilization,
        )
        for each in names
    ]
    await transient.carry_out(cluster, changes, wait)
    if command == "delete" and not options.quiet:
        for each in found:
            write(f"Deleted status attribute: name={each.name}")
    return 0


def _print(options: argparse.Namespace, scope: str, name: str, value: str) -> None:
    write(value if options.quiet else f"scope={scope}  name={name} value={value}")


async def _by_pattern(
    cluster: Cluster, command: str, place: Place, options: argparse.Namespace
) -> int:
    names = names_matching(place, options.pattern)
    if command == "query" and not names:
        raise not_set(options.pattern)
    for name in names:
        if command == "query":
            _print(options, place.scope, name, value_of(place, name, options.set_name or "") or "")
        elif command == "update":
            if place.scope == "nodes":
                transient.insist_on_free_name(name)
            await update(cluster, place, name, options.update, set_name=options.set_name or "")
        else:
            await delete(cluster, place, name, set_name=options.set_name or "")
    return 0


def standby() -> int:
    """Run crm_standby: a node's attribute ``standby`` (features 27.13)."""
    parser = ToolParser("crm_standby", "check, enable or disable standby of a node")
    parser.flag("-G", "--query", dest="query")
    parser.value("-v", "--update", dest="update", text="on, off, true or false")
    parser.flag("-D", "--delete", dest="delete")
    parser.value("-N", "--node", "--uname", "-U", dest="node")
    parser.value("-l", "--lifetime", dest="lifetime", text="forever or reboot")
    parser.value("-i", "--id", dest="id")
    parser.flag("-q", "--quiet", "-Q", dest="quiet")
    options = parser.parse_args()
    options.__dict__.update(
        name="standby",
        pattern=None,
        all=False,
        default="off",
        type=None,
        set_name=None,
        utilization=False,
        score=False,
        wait=None,
    )
    options.lifetime = options.lifetime or "forever"
    return _run("crm_standby", parser, options)


def master() -> int:
    """Run crm_master: this agent's promotion score (features 27.15)."""
    parser = ToolParser("crm_master", "query or set the promotion score of a resource instance")
    parser.flag("-G", "--query", dest="query")
    parser.value("-v", "--update", dest="update")
    parser.flag("-D", "--delete", dest="delete")
    parser.value("-N", "--node", "-U", dest="node")
    parser.value("-l", "--lifetime", dest="lifetime", text="forever or reboot")
    parser.value("-r", "--resource", dest="resource", text="else OCF_RESOURCE_INSTANCE")
    parser.value("-i", "--id", dest="id")
    parser.flag("-q", "--quiet", "-Q", dest="quiet")
    options = parser.parse_args()
    options.__dict__.update(
        name=_promotion_name(parser, options.resource or ""),
        pattern=None,
        all=False,
        default=None,
        type=None,
        set_name=None,
        utilization=False,
        score=False,
        wait=None,
    )
    options.lifetime = options.lifetime or "reboot"
    return _run("crm_master", parser, options)


def failcount() -> int:
    """Run crm_failcount: how often a resource failed on a node (features 27.14)."""
    parser = ToolParser("crm_failcount", "query or delete fail counts of a resource")
    parser.flag("-G", "--query", dest="query")
    parser.flag("-D", "--delete", dest="delete")
    parser.value("-r", "--resource", "--resource-id", dest="resource")
    parser.value("-N", "--node", "-U", dest="node")
    parser.value("-n", "--operation", dest="operation")
    parser.value("-I", "--interval", dest="interval")
    parser.flag("-q", "--quiet", "-Q", dest="quiet")
    options = parser.parse_args()
    if not options.resource:
        parser.error("name the resource: --resource RESOURCE")

    async def body(cluster: Cluster) -> int:
        return await _failcount(cluster, options)

    return run_tool("crm_failcount", options.config, body)


async def _failcount(cluster: Cluster, options: argparse.Namespace) -> int:
    from cib_store.model.scores import score_text
    from cib_store.model.values import interval_ms
    from crm_shell.actions.failcounts import failcount as failcount_of

    node = options.node or local_node(cluster)
    interval = interval_ms(options.interval)
    if options.delete:
        await cluster.cleanup(
            resource=options.resource,
            node=node,
            operation=options.operation or "",
            interval_ms=interval,
        )
        return 0
    cib = await cluster.cib(local=True)
    entry = tree.node(cib.document, node)
    text = score_text(
        failcount_of(cib.document, entry.id, options.resource, options.operation or "", interval)
    )
    write(
        text if options.quiet else f"scope=status  name=fail-count-{options.resource} value={text}"
    )
    return 0
