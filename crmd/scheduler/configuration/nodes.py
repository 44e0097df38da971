"""Nodes as configured, their attributes, and the order in which they are worked through."""

from __future__ import annotations

import re
from functools import lru_cache

from cib_store.document.element import Element
from cib_store.model.values import whole
from crmd.scheduler.configuration.options import section
from crmd.scheduler.state.node import Node, NodeKind
from crmd.scheduler.state.run import Run

_PARTS = re.compile(r"(\d+)")


@lru_cache(maxsize=65536)
def natural_key(text: str) -> tuple[tuple[int, int, int, str], ...]:
    """Sort key: case ignored, runs of digits compared as numbers."""
    key: list[tuple[int, int, int, str]] = []
    for at, part in enumerate(_PARTS.split(text.lower())):
        if at % 2:
            key.append((1, whole(part), len(part), ""))
        else:
            key.extend((0 if letter < "0" else 2, 0, 0, letter) for letter in part)
    return tuple(key)


def add_node(run: Run, *, id_: str, name: str, kind: NodeKind, score: int = 0) -> Node:
    """Make a node known."""
    node = Node(id=id_, name=name, kind=kind, score=score)
    if kind is NodeKind.REMOTE:
        node.attributes["#kind"] = "remote"
        run.have_remote_nodes = True
    else:
        node.attributes["#kind"] = "cluster"
    key = natural_key(name)
    at = 0
    while at < len(run.nodes) and natural_key(run.nodes[at].name) < key:
        at += 1
    run.nodes.insert(at, node)
    run.node_by_name.setdefault(name.lower(), node)
    return node


def suspect_at_startup(run: Run, node: Node) -> None:
    """A node that was never seen counts as unclean, if the cluster fences at start-up."""
    if node.kind is NodeKind.REMOTE and node.remote is None:
        return
    node.unclean = run.startup_fencing


def read_nodes(run: Run) -> None:
    """Read the configured nodes (features section 5)."""
    nodes = section(run.cib, "nodes")
    for element in nodes.each("node") if nodes is not None else ():
        if "id" not in element.attributes:
            run.ignore("no-id", "Ignoring a <node> without id")
            continue
        name = element.get("uname")
        try:
            kind = NodeKind(element.get("type", "member").lower())
        except ValueError:
            run.ignore("bad-node-type", f"Ignoring node {name} with unrecognized type")
            return
        score = run.score(element.attributes.get("score"))
        node = add_node(run, id_=element.id, name=name, kind=kind, score=score)
        suspect_at_startup(run, node)
        read_attributes(run, node, element, overwrite=False)


def read_attributes(run: Run, node: Node, owner: Element | None, *, overwrite: bool) -> None:
    """Add attributes from the configuration or, with `overwrite`, from the status section."""
    attributes = node.attributes
    attributes["#uname"] = node.name
    attributes["#id"] = node.id
    if run.dc_node is None and node.id.lower() == run.cib.get("dc-uuid").lower():
        run.dc_node = node
        attributes["#is_dc"] = "true"
    elif node is not run.dc_node:
        attributes["#is_dc"] = "false"
    cluster_name = run.options.texts.get("cluster-name")
    if cluster_name:
        attributes["#cluster-name"] = cluster_name
    if overwrite:
        attributes.update(run.pairs(owner, "instance_attributes"))
    else:
        run.pairs(owner, "instance_attributes", into=attributes)
    run.pairs(owner, "utilization", into=node.utilization)
    if "#site-name" not in attributes:
        site = attributes.get("site-name") or cluster_name
        if site:
            attributes["#site-name"] = site
