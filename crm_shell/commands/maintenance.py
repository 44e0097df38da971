"""``crm maintenance``: leave resources alone, and run their agents by hand meanwhile (30.50)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cib_store.document.element import Element
from cib_store.model.values import is_true
from crm_shell.actions import roles, tree
from crm_shell.commands.session import Command, Failed, Level, Misused, Run, Session, arguments
from raftmaker.vocabulary.codes import ExitCode

if TYPE_CHECKING:
    from crmd.scheduler.state.resource import Resource

_ACTIONS = ("start", "stop", "monitor", "promote", "demote", "validate-all", "reload-agent")
_ACTION = f"action RESOURCE {{{'|'.join(_ACTIONS)}}} [force]"


def _switch(value: str, word: str) -> Run:
    async def run(session: Session, args: list[str]) -> int:
        names = arguments(args, 0, 1, f"{word} [RESOURCE]")
        cib = (await session.cib()).document
        if names:
            changes = roles.set_meta(cib, names[0], "maintenance", value)
        else:
            from crm_shell.actions.pairs import OPTIONS, set_pair

            section = tree.section(cib, "crm_config")
            changes = (set_pair(OPTIONS, section, "maintenance-mode", value),)
        await session.change(changes, message=f"maintenance {word}", asked=names)
        return 0

    return run


async def _action(session: Session, args: list[str]) -> int:
    force = session.force or "force" in args
    words = [each for each in args if each not in ("force", "ssh")]
    if "ssh" in args:
        raise Misused(f"run it on the node in question, by ssh say; usage: {_ACTION}")
    name, action = arguments(words, 2, 2, _ACTION)
    if action not in _ACTIONS:
        raise Misused(f"{action!r} is none of {', '.join(_ACTIONS)}; usage: {_ACTION}")
    from crm_shell.tools.frame import ToolFailed
    from crm_shell.tools.resource_by_hand import request_for, told

    cib = (await session.cib()).document
    resource = tree.resource(cib, name)
    if not _left_alone(cib, resource.id):
        raise Failed(
            f"the cluster would undo what is done to {name} by hand: 'crm maintenance on {name}'"
            " first",
            code=ExitCode.UNSAFE,
        )
    node = session.cluster.settings.node
    try:
        request = request_for(cib, name, action, node=node, now=int(time.time()), force=force)
    except ToolFailed as error:
        raise Failed(str(error), code=error.code) from None
    session.announce(f"run {action} of {name} on {node}")
    outcome = await session.cluster.executor.run_by_hand(request)
    lines = told(request, action, outcome, verbose=1)
    session.console.answer("\n".join(lines), {"code": int(outcome.code), "output": outcome.output})
    return int(outcome.code)


def _left_alone(cib: Element, name: str) -> bool:
    """Whether the cluster neither monitors nor starts a resource."""
    from cib_store.model.dates import Moment
    from crmd.scheduler.pipeline import read_cluster

    run = read_cluster(cib, Moment(int(time.time())))
    parts = (top.part(name) for top in run.resources)
    found = next((each for each in parts if each is not None), None)
    return run.maintenance_mode or (found is not None and _is_kept(found))


def _is_kept(rsc: Resource) -> bool:
    return rsc.maintenance or is_true(rsc.meta.get("maintenance"))


LEVEL = Level(
    name="maintenance",
    summary="Leave resources alone, and run their agents by hand meanwhile",
    commands=(
        Command(name="on", usage="on [RESOURCE]", run=_switch("true", "on"),
                completes=("resource",),
                summary="Have the cluster leave a resource, or everything, alone"),
        Command(name="off", usage="off [RESOURCE]", run=_switch("false", "off"),
                completes=("resource",),
                summary="Have the cluster look after it again"),
        Command(name="action", usage=_ACTION, run=_action,
                completes=("resource", "|".join(_ACTIONS)),
                summary="Run an agent's action on this node, in maintenance only"),
    ),
)  # fmt: skip
