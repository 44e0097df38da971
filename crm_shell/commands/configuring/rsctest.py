"""``configure rsctest``: run resources through their actions on this node, by hand (30.45).

The cluster must know of none of them as running, nor be about to start them: what is tested here
would otherwise run twice. What was started is stopped again, whatever came of it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from msgspec import Struct

from cib_store.document.element import Element
from crm_shell.actions import tree
from crm_shell.actions.roles import is_promotable
from crm_shell.commands.drafts import draft_of
from crm_shell.commands.session import Draft, Failed, Misused, Session
from lrmd.operations.values import OperationRequest
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import ExitCode, OcfCode, OpStatus

RSCTEST = "rsctest RESOURCE… [NODE]"


class Step(Struct, frozen=True):
    """An action, and how it has to end."""

    action: str
    wanted: OcfCode


_UP = (
    Step("monitor", OcfCode.NOT_RUNNING), Step("start", OcfCode.OK), Step("monitor", OcfCode.OK),
)  # fmt: skip
_PROMOTED = (Step("promote", OcfCode.OK), Step("monitor", OcfCode.PROMOTED))
_DEMOTED = (Step("demote", OcfCode.OK), Step("monitor", OcfCode.OK))
_DOWN = (Step("stop", OcfCode.OK), Step("monitor", OcfCode.NOT_RUNNING))


async def rsctest(session: Session, args: list[str]) -> int:
    """Test resources in the order in which they are named, each with those before it running."""
    draft = await draft_of(session)
    names = _resources(session, draft, args)
    cib = _with_draft(draft)
    _insist_on_rest(cib, draft.base.document, names)
    session.announce(f"start and stop {', '.join(names)} on this node")
    if not session.confirm(f"Start and stop {', '.join(names)} on this node?"):
        return 0
    ways = {name: is_promotable(cib, name) for name in names}
    requests = {
        (name, step.action): _request(session, cib, name, step.action)
        for name in names
        for step in (*steps_up(ways[name]), *steps_down(ways[name]))
    }

    async def act(name: str, step: Step) -> bool:
        return await _ends_well(session, name, step, requests[name, step.action])

    if not await run_through(ways, act):
        raise Failed("the test has failed")
    session.console.info(f"{', '.join(names)}: well")
    return 0


async def run_through(
    ways: Mapping[str, bool], act: Callable[[str, Step], Awaitable[bool]]
) -> bool:
    """Start resources in turn and stop them again; return whether all went as it should.

    `ways`: the resources, and which are promotable. `act` carries out a step and tells whether it
    ended as it has to. What was started is stopped whatever came of it, given up or not.
    """
    started: list[str] = []
    good = True
    try:
        for name, step in [(each, step) for each in ways for step in steps_up(ways[each])]:
            if step.action == "start":
                started.append(name)
            good = await act(name, step)
            if not good:
                break
    finally:
        for name in reversed(started):
            for step in steps_down(ways[name]):
                good = await act(name, step) and good
    return good


def _resources(session: Session, draft: Draft, args: list[str]) -> list[str]:
    nodes = {each.get("uname") for each in tree.section(draft.base.document, "nodes").each("node")}
    here = session.cluster.settings.node
    others = [each for each in args if each in nodes and each != here]
    if others:
        raise Misused(f"it tests on the node where it is given: run it on {', '.join(others)}")
    names = [each for each in args if each not in nodes]
    if not names:
        raise Misused(f"usage: {RSCTEST}")
    return names


def _with_draft(draft: Draft) -> Element:
    document = draft.base.document
    children = (
        draft.configuration if each.tag == "configuration" else each for each in document.children
    )
    return document.with_children(tuple(children))


def _insist_on_rest(cib: Element, live: Element, names: Iterable[str]) -> None:
    """Refuse what runs anywhere, and what the cluster would start."""
    from cib_store.model.dates import Moment
    from crm_shell.status.places import places_of
    from crmd.scheduler.pipeline import read_cluster
    from raftmaker.vocabulary.roles import Role, parse_role

    now = int(time.time())
    run = read_cluster(live, Moment(now))
    known = {each.id for each in tree.resources(live)}
    faults: list[str] = []
    for name in names:
        identity = tree.resource(cib, name).id
        if identity not in known:
            continue  # not committed: nobody else knows of it
        places = [place for place, _ in places_of(live, identity, now=now)]
        rsc = next(part for top in run.resources if (part := top.part(identity)) is not None)
        role = parse_role(rsc.meta.get("target-role"))
        if places:
            faults.append(f"{identity} runs on {', '.join(places)}: crm resource stop {identity}")
        elif rsc.managed and not run.maintenance_mode and role is not Role.STOPPED:
            faults.append(f"the cluster would start {identity}: crm resource stop {identity}")
    if faults:
        raise Failed(*faults, code=ExitCode.UNSAFE)


def steps_up(is_promotable: bool) -> tuple[Step, ...]:
    """Return how a resource is brought up."""
    return (*_UP, *(_PROMOTED if is_promotable else ()))


def steps_down(is_promotable: bool) -> tuple[Step, ...]:
    """Return how a resource is brought down."""
    return (*(_DEMOTED if is_promotable else ()), *_DOWN)


def _request(session: Session, cib: Element, name: str, action: str) -> OperationRequest:
    from crm_shell.tools.frame import ToolFailed
    from crm_shell.tools.resource_by_hand import request_for

    node = session.cluster.settings.node
    try:
        return request_for(cib, name, action, node=node, now=int(time.time()))
    except ToolFailed as error:
        raise Failed(str(error), code=error.code) from None


async def _ends_well(session: Session, name: str, step: Step, request: OperationRequest) -> bool:
    """Run an action, and tell of it; False where it does not end as it has to, or not at all."""
    from crm_shell.tools.resource_by_hand import told

    try:
        outcome = await session.cluster.executor.run_by_hand(request)
    except HaError as error:
        session.console.error(f"{name}: {step.action} cannot be run: {error}")
        return False
    session.console.say("\n".join(told(request, step.action, outcome, verbose=1)))
    if outcome.status is OpStatus.DONE and outcome.code == step.wanted:
        return True
    wanted = f"{int(step.wanted)} ({step.wanted.name})"
    session.console.error(f"{name}: {step.action} should have ended with {wanted}")
    return False
