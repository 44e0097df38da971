"""``configure rsctest``: run resources through their actions on this node, by hand (30.45).

The cluster must know of none of them as running, nor be about to start them: what is tested here
would otherwise run twice. What was started is stopped again, whatever came of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.values import is_true
from crm_shell.actions import tree
from crm_shell.commands.drafts import draft_of
from crm_shell.commands.session import Draft, Failed, Misused, Session
from raftmaker.vocabulary.codes import ExitCode, OcfCode, OpStatus

RSCTEST = "rsctest RESOURCE… [NODE]"


class _Step(Struct, frozen=True):
    """An action, and how it has to end."""

    action: str
    wanted: OcfCode


_UP = (
    _Step("monitor", OcfCode.NOT_RUNNING), _Step("start", OcfCode.OK), _Step("monitor", OcfCode.OK),
)  # fmt: skip
_PROMOTED = (_Step("promote", OcfCode.OK), _Step("monitor", OcfCode.PROMOTED))
_DEMOTED = (_Step("demote", OcfCode.OK), _Step("monitor", OcfCode.OK))
_DOWN = (_Step("stop", OcfCode.OK), _Step("monitor", OcfCode.NOT_RUNNING))


async def rsctest(session: Session, args: list[str]) -> int:
    """Test resources in the order in which they are named, each with those before it running."""
    draft = await draft_of(session)
    names = _resources(session, draft, args)
    cib = _with_draft(draft)
    _insist_on_rest(cib, draft.base.document, names)
    session.announce(f"start and stop {', '.join(names)} on this node")
    if not session.confirm(f"Start and stop {', '.join(names)} on this node?"):
        return 0
    started: list[str] = []
    good = True
    for name in names:
        good = good and await _go(session, cib, name, _steps_up(cib, name), started)
    for name in reversed(started):
        good = await _go(session, cib, name, _steps_down(cib, name), []) and good
    if not good:
        raise Failed("the test has failed")
    session.console.info(f"{', '.join(names)}: well")
    return 0


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


def _is_promotable(cib: Element, name: str) -> bool:
    holders = [tree.resource(cib, name), *tree.holders(cib, tree.resource(cib, name).id)]
    return any(
        is_true(pair.get("value"))
        for each in holders
        if each.tag == "clone"
        for held in each.each("meta_attributes")
        for pair in held.each("nvpair")
        if pair.get("name") == "promotable"
    )


def _steps_up(cib: Element, name: str) -> tuple[_Step, ...]:
    return (*_UP, *(_PROMOTED if _is_promotable(cib, name) else ()))


def _steps_down(cib: Element, name: str) -> tuple[_Step, ...]:
    return (*(_DEMOTED if _is_promotable(cib, name) else ()), *_DOWN)


async def _go(
    session: Session, cib: Element, name: str, steps: Iterable[_Step], started: list[str]
) -> bool:
    """Run the actions in turn; tell of each, and stop at the first that ends otherwise."""
    from crm_shell.tools.frame import ToolFailed
    from crm_shell.tools.resource_by_hand import request_for, told

    node = session.cluster.settings.node
    for step in steps:
        try:
            request = request_for(cib, name, step.action, node=node, now=int(time.time()))
        except ToolFailed as error:
            raise Failed(str(error), code=error.code) from None
        if step.action == "start":
            started.append(name)
        outcome = await session.cluster.executor.run_by_hand(request)
        session.console.say("\n".join(told(request, step.action, outcome, verbose=1)))
        if outcome.status is not OpStatus.DONE or outcome.code != step.wanted:
            session.console.error(
                f"{name}: {step.action} should have ended with {int(step.wanted)}"
                f" ({step.wanted.name})"
            )
            return False
    return True
