"""``crm resource operations``, ``scores`` and ``secret`` (features 30.12)."""

from __future__ import annotations

import time
from argparse import Namespace

from crm_shell.actions import tree
from crm_shell.commands.session import Command, Failed, Misused, Session, arguments
from raftmaker.vocabulary.codes import ExitCode

_OPERATIONS = "operations [RESOURCE] [NODE]"
_SECRET = "secret RESOURCE {set PARAMETER VALUE | stash|unstash|show|check|delete PARAMETER}"


async def _operations(session: Session, args: list[str]) -> int:
    words = arguments(args, 0, 2, _OPERATIONS)
    from crm_shell.status.history import lrm_resources
    from crm_shell.tools.resource_queries import operation_text

    cib = (await session.cib()).document
    wanted = tree.resource(cib, words[0]).id if words else ""
    node = tree.node(cib, words[1]).get("uname") if len(words) > 1 else ""
    lines = [
        operation_text(state, history, each)
        for state in tree.section(cib, "status").each("node_state")
        if node in ("", state.get("uname"))
        for history in lrm_resources(state)
        if wanted in ("", history.id)
        for each in history.each("lrm_rsc_op")
    ]
    session.console.answer("\n".join(lines), lines)
    return 0


async def _scores(session: Session, args: list[str]) -> int:
    names = arguments(args, 0, 10_000, "scores [RESOURCE…]")
    from cib_store.model.dates import Moment
    from crm_shell.proposal.plan import decided

    cib = (await session.cib()).document
    wanted = {tree.resource(cib, name).id for name in names}
    schedule = decided(cib, Moment(int(time.time())), scores=True).schedule
    lines = [
        each
        for each in schedule.score_lines
        if not wanted or wanted & {word.partition(":")[0] for word in each.split()}
    ]
    session.console.answer("\n".join(lines), lines)
    return 0


async def _secret(session: Session, args: list[str]) -> int:
    name, verb, parameter, *value = arguments(args, 3, 4, _SECRET)
    verbs = {"set": "set", "stash": "stash", "unstash": "unstash", "show": "get", "check": "check",
             "delete": "delete"}  # fmt: skip
    if verb not in verbs:
        raise Misused(f"{verb!r} is none of {', '.join(verbs)}; usage: {_SECRET}")
    if bool(value) != (verb == "set"):
        raise Misused(
            f"{verb} takes {'a value' if verb == 'set' else 'no value'}; usage: {_SECRET}"
        )
    from crm_shell.tools.cibsecret import carry_out
    from crm_shell.tools.frame import ToolFailed

    if verb not in ("show", "check"):
        session.announce(f"{verb} the secret {parameter} of {name}, on every node")
    given = Namespace(
        action=verbs[verb], resource=name, parameter=parameter, value=value[0] if value else None,
        no_cib=False,
    )  # fmt: skip
    try:
        return await carry_out(session.cluster, given)
    except ToolFailed as error:
        raise Failed(str(error), code=error.code or ExitCode.ERROR) from None


INSPECTING = (
    Command(name="operations", usage=_OPERATIONS, run=_operations, completes=("resource", "node"),
            summary="Show what ran of a resource, or of all, and how it ended"),
    Command(name="scores", usage="scores [RESOURCE…]", run=_scores, completes=("resource",),
            summary="Show the scores by which places are chosen"),
    Command(name="secret", usage=_SECRET, run=_secret,
            completes=("resource", "set|stash|unstash|show|check|delete"),
            summary="Keep a parameter on the nodes and out of the configuration",
            details="stash takes the value that is configured out of it; unstash puts it back."),
)  # fmt: skip
