"""What the attributes that ``ocf:pacemaker:ping`` sets should be (``crm_mon -A``)."""

from __future__ import annotations

from cib_store.model.values import parse_integer
from crmd.scheduler.parameters import parameters_on
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run

_AGENTS = ("ping", "pingd")
_NAME_DEFAULT = "pingd"


def expected_value(run: Run, node: Node, name: str) -> int | None:
    """Return the value of an attribute when every host answers; None where no ping sets it."""
    found = (_expected(run, rsc, node, name) for rsc in node.running)
    return next((value for value in found if value is not None), None)


def _expected(run: Run, rsc: Resource, node: Node, name: str) -> int | None:
    if rsc.element.get("type").lower() not in _AGENTS:
        return None
    given = parameters_on(run, rsc, node)
    if given.get("name", _NAME_DEFAULT).lower() != name.lower():
        return None
    hosts = given.get("host_list")
    multiplier = parse_integer(given.get("multiplier"))
    return len(hosts.split(" ")) * (1 if multiplier is None else multiplier) if hosts else 0


def connectivity_text(expected: int | None, value: str) -> str:
    """Return what is wrong with such a value, or nothing."""
    if expected is None:
        return ""
    reached = parse_integer(value) or 0
    if reached <= 0:
        return "\t: Connectivity is lost"
    return f"\t: Connectivity is degraded (Expected={expected})" if reached < expected else ""
