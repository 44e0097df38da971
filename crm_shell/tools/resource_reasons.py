"""``crm_resource --why`` and ``--digests`` (features 27.6, 27.7)."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crm_shell.actions import tree
from crm_shell.commands.explain import explanation_lines, explanations
from crm_shell.status.places import places_of
from crm_shell.tools.frame import ToolFailed, write
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode

if TYPE_CHECKING:
    from crmd.scheduler.explaining.values import Explanation


async def why(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print whether resources run (here: on a node), and what decides that."""
    cib = (await cluster.cib(local=True)).document
    node = tree.node(cib, options.node).get("uname") if options.node else ""
    if options.resource:
        names = [tree.resource(cib, options.resource).id]
    else:
        top = tree.section(cib, "resources").each()
        names = [each.id for each in top if each.tag in tree.RESOURCES and each.tag != "template"]
    now = int(time.time())
    write("Resource Reasons:")
    for name in names:
        places = [place for place, _ in places_of(cib, name, now=now)]
        found = await explanations(cluster, name, node)
        for line in reason_lines(name, places, found, node=node, brief=not options.resource):
            write(line)
    return 0


def reason_lines(
    name: str,
    places: list[str],
    found: tuple[Explanation, ...],
    *,
    node: str = "",
    brief: bool = False,
) -> list[str]:
    """Return whether a resource runs, and why; `brief`: the verdicts alone."""
    where = f" on host {node}" if node else ""
    runs = node in places if node else bool(places)
    lines = [f"  * Resource {name} is {'' if runs else 'not '}running{where}"]
    for each in found:
        told = explanation_lines(each)
        lines += [f"    {line}" for line in (told[:1] if brief else told)]
    return lines


async def digests(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print the digests of a resource's parameters as configured now."""
    cib = (await cluster.cib(local=True)).document
    if not options.node:
        raise ToolFailed("--digests needs a node: --node NODE", ExitCode.USAGE)
    node = tree.node(cib, options.node).get("uname")
    for line in digest_lines(cib, options.resource, node, now=int(time.time())):
        write(line)
    return 0


def digest_lines(cib: Element, name: str, node: str, *, now: int) -> list[str]:
    """Return the digests of the newest operation on a node, else of a start.

    Raises `ToolFailed`: only primitives have digests.
    """
    from crm_shell.status.history import lrm_resources, number
    from crmd.scheduler.digests import calculate
    from crmd.scheduler.pipeline import read_cluster
    from crmd.scheduler.state.resource import Variant

    element = tree.resource(cib, name)
    cluster = read_cluster(cib, Moment(now))
    found = (top.part(name) or top.part(element.id) for top in cluster.resources)
    rsc = next((each for each in found if each is not None), None)
    place = cluster.find_node(node)
    if rsc is None or place is None or rsc.variant is not Variant.PRIMITIVE:
        raise ToolFailed(f"{name}: only a primitive has digests", ExitCode.UNIMPLEMENT_FEATURE)
    state = next(
        (
            each
            for each in tree.section(cib, "status").each("node_state")
            if each.get("uname") == node
        ),
        None,
    )
    entries = [
        entry
        for history in (lrm_resources(state) if state is not None else ())
        if history.id in (rsc.id, rsc.xml_id)
        for entry in history.each("lrm_rsc_op")
    ]
    newest = max(entries, key=lambda one: number(one, "call-id"), default=None)
    task = newest.get("operation") if newest is not None else "start"
    interval = number(newest, "interval") if newest is not None else 0
    calculated = calculate(cluster, rsc, task, interval, place, newest)
    what = f"{interval}ms-interval {task} action" if interval else f"{task} action"
    if task == "monitor" and not interval:
        what = "probe action"
    told = (
        (calculated.whole, "all parameters"),
        (calculated.secure, "non-private parameters"),
        (calculated.restart, "non-reloadable parameters"),
    )
    lines = [f"  * {digest} ({of_what})" for digest, of_what in told if digest]
    return [f"Digests for {name} {what} on {node}:", *lines]
