"""What `crm_resource` prints: states, places, XML, operations, agents (features 27.6)."""

from __future__ import annotations

import argparse
import time

from cib_store.document.element import Element
from crm_shell.actions import tree
from crm_shell.status.history import lrm_resources, number
from crm_shell.tools.frame import ToolFailed, write
from crm_shell.tools.resource_values import dependents
from crm_shell.xml_text import xml_lines
from raftmaker.client import Cluster
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import ExitCode

_STANDARDS = ("ocf", "lsb", "service", "systemd", "stonith")


def places_now(cib: Element, identity: str) -> list[tuple[str, str]]:
    """Return (node, role) of everywhere a resource, or something in it, runs."""
    from crm_shell.status.places import places_of

    return places_of(cib, identity, now=int(time.time()))


async def show_list(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print all resources and their states."""
    from crm_shell.status.build import build
    from crm_shell.status.text import resource_list

    status = build((await cluster.cib(local=True)).document, now=int(time.time()))
    if options.output_as == "xml":
        from crm_shell.status.cluster_xml import resource_element
        from crm_shell.status.xml import framed

        elements = tuple(resource_element(each) for each in status.resources)
        write(framed("crm_resource --list", (Element("resources", {}, elements),)))
        return 0
    for line in resource_list(status, inactive=True):
        write(line)
    return 0


async def show_raw(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print the ids of all primitives."""
    cib = await cluster.cib(local=True)
    found = [each.id for each in tree.resources(cib.document) if each.tag == "primitive"]
    for each in found:
        write(each)
    if not found:
        raise ToolFailed("NO resources configured", ExitCode.NOSUCH)
    return 0


async def show_operations(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print operations of the histories; the active ones alone unless all are wanted."""
    cib = await cluster.cib(local=True)
    for state in tree.section(cib.document, "status").each("node_state"):
        if options.node and state.get("uname") != options.node:
            continue
        for history in lrm_resources(state):
            if options.resource and history.id != options.resource:
                continue
            for each in history.each("lrm_rsc_op"):
                recurring = each.get("interval") not in ("", "0")
                pending = number(each, "call-id") < 0
                if options.list_all_operations or recurring or pending:
                    write(operation_text(state, history, each))
    return 0


def operation_text(state: Element, history: Element, each: Element) -> str:
    """Return an operation of a resource's history on a node in a line."""
    agent = ":".join(filter(None, (history.get(n) for n in ("class", "provider", "type"))))
    status = "pending" if number(each, "op-status") == -1 else "complete"
    return (
        f"{history.id}\t({agent}):\t {each.get('operation_key')} (node={state.get('uname')},"
        f" call={each.get('call-id')}, rc={each.get('rc-code')},"
        f" exec={each.get('exec-time', '0')}ms): {status}"
    )


async def show_xml(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print a resource's state and XML."""
    from cib_store.model.dates import Moment
    from crm_shell.status.cluster_text import Detail, resource_lines
    from crmd.scheduler.pipeline import read_cluster

    cib = await cluster.cib(local=True)
    element = tree.resource(cib.document, options.resource)
    run = read_cluster(cib.document, Moment(int(time.time())))
    for rsc in filter(None, (top.part(element.id) for top in run.resources)):
        for line in resource_lines(run, rsc, "", detail=Detail()):
            write(line.removeprefix("* "))
    write("Resource XML:")
    if options.query_xml:
        element = tree.with_template(cib.document, element)
    write("\n".join(xml_lines(element)))
    return 0


async def show_places(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print where a resource runs."""
    cib = await cluster.cib(local=True)
    places = places_now(cib.document, options.resource)
    for node, role in places:
        suffix = " Promoted" if role == "Promoted" else ""
        text = f"resource {options.resource} is running on: {node}{suffix}"
        write(node if options.quiet else text)
    if not places:
        write(f"resource {options.resource} is NOT running")
    return 0


async def show_constraints(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print the constraints on a resource."""
    cib = await cluster.cib(local=True)
    names = {tree.resource(cib.document, options.resource).id}
    if options.recursive:
        names.update(dependents(cib.document, *names))
    for each in tree.section(cib.document, "constraints").each():
        ends = [each.get(end) for end in ("rsc", "with-rsc", "first", "then")]
        members = [below.id for below in each.walk() if below.tag == "resource_ref"]
        if names & {*ends, *members}:
            write("\n".join(xml_lines(each)))
    return 0


async def show_options(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print the options that every primitive or fence device has."""
    from crm_shell.tools.option_lists import listing

    allowed = ("primitive", "fencing")
    output_as = options.output_as or "text"
    write(listing(options.list_options, allowed, advanced=options.all, output_as=output_as))
    return 0


async def show_standards(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print the classes of agents."""
    for each in _STANDARDS:
        write(each)
    return 0


async def show_agents(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print the installed agents of a class and provider."""
    standard, _, provider = options.list_agents.partition(":")
    found = await cluster.agents(standard, provider)
    for each in found:
        write(each.rpartition(":")[2])
    if not found:
        raise ToolFailed(f"no agents of {options.list_agents}", ExitCode.NOSUCH)
    return 0


async def show_providers(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print the providers of OCF agents: all, or those that have one agent."""
    agent = options.list_ocf_alternatives
    named = [each.split(":") for each in await cluster.agents("ocf", "")]
    found = sorted({names[1] for names in named if len(names) == 3 and agent in (None, names[2])})
    for each in found:
        write(each)
    if not found:
        whose = f" of an agent {agent}" if agent else ""
        raise ToolFailed(f"no OCF providers{whose}", ExitCode.NOSUCH)
    return 0


async def show_metadata(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print an agent's metadata."""
    names = options.show_metadata.split(":")
    if len(names) not in (2, 3):
        raise ToolFailed("name it as STANDARD:[PROVIDER:]AGENT", ExitCode.USAGE)
    provider = names[1] if len(names) == 3 else ""
    try:
        write(await cluster.metadata(names[0], provider, names[-1]))
    except (HaError, ValueError) as error:
        raise ToolFailed(f"Metadata query for {options.show_metadata} failed: {error}",
                         ExitCode.NOSUCH) from None  # fmt: skip
    return 0
