"""``crm resource failcount``, ``trace``, ``untrace``: for a resource that fails (30.12, 30.14)."""

from __future__ import annotations

from cib_store.document.element import Element
from crm_shell.actions import tracing, tree
from crm_shell.commands.session import Command, Failed, Misused, Session, arguments
from raftmaker.vocabulary.codes import ExitCode

_FAILCOUNT = "failcount RESOURCE {show|delete NODE | set NODE COUNT}"
_TRACE = "trace RESOURCE [OPERATION [INTERVAL]] [DIRECTORY]"
_UNTRACE = "untrace RESOURCE [OPERATION [INTERVAL]]"


async def _failcount(session: Session, args: list[str]) -> int:
    from cib_store.model.scores import score_text
    from crm_shell.actions.failcounts import failcount

    name, verb, node, *count = arguments(args, 3, 4, _FAILCOUNT)
    if bool(count) != (verb == "set"):
        raise Misused(f"{verb} takes {'a' if verb == 'set' else 'no'} count; usage: {_FAILCOUNT}")
    cib = await session.cib()
    resource = tree.resource(cib.document, name).id
    entry = tree.node(cib.document, node)
    match verb:
        case "show":
            now = score_text(failcount(cib.document, entry.id, resource))
            text = f"scope=status name=fail-count-{resource} value={now}"
            session.console.answer(text, {"resource": resource, "node": node, "count": now})
        case "set":
            await _count(session, cib.document, entry, resource, count[0])
        case "delete":
            session.announce(f"forget the failures of {resource} on {node}, and probe again")
            cleaned = await session.cluster.cleanup(resource=resource, node=entry.get("uname"))
            session.console.answer("\n".join(cleaned), list(cleaned))
        case _:
            raise Misused(f"{verb!r} is none of show, set, delete; usage: {_FAILCOUNT}")
    return 0


async def _count(session: Session, cib: Element, entry: Element, resource: str, text: str) -> None:
    """Set a fail count by hand: failures of no operation in particular."""
    from cib_store.model.scores import parse_score
    from crm_shell.actions.pairs import of_status, set_pair, transient_owner

    score = parse_score(text)
    if score is None or score < 0:
        raise Misused(f"{text!r} is no count: a number of failures, or INFINITY")
    name = f"fail-count-{resource}#monitor_0"
    change = set_pair(of_status(entry.id), transient_owner(cib, entry.id), name, text)
    await session.change([change], message=f"failcount {resource}", asked=[resource])


async def _trace(session: Session, args: list[str]) -> int:
    words = arguments(args, 1, 4, _TRACE)
    message = f"trace {' '.join(words)}"
    directory = words.pop() if len(words) > 1 and (words[-1].startswith("/") or words[3:]) else ""
    cib = await session.cib()
    resource, operation, interval, *_ = (*words, "", "")
    operations = tracing.traced(cib.document, resource, operation, interval, directory)
    await session.change(operations, message=message, asked=[words[0]])
    what = words[1] if len(words) > 1 else "every operation"
    where = directory or tracing.DIRECTORY
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
            completes=("resource", "show|set|delete", "node")),
    Command(name="trace", usage=_TRACE, run=_trace,
            summary="Have an agent write down each step of an operation",
            details="Without OPERATION all that are configured are traced, and start, stop, promote"
            " and demote; probe is the monitor by which the cluster looks what runs. What"
            f" is traced is written into DIRECTORY, or else {tracing.DIRECTORY}, on the node where"
            " it runs.",
            completes=("resource", "start|stop|monitor|probe|promote|demote|notify")),
    Command(name="untrace", usage=_UNTRACE, run=_untrace,
            summary="End what trace began", completes=("resource", "start|stop|monitor")),
)  # fmt: skip
