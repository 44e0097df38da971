"""Failcounts: how often a resource failed on a node, and when they expire (features section 7)."""

from __future__ import annotations

import re
from functools import lru_cache

from cib_store.document.element import Element
from cib_store.model.scores import add_scores, parse_score
from cib_store.model.values import interval_ms, parse_integer, seconds_of
from crmd.scheduler.actions.book import register
from crmd.scheduler.actions.keys import base_name, operation_key
from crmd.scheduler.state.action import Action
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from crmd.scheduler.status.entries import expected_code, interval_of, number

_PREFIXES = ("fail-count-", "last-failure-")


@lru_cache(maxsize=4096)
def _parse_name(attribute: str) -> tuple[str, str] | None:
    """Split a failcount attribute's name into its prefix and the resource."""
    for prefix in _PREFIXES:
        if attribute.startswith(prefix):
            rsc, sharp, operation = attribute[len(prefix) :].rpartition("#")
            if sharp and re.fullmatch(r".+_[0-9]+", operation):
                return prefix, rsc
    return None


def resource_of_failure(attribute: str) -> str | None:
    """Return the resource whose failures a node attribute records; None where it is another."""
    parsed = _parse_name(attribute)
    return parsed[1] if parsed is not None else None


def has_failures(node: Node) -> bool:
    """Whether the node records any failure at all, of whatever resource."""
    return any(_parse_name(attribute) is not None for attribute in node.attributes)


def is_recorded(rsc: Resource, node: Node) -> bool:
    """Whether the node records a failure of the resource, expired or not."""
    return _recorded(rsc, node)[0] > 0


def failures(
    run: Run,
    rsc: Resource,
    node: Node,
    *,
    effective: bool = True,
    launched_too: bool = False,
    entry: Element | None = None,
) -> tuple[int, int]:
    """Return the failcount and the time of the last failure (epoch; 0 for none).

    An effective count leaves out what ``failure-timeout`` has expired. The side effect of the
    reference is kept: a timeout that conflicts with on-fail=block is dropped for the rest of the
    run.
    """
    count, last = _recorded(rsc, node)
    if count > 0 and rsc.failure_timeout_ms > 0 and _blocks(run, rsc, node, entry):
        rsc.failure_timeout_ms = 0
    limit = seconds_of(rsc.failure_timeout_ms)
    expires = rsc.failure_timeout_ms > 0 and last > 0 and run.clock(rsc) > last + limit
    if effective and expires:
        count = 0
    if launched_too and rsc.launched and rsc.bundle is None:
        for each in rsc.launched:
            more, when = failures(
                run, each, node, effective=effective, launched_too=True, entry=entry
            )
            count += more
            last = max(last, when)
    return count, last if count > 0 and last > 0 else 0


def _recorded(rsc: Resource, node: Node) -> tuple[int, int]:
    name = rsc.history_id or rsc.id
    if not rsc.unique:
        name = base_name(name)
    count = last = 0
    for attribute, value in node.attributes.items():
        parsed = _parse_name(attribute)
        if parsed is None:
            continue
        prefix, about = parsed
        if about != name and (rsc.unique or base_name(about) != name):
            continue
        if prefix == "fail-count-":
            count = add_scores(count, parse_score(value))
        else:
            last = max(last, parse_integer(value) or 0)
    return count, last


def _blocks(run: Run, rsc: Resource, node: Node, entry: Element | None) -> bool:
    """Whether a failed operation on the node is configured with on-fail=block."""
    name = base_name(rsc.id)
    for config in rsc.operations:
        if config.attributes.get("on-fail") != "block":
            continue
        entries = [entry] if entry is not None else _entries(run, name, node, config)
        if any(_is_failure_of(name, config, each) for each in entries):
            return True
    return False


def _entries(run: Run, name: str, node: Node, config: Element) -> list[Element]:
    status = run.cib.child("status")
    wanted = config.attributes.get("name"), interval_ms(config.attributes.get("interval"))
    found = []
    for state in status.each("node_state") if status is not None else ():
        if state.get("uname") != node.name:
            continue
        for history in state.walk():
            if history.tag == "lrm_resource" and history.id == name:
                found += [
                    entry
                    for entry in history.each("lrm_rsc_op")
                    if (entry.attributes.get("operation"), interval_of(entry)) == wanted
                ]
    return found


def _is_failure_of(name: str, config: Element, entry: Element) -> bool:
    interval = interval_ms(config.attributes.get("interval"))
    task = config.get("name")
    if interval != interval_of(entry) or task.lower() != entry.get("operation").lower():
        return False
    if entry.id.lower() == operation_key(name, "last_failure").lower():
        return True
    return entry.id.lower() == operation_key(name, task, interval).lower() and (
        number(entry, "rc-code") or 0
    ) != expected_code(entry)


def clear_failures(run: Run, rsc: Resource, node: Node) -> Action:
    """Return the action that clears a resource's failures on a node."""
    key = operation_key(rsc.id, "clear_failcount")
    action = register(run, rsc, key, "clear_failcount", node, optional=False)
    action.meta["op_no_wait"] = "true"
    return action
