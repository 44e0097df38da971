"""``crm resource failcount``, ``trace``, ``untrace``: for a resource that fails (30.12, 30.14)."""

from __future__ import annotations

from crm_shell.actions import tracing, tree
from crm_shell.commands.session import Command, Failed, Misused, Session, arguments
from raftmaker.vocabulary.codes import ExitCode

_FAILCOUNT = "failcount RESOURCE {show|delete} NODE"
_TRACE = "trace RESOURCE [OPERATION [INTERVAL [DIRECTORY]]]"
_UNTRACE = "untrace RESOURCE [OPERATION [INTERVAL]]"


async def _failcount(session: Session, args: list[str]) -> int:
    from cib_store.model.scores import score_text
    from crm_shell.actions.failcounts import failcount

    name, verb, node = arguments(args, 3, 3, _FAILCOUNT)
    cib = await session.cib()
    resource = tree.resource(cib.document, name).id
    entry = tree.node(cib.document, node)
    match verb:
        case "show":
            count = score_text(failcount(cib.document, entry.id, resource))
            text = f"scope=status name=fail-count-{resource} value={count}"
            session.console.answer(text, {"resource": resource, "node": node, "count": count})
        case "delete":
            session.announce(f"forget the failures of {resource} on {node}, and probe again")
            cleaned = await session.cluster.cleanup(resource=resource, node=entry.get("uname"))
            session.console.answer("\n".join(cleaned), list(cleaned))
        case _:
            raise Misused(f"{verb!r} is neither show nor delete; usage: {_FAILCOUNT}")
    return 0


async def _trace(session: Session, args: list[str]) -> int:
    words = arguments(args, 1, 4, _TRACE)
    cib = await session.cib()
    operations = tracing.traced(cib.document, *words)
    await session.change(operations, message=f"trace {' '.join(words)}", asked=[words[0]])
    what = words[1] if len(words) > 1 else "every operation"
    where = words[3] if len(words) > 3 else tracing.DIRECTORY
    session.console.info(
        f"{what} of {words[0]} is traced into {where} when it runs next, until"
        f" crm resource untrace {words[0]}"
    )
    return 0


async def _untrace(session: Session, args: list[str]) -> int:
    words = arguments(args, 1, 3, _UNTRACE)
    cib = await session.cib()
    operations = tracing.untraced(cib.document, *words)
    if not operations:
        raise Failed(f"{' '.join(words)} is not traced", code=ExitCode.NOSUCH)
    await session.change(operations, message=f"untrace {' '.join(words)}", asked=[words[0]])
    return 0


TROUBLE = (
    Command(name="failcount", usage=_FAILCOUNT, run=_failcount,
            summary="How often a resource has failed on a node",
            completes=("resource", "show|delete", "node")),
    Command(name="trace", usage=_TRACE, run=_trace,
            summary="Have an agent write down each step of an operation",
            details="Without OPERATION all that are configured are traced, and start and stop. What"
            f" is traced is written into DIRECTORY, or else {tracing.DIRECTORY}, on the node where"
            " it runs.",
            completes=("resource", "start|stop|monitor|promote|demote|notify")),
    Command(name="untrace", usage=_UNTRACE, run=_untrace,
            summary="End what trace began", completes=("resource", "start|stop|monitor")),
)  # fmt: skip
