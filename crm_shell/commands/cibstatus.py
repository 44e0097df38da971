"""``crm cibstatus``: a status of one's own making, and what the cluster would do then (30.48).

Nothing here reaches the cluster. `crm configure simulate` decides by this status too while there is
one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.upgrade import upgraded
from cib_store.model.values import parse_boolean
from crm_shell.actions import tree
from crm_shell.commands.cib import live_cib, shadows
from crm_shell.commands.cib_files import read_cib
from crm_shell.commands.session import (
    Command,
    Failed,
    Level,
    MadeStatus,
    Misused,
    Session,
    arguments,
)
from crm_shell.commands.simulate import tell
from crm_shell.edit.rewriting import rewritten
from crm_shell.xml_text import xml_lines
from raftmaker.vocabulary.codes import ExitCode, OcfCode, OpStatus

_LOAD = "load {FILE|shadow:NAME|live}"
_NODE = "node NODE {online|offline|unclean}"
_OP = "op OPERATION[:SECONDS] RESOURCE CODE [STATUS] [NODE]"
_TICKET = "ticket TICKET {grant|revoke|standby|activate}"
_SAVE = "save [FILE|shadow:NAME]"
_RUN = "[nograph] [v…] [scores] [utilization]"
_CODES: Mapping[str, OcfCode] = {
    "success": OcfCode.OK, "generic": OcfCode.ERROR, "args": OcfCode.ARGS,
    "unimplemented": OcfCode.UNIMPLEMENTED, "perm": OcfCode.PERM,
    "installed": OcfCode.NOT_INSTALLED, "configured": OcfCode.NOT_CONFIGURED,
    "not_running": OcfCode.NOT_RUNNING, "master": OcfCode.PROMOTED,
    "promoted": OcfCode.PROMOTED, "failed_master": OcfCode.FAILED_PROMOTED,
    "failed_promoted": OcfCode.FAILED_PROMOTED,
}  # fmt: skip
_STATUSES: Mapping[str, OpStatus] = {
    "pending": OpStatus.PENDING, "done": OpStatus.DONE, "cancelled": OpStatus.CANCELLED,
    "timeout": OpStatus.TIMEOUT, "notsupported": OpStatus.NOT_SUPPORTED, "error": OpStatus.ERROR,
}  # fmt: skip


async def _made(session: Session) -> MadeStatus:
    """Return the status that is being edited; the cluster's where nobody has begun."""
    if session.made_status is None:
        session.made_status = MadeStatus(origin="live", cib=await live_cib(session))
    return session.made_status


async def _load(session: Session, args: list[str]) -> int:
    (source,) = arguments(args, 1, 1, _LOAD)
    session.made_status = None
    if source == "live":
        return 0
    if source.startswith("shadow:"):
        cib = shadows(session).existing(source.removeprefix("shadow:")).read()
    else:
        cib = upgraded(read_cib(source)).cib
    session.made_status = MadeStatus(origin=source, cib=cib)
    return 0


async def _save(session: Session, args: list[str]) -> int:
    made = await _made(session)
    (target,) = arguments(args, 0, 1, _SAVE) or [made.origin]
    if target == "live":
        raise Misused(f"the cluster's status is its own; usage: {_SAVE}")
    if target.startswith("shadow:"):
        shadows(session).create(target.removeprefix("shadow:"), made.cib, force=True)
        return 0
    try:
        Path(target).write_text("\n".join((*xml_lines(made.cib), "")), "utf-8")
    except OSError as error:
        raise Failed(f"{target}: {error.strerror}", code=ExitCode.CANTCREAT) from None
    return 0


async def _show(session: Session, args: list[str]) -> int:
    made = await _made(session)
    if args == ["changed"]:
        session.console.answer("\n".join(made.changes), list(made.changes))
        return 0
    arguments(args, 0, 0, "show [changed]")
    session.console.raw("\n".join(xml_lines(made.cib.child("status") or Element("status"))))
    return 0


