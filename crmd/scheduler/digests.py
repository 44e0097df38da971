"""Digests of operation parameters: they tell whether a running operation is still as configured.

Features section 7: history with digests (restart, reload-agent, secure).
"""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.values import parse_integer, whole
from crmd.scheduler.actions.keys import operation_key
from crmd.scheduler.actions.operations import find_operation, operation_meta
from crmd.scheduler.parameter_digest import digest_of
from crmd.scheduler.parameters import host_address, operation_parameters, parameters_on
from crmd.scheduler.state.node import Node
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run
from raftmaker.vocabulary.feature_set import FEATURE_SET

_LEFT_OUT = frozenset(
    ("id", "crm_feature_set", "op-digest", "on_node", "on_node_uuid", "pcmk_external_ip")
)
_FOR_FENCER = frozenset(
    (
        "pcmk_action_limit",
        "pcmk_delay_base",
        "pcmk_delay_max",
        "pcmk_host_argument",
        "pcmk_host_check",
        "pcmk_host_list",
        "pcmk_host_map",
    )
)
_FENCING_TASK = "stonith-on"


class DigestResult(Enum):
    """How the recorded parameters compare with those configured now."""

    MATCH = auto()
    MISMATCH = auto()
    RESTART = auto()
    """A parameter that needs a restart changed."""
    UNKNOWN = auto()
    """Nothing was recorded."""


class Digests(Struct):
    """What the parameters of an operation on a node amount to now."""

    parameters: dict[str, str]
    whole: str
    secure: str | None = None
    restart: str | None = None
    restart_by_operation: bool = False


def meta_name(name: str) -> str:
    """Return a meta-attribute's name among the parameters: ``CRM_meta_`` and underscores."""
    return "CRM_meta_" + name.replace("-", "_")


def _digested(parameters: dict[str, str]) -> dict[str, str]:
    """Leave out what does not belong to the agent; recurring operations keep their timeout."""
    recurs = (parse_integer(parameters.get("CRM_meta_interval")) or 0) != 0
    kept = {
        name: value
        for name, value in parameters.items()
        if not name.startswith("CRM_meta_") and name not in _LEFT_OUT
    }
    if recurs and "CRM_meta_timeout" in parameters:
        kept["CRM_meta_timeout"] = parameters["CRM_meta_timeout"]
    return kept


def calculate(
    run: Run, rsc: Resource, task: str, interval: int, node: Node, entry: Element | None
) -> Digests:
    """Compute the digests of an operation's parameters as configured now."""
    own = parameters_on(run, rsc, node)
    parameters = dict(own)
    address = host_address(run, rsc)
    if address is not None:
        parameters["addr"] = address
    config = find_operation(rsc, task, interval, disabled_too=True)
    extra = operation_parameters(run, config, node)
    for name, value in extra.items():
        parameters.setdefault(name, value)
    for name, value in operation_meta(run, rsc, node, task, interval, config).items():
        parameters.setdefault(meta_name(name), value)
    parameters = _digested(parameters)
    digests = Digests(parameters, digest_of(parameters))
    digests.restart_by_operation = interval == 0 and bool(extra)
    private = (
        " passwd password user " if entry is None else entry.attributes.get("op-secure-params")
    )
    if _is_old(run, entry):
        # Before feature set 3.16.0 only the agent's own parameters counted.
        agents_own = {name: own[name] for name in own if not _is_for_fencer(rsc, name)}
        digests.secure = digest_of(_digested(_secured(agents_own, private)))
    else:
        public = _secured(parameters, private)
        digests.secure = digests.whole if public == parameters else digest_of(public)
    if entry is not None and (
        "op-restart-digest" in entry.attributes or (rsc, node, entry.id) in run.rescheduled
    ):
        forced = entry.attributes.get("op-force-restart")
        relevant = parameters
        if forced is not None:
            names = forced.split()
            relevant = {name: value for name, value in parameters.items() if name in names}
        digests.restart = digest_of(relevant)
    return digests


def _is_old(run: Run, entry: Element | None) -> bool:
    text = entry.get("crm_feature_set") if entry is not None else ""
    text = text or run.cib.get("crm_feature_set") or FEATURE_SET
    return _is_before_3_16(text)


@lru_cache(maxsize=64)
def _is_before_3_16(feature_set: str) -> bool:
    return [whole(part) for part in re.findall(r"\d+", feature_set)] < [3, 16, 0]


def _is_for_fencer(rsc: Resource, name: str) -> bool:
    """Whether a fence device's parameter is meant for the fencer, not for the agent."""
    if not rsc.fence_device:
        return False
    if name in ("provides", "stonith-timeout") or name in _FOR_FENCER:
        return True
    return name.startswith("pcmk_") and name.endswith(("_action", "_timeout", "_retries"))


def _secured(parameters: dict[str, str], private: str | None) -> dict[str, str]:
    if private is None:
        return parameters
    names = private.split()
    return {name: value for name, value in parameters.items() if name not in names}


def compare(run: Run, rsc: Resource, entry: Element, node: Node) -> tuple[DigestResult, Digests]:
    """Compare a history entry with the configuration."""
    task = entry.get("operation")
    interval = parse_integer(entry.attributes.get("interval")) or 0
    digests = _cached(run, rsc, task, interval, node, entry)
    recorded = entry.attributes.get("op-digest")
    restart = entry.attributes.get("op-restart-digest")
    if (rsc, node, entry.id) in run.rescheduled:
        restart = "expired"
    if restart is not None and digests.restart is not None and digests.restart != restart:
        return DigestResult.RESTART, digests
    if recorded is None:
        return DigestResult.UNKNOWN, digests
    if recorded == digests.whole:
        return DigestResult.MATCH, digests
    if interval == 0 and digests.restart_by_operation:
        return DigestResult.RESTART, digests
    return DigestResult.MISMATCH, digests


def _cached(
    run: Run, rsc: Resource, task: str, interval: int, node: Node, entry: Element | None
) -> Digests:
    key = operation_key(rsc.id, task, interval)
    digests = node.digests.get(key)
    if digests is None:
        digests = node.digests[key] = calculate(run, rsc, task, interval, node, entry)
    return digests


def compare_fencing_digest(
    run: Run, rsc: Resource, agent: str, node: Node
) -> tuple[DigestResult, Digests]:
    """Compare a fence device's parameters with those recorded when the node was unfenced."""
    digests = _cached(run, rsc, _FENCING_TASK, 0, node, None)
    whole = node.attributes.get("#digests-all")
    if whole is None:
        return DigestResult.UNKNOWN, digests
    if f"{rsc.id}:{agent}:{digests.whole}" in whole:
        return DigestResult.MATCH, digests
    secure = node.attributes.get("#digests-secure", "")
    if f"{rsc.id}:{agent}:{digests.secure}" in secure:
        return DigestResult.MATCH, digests
    return DigestResult.MISMATCH, digests
