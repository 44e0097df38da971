"""``crm_resource --force-*`` and ``--validate``: an agent is run here, by hand (features 27.8)."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

from msgspec.structs import replace

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.values import parse_duration_ms
from crm_shell.actions import tree
from crm_shell.status.places import places_of
from crm_shell.tools.frame import ToolFailed, write
from crmd.scheduler.actions.operations import find_operation, operation_meta
from crmd.scheduler.parameters import operation_parameters, parameters_on
from crmd.scheduler.pipeline import read_cluster
from crmd.scheduler.state.resource import Resource, Variant
from lrmd.operations.values import Agent, OperationRequest, Outcome, Standard
from raftmaker.client import Cluster
from raftmaker.vocabulary.code_text import code_text, status_text
from raftmaker.vocabulary.codes import ExitCode, OpStatus
from raftmaker.vocabulary.ids import ResourceId, Token

_MAKES_ACTIVE = ("start", "demote", "promote")
_TIMEOUT_MS = 20_000


async def run(cluster: Cluster, name: str, action: str, options: argparse.Namespace) -> int:
    """Run the agent on this node, print how `name` ended, and return its exit code."""
    if options.resource:
        cib = (await cluster.cib()).document
        request = request_for(
            cib,
            options.resource,
            action,
            node=cluster.settings.node,
            now=int(time.time()),
            force=options.force,
        )
    else:
        request = _of_agent(options, action)
    request = _overridden(request, options)
    outcome = await cluster.executor.run_by_hand(request)
    for line in told(request, name, outcome, verbose=options.verbose):
        write(line)
    return int(outcome.code) if outcome.status is OpStatus.DONE else int(ExitCode.ERROR)


def request_for(
    cib: Element, name: str, action: str, *, node: str, now: int, force: bool = False
) -> OperationRequest:
    """Return an action of a resource as the cluster would order it at `now` (seconds since 1970).

    Raises `ToolFailed`: what is active elsewhere must not be started here too, without `force`.
    """
    element = tree.resource(cib, name)
    cluster = read_cluster(cib, Moment(now))
    found = (top.part(name) or top.part(element.id) for top in cluster.resources)
    rsc = _primitive(next(each for each in found if each is not None), action)
    elsewhere = [place for place, _ in places_of(cib, element.id, now=now) if place != node]
    if action in _MAKES_ACTIVE and elsewhere and element.tag != "clone" and not force:
        raise ToolFailed(
            f"It is not safe to {action} {name} here: it is active on {', '.join(elsewhere)}."
            " Stop it first (crm resource stop), or use --force",
            ExitCode.UNSAFE,
        )
    here = cluster.find_node(node)
    config = find_operation(rsc, action, 0, disabled_too=True)
    meta = operation_meta(cluster, rsc, here, action, 0, config)
    parameters = dict(parameters_on(cluster, rsc, here))
    if here is not None:
        parameters = {**parameters, **operation_parameters(cluster, config, here)}
    return _request(
        rsc.id,
        agent=_agent(
            rsc.element.get("class"), rsc.element.get("provider"), rsc.element.get("type")
        ),
        action=action,
        parameters=parameters,
        timeout_ms=int(meta.get("timeout") or _TIMEOUT_MS),
        meta={**rsc.meta, **meta},
    )


def _primitive(rsc: Resource, action: str) -> Resource:
    if rsc.variant is Variant.CLONE and rsc.children:
        rsc = rsc.children[0]
    if rsc.variant is not Variant.PRIMITIVE:
        kind = rsc.variant.name.lower()
        raise ToolFailed(
            f"{rsc.id} is a {kind}: {action} one of its primitives", ExitCode.UNIMPLEMENT_FEATURE
        )
    return rsc


def _of_agent(options: argparse.Namespace, action: str) -> OperationRequest:
    agent = _agent(options.standard or "", options.provider or "", options.agent or "")
    return _request("test", agent=agent, action=action, parameters={}, timeout_ms=_TIMEOUT_MS,
                    meta={})  # fmt: skip


def _agent(standard: str, provider: str, kind: str) -> Agent:
    try:
        return Agent(Standard(standard), provider, kind)
    except ValueError:
        known = ", ".join(each.value for each in Standard)
        raise ToolFailed(
            f"{standard!r} is no class of agents; allowed: {known}", ExitCode.USAGE
        ) from None


def _request(
    resource: str,
    *,
    agent: Agent,
    action: str,
    parameters: Mapping[str, str],
    timeout_ms: int,
    meta: Mapping[str, str],
) -> OperationRequest:
    if agent.standard is Standard.STONITH:
        what = "a fence device is checked by stonith_admin --query, and --validate"
        raise ToolFailed(what, ExitCode.UNIMPLEMENT_FEATURE)
    return OperationRequest(
        token=Token(),
        resource=ResourceId(resource),
        agent=agent,
        operation=action,
        timeout_ms=timeout_ms,
        parameters=parameters,
        meta=meta,
    )


def _overridden(request: OperationRequest, options: argparse.Namespace) -> OperationRequest:
    given: dict[str, str] = {}
    for text in options.option:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ToolFailed(f"--option: {text!r} is not NAME=VALUE", ExitCode.USAGE)
        given[name] = value
    if options.verbose > 1:
        given["trace_ra"] = "1"
    parameters = {**request.parameters, **given}
    if options.timeout is None:
        return replace(request, parameters=parameters)
    timeout_ms = parse_duration_ms(options.timeout)
    if not timeout_ms or timeout_ms < 0:
        raise ToolFailed(f"{options.timeout!r} is no duration", ExitCode.USAGE)
    return replace(request, parameters=parameters, timeout_ms=timeout_ms)


def told(
    request: OperationRequest, action: str, outcome: Outcome, *, verbose: int = 0
) -> list[str]:
    """Return how it ended; what an agent says while it validates only where it is wanted."""
    why = f": {outcome.exit_reason}" if outcome.exit_reason else ""
    if outcome.status is OpStatus.DONE:
        how = f"returned {int(outcome.code)} ({code_text(outcome.code)}{why})"
    else:
        how = f"could not be executed ({status_text(outcome.status)}{why})"
    name = f" for {request.resource}" if request.resource != "test" else ""
    lines = [f"Operation {action}{name} ({request.agent}) {how}"]
    if outcome.output and (verbose or request.operation != "validate-all"):
        lines.append(outcome.output)
    return lines