async def _origin(session: Session, args: list[str]) -> int:
    arguments(args, 0, 0, "origin")
    origin = (await _made(session)).origin
    session.console.answer(origin, origin)
    return 0


async def _node(session: Session, args: list[str]) -> int:
    name, state = arguments(args, 2, 2, _NODE)
    made = await _made(session)
    node = str(tree.node(made.cib, name).get("uname"))
    match state:
        case "online":
            _inject(made, f"node {node} online", node_up=(node,))
        case "offline":
            _inject(made, f"node {node} offline", node_down=(node,))
        case "unclean":
            _inject(made, f"node {node} unclean", node_fail=(node,))
        case _:
            raise Misused(f"{state!r} is none of online, offline, unclean; usage: {_NODE}")
    return 0


async def _ticket(session: Session, args: list[str]) -> int:
    name, what = arguments(args, 2, 2, _TICKET)
    if what not in ("grant", "revoke", "standby", "activate"):
        raise Misused(f"{what!r} is none of grant, revoke, standby, activate; usage: {_TICKET}")
    _inject(await _made(session), f"ticket {name} {what}", **{f"ticket_{what}": (name,)})
    return 0


async def _quorum(session: Session, args: list[str]) -> int:
    (word,) = arguments(args, 1, 1, "quorum {true|false}")
    value = parse_boolean(word)
    if value is None:
        raise Misused(f"{word!r} is neither true nor false")
    made = await _made(session)
    made.cib = made.cib.with_attributes({"have-quorum": str(int(value))})
    made.changes.append(f"quorum {'true' if value else 'false'}")
    return 0


async def _op(session: Session, args: list[str]) -> int:
    operation, name, word, *more = arguments(args, 3, 5, _OP)
    made = await _made(session)
    status = OpStatus.DONE
    if more and more[0] in _STATUSES:
        status = _STATUSES[more.pop(0)]
    if len(more) > 1:
        raise Misused(f"{more[0]!r} is none of {', '.join(_STATUSES)}; usage: {_OP}")
    resource = tree.resource(made.cib, name)
    node = _where(made, resource.id, more[0] if more else "")
    task, interval_ms = _task(made.cib, resource, operation)
    before = made.cib
    spec = f"{name}_{task}_{interval_ms}@{node}={_code(word)}"
    _inject(made, f"op {' '.join(args)}", op_inject=(spec,))
    if status is not OpStatus.DONE:
        made.cib = _with_status(before, made.cib, f"{task}_{interval_ms}", status)
    return 0


def _code(word: str) -> int:
    if word in _CODES:
        return int(_CODES[word])
    if word.isdigit() and int(word) in set(OcfCode):
        return int(word)
    raise Misused(f"{word!r} is no exit code: 0 to 9, {', '.join(_CODES)}; usage: {_OP}")


def _where(made: MadeStatus, resource: str, node: str) -> str:
    """Return the node that is meant: the one that was named, or the only one where it runs."""
    from crm_shell.status.places import places_of

    if node:
        return str(tree.node(made.cib, node).get("uname"))
    found = [place for place, _ in places_of(made.cib, resource, now=int(time.time()))]
    if len(found) == 1:
        return found[0]
    raise Failed(f"{resource} runs on {', '.join(found) or 'no node'}: name the node",
                 code=ExitCode.MULTIPLE if found else ExitCode.NOSUCH)  # fmt: skip


def _task(cib: Element, resource: Element, operation: str) -> tuple[str, int]:
    """Return the task and its interval in ms; a monitor without one is the first that recurs."""
    from cib_store.model.values import interval_ms

    task, _, seconds = operation.partition(":")
    if task == "probe":
        return "monitor", 0
    if seconds:
        return task, interval_ms(seconds)
    if task != "monitor":
        return task, 0
    whole = tree.with_template(cib, resource)
    every = [
        interval_ms(op.get("interval"))
        for op in whole.walk()
        if op.tag == "op" and op.get("name") == "monitor"
    ]
    found = next((each for each in every if each), 0)
    if not found:
        raise Failed(f"{resource.id} has no monitor that recurs; say probe", code=ExitCode.NOSUCH)
    return task, found


