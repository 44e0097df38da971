"""Parameters, meta-attributes, utilization and XML attributes of resources (27.6, 27.7)."""

from __future__ import annotations

import argparse

from cib_store.document.element import Element
from cib_store.model.scores import parse_score
from crm_shell.actions import tree
from crm_shell.actions.pairs import find_pairs, of_resource, remove_pair, set_pair
from crm_shell.tools.frame import ToolFailed, write
from crm_shell.xml_text import xml_lines
from raftmaker.client import Cluster
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind


def _kind(options: argparse.Namespace) -> str:
    if options.meta:
        return "meta_attributes"
    return "utilization" if options.utilization else "instance_attributes"


async def get(cluster: Cluster, options: argparse.Namespace) -> int:
    """Print a value; exit code NOSUCH when it is not set."""
    cib = await cluster.cib(local=True)
    element, name = tree.resource(cib.document, options.resource), options.get_parameter
    value: str | None = None
    if options.element:
        value = element.attributes.get(name)
    elif options.meta:
        value = _inherited(cib.document, element, name)
    else:
        found = find_pairs(of_resource(element, _kind(options)), element, name,
                           options.set_name or "")  # fmt: skip
        value = found[0][1].get("value") if found else None
    if value is None:
        raise ToolFailed(
            f"Attribute '{name}' not found for '{options.resource}'\n"
            "Error performing operation: No such object",
            ExitCode.NOSUCH,
        )
    write(value)
    return 0


def _inherited(cib: Element, element: Element, name: str) -> str | None:
    """Return a meta-attribute: the resource's own, its template's, its containers', the defaults'.

    Features 6.8. What a set with a rule says does not count.
    """
    template = [tree.with_template(cib, element)] if element.get("template") else []
    for each in (element, *template, *reversed(tree.holders(cib, element.id))):
        found = find_pairs(of_resource(each, "meta_attributes"), each, name)
        if found:
            return found[0][1].get("value")
    for each in tree.section(cib, "rsc_defaults").each("meta_attributes"):
        for pair in each.each("nvpair"):
            if pair.get("name") == name and each.child("rule") is None:
                return pair.get("value")
    return None


async def set_(cluster: Cluster, options: argparse.Namespace) -> int:
    """Set a value."""
    cib = await cluster.cib()
    element, name = tree.resource(cib.document, options.resource), options.set_parameter
    if options.element:
        await cluster.change([_with_attribute(element, name, options.value)])
        return 0
    if options.recursive:
        return await _set_on_all(cluster, cib.document, element, options)
    home = of_resource(element, _kind(options))
    known = find_pairs(home, element, name, options.set_name or "")
    if len(known) > 1 and not options.set_name:
        sets = ", ".join(each.id for each, _ in known)
        raise ToolFailed(f"{name} is in several sets ({sets}): name one with -s", ExitCode.MULTIPLE)
    operation = set_pair(home, element, name, options.value, set_name=options.set_name or "",
                         pair_id=options.pair_id or "")  # fmt: skip
    await cluster.change([operation])
    if not options.quiet:
        pair_id = known[0][1].id if known else options.pair_id or f"{home.default_set}-{name}"
        holder = known[0][0].id if known else options.set_name or home.default_set
        write(
            f"Set '{element.id}' option: id={pair_id} set={holder} name={name}"
            f" value={options.value}"
        )
    return 0


async def _set_on_all(
    cluster: Cluster, cib: Element, element: Element, options: argparse.Namespace
) -> int:
    """Set a value on a resource and on all that are placed by it, in one change."""
    name, wanted = options.set_parameter, [element.id, *dependents(cib, element.id)]
    operations = []
    for each in wanted:
        one = tree.resource(cib, each)
        operations.append(set_pair(of_resource(one, _kind(options)), one, name, options.value))
    await cluster.change(operations)
    for each in wanted if not options.quiet else ():
        write(f"Set '{each}' option: name={name} value={options.value}")
    return 0


def dependents(cib: Element, identity: str) -> list[str]:
    """Return the resources that are placed by this one, and by those, and so on (27.9)."""
    found: list[str] = []
    waiting = [identity]
    constraints = list(tree.section(cib, "constraints").each("rsc_colocation"))
    while waiting:
        primary = waiting.pop(0)
        for each in constraints:
            score = parse_score(each.get("score")) or 0
            dependent = each.get("rsc")
            is_new = dependent not in (identity, *found)
            if each.get("with-rsc") == primary and score > 0 and is_new:
                found.append(dependent)
                waiting.append(dependent)
    return found


def _with_attribute(element: Element, name: str, value: str | None) -> CibOperation:
    changed = element.with_attributes({name: value})
    return CibOperation(
        kind=OperationKind.REPLACE, scope="resources", xml="\n".join(xml_lines(changed))
    )


async def delete(cluster: Cluster, options: argparse.Namespace) -> int:
    """Remove a value; one that is not set is no failure."""
    cib = await cluster.cib()
    element, name = tree.resource(cib.document, options.resource), options.delete_parameter
    if options.element:
        await cluster.change([_with_attribute(element, name, None)])
        return 0
    home = of_resource(element, _kind(options))
    known = find_pairs(home, element, name, options.set_name or "")
    if known:
        await cluster.change(remove_pair(home, element, name, set_name=options.set_name or ""))
    for each, pair in known:
        if not options.quiet:
            write(f"Deleted '{element.id}' option: id={pair.id} set={each.id} name={name}")
    return 0