def _inject(made: MadeStatus, said: str, **wanted: tuple[str, ...]) -> None:
    from crm_shell.simulate.injections import Injections, inject
    from crmd.scheduler.pipeline import read_cluster

    now = int(time.time())
    run = read_cluster(made.cib, Moment(now))
    done = inject(run, made.cib, Injections(**wanted), when=now)  # type: ignore[arg-type]  # names are its fields
    if done.errors:
        raise Failed(*done.errors, code=ExitCode.NOSUCH)
    made.cib = done.cib
    made.changes.append(said)


def _with_status(before: Element, after: Element, key: str, status: OpStatus) -> Element:
    """Return the CIB in which the results that are new have another status than done."""
    known = {id(each) for each in before.walk() if each.tag == "lrm_rsc_op"}

    def changed(element: Element) -> Element:
        if element.tag != "lrm_rsc_op" or id(element) in known:
            return element
        if not element.get("operation_key").endswith(key):
            return element
        magic = f"{int(status)}{element.get('transition-magic')[1:]}"
        return element.with_attributes({"op-status": str(int(status)), "transition-magic": magic})

    return rewritten(after, changed)


async def _run(session: Session, args: list[str]) -> int:
    return await _decided(session, args, "run")


async def _simulate(session: Session, args: list[str]) -> int:
    return await _decided(session, [*args, "actions"], "simulate")


async def _decided(session: Session, args: list[str], name: str) -> int:
    known = ("scores", "utilization", "actions")
    words = [word for word in args if word != "nograph" and set(word) != {"v"}]
    unknown = [word for word in words if word not in known]
    if unknown:
        raise Misused(f"unexpected argument {unknown[0]!r}; usage: {name} {_RUN}")
    return tell(session, None, (await _made(session)).cib, words)


LEVEL = Level(
    name="cibstatus",
    summary="Make up a status, and see what the cluster would do",
    commands=(
        Command(name="load", usage=_LOAD, run=_load, completes=("file",),
                summary="Take the status (and configuration) of a file or shadow; live: drop"
                " what was made up"),
        Command(name="show", usage="show [changed]", run=_show, completes=("changed",),
                summary="Show the status as XML, or what was changed in it"),
        Command(name="origin", usage="origin", run=_origin, summary="Tell what was loaded"),
        Command(name="node", usage=_NODE, run=_node,
                completes=("node", "online|offline|unclean"),
                summary="Have a node be there, have left, or have failed"),
        Command(name="op", usage=_OP, run=_op,
                completes=("probe|monitor|start|stop|promote|demote|migrate_to|migrate_from",
                           "resource", "|".join(_CODES), "|".join(_STATUSES), "node"),
                summary="Have an operation end in some way",
                details="For example: op monitor web not_running; op stop db 0 timeout n1. Without"
                " SECONDS a monitor is the first that recurs; without NODE it is where the"
                " resource runs."),
        Command(name="quorum", usage="quorum {true|false}", run=_quorum,
                completes=("true|false",), summary="Have quorum, or not"),
        Command(name="ticket", usage=_TICKET, run=_ticket,
                summary="Have a ticket be granted, revoked, in standby or active"),
        Command(name="run", usage=f"run {_RUN}", run=_run, completes=("scores|utilization",),
                summary="Show what the cluster would do then"),
        Command(name="simulate", usage=f"simulate {_RUN}", run=_simulate,
                completes=("scores|utilization",),
                summary="Show that, and every action in its order"),
        Command(name="save", usage=_SAVE, run=_save, completes=("file",),
                summary="Write the CIB with this status to a file or shadow"),
    ),
)  # fmt: skip
