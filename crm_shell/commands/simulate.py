"""``crm simulate`` and ``crm configure simulate``: what a change would do, and changes nothing."""

from __future__ import annotations

import time
from pathlib import Path

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from crm_shell.commands.cib_files import file_option, read_cib
from crm_shell.commands.drafts import draft_of
from crm_shell.commands.session import Command, Failed, Misused, Rehearsed, Session
from crm_shell.console import Json
from raftmaker.vocabulary.codes import ExitCode

_USAGE = "simulate [-x CIB] [FILE | CHANGE… | lost NODE…]"
_DETAILS = ("scores", "actions", "utilization")


async def _simulate(session: Session, args: list[str]) -> int:
    file, words = file_option(args)
    before = session.dry_run, session.offline, session.draft, session.keeps_draft
    session.dry_run, session.keeps_draft = True, False
    try:
        if file:
            session.offline, session.draft = read_cib(file), None
        return await _dispatch(session, words)
    except Rehearsed:
        return 0
    finally:
        session.dry_run, session.offline, session.draft, session.keeps_draft = before


async def _dispatch(session: Session, words: list[str]) -> int:
    if not words:
        return tell(session, None, (await session.cib()).document)
    if words[0] == "lost" and len(words) > 1:
        return await _lost(session, words[1:])
    if len(words) == 1 and (words[0] == "-" or Path(words[0]).is_file()):
        return await _file(session, words[0])
    return await _change(session, words)


async def _file(session: Session, name: str) -> int:
    """A whole CIB is decided on as it is; a configuration or statements are loaded, on paper."""
    if name != "-" and Path(name).read_bytes().lstrip()[:256].find(b"<cib") >= 0:
        return tell(session, None, read_cib(name))
    from crm_shell.commands.loading import load

    return await load(session, ["update", name])


async def _change(session: Session, words: list[str]) -> int:
    # Here, as this command is itself in the tree of commands.
    from crm_shell.commands.grammar_help import STATEMENTS
    from crm_shell.commands.levels import EVERYTHING, find, level_named, names_of

    if words[0] in {each[0] for each in STATEMENTS} and level_named(words[0]) is None:
        words = ["configure", *words]
    found = find(words[0], names_of(EVERYTHING), "here")
    if isinstance(found, Command):
        raise Misused(f"{found.name} changes nothing; usage: {_USAGE}")
    if len(words) == 1:
        raise Misused(f"say what {found.name} shall do; usage: {_USAGE}")
    command = find(words[1], names_of(found.commands), f"in {found.name}")
    assert isinstance(command, Command)
    return await command.run(session, words[2:])


async def _lost(session: Session, nodes: list[str]) -> int:
    from crm_shell.simulate.injections import Injections, inject
    from crmd.scheduler.pipeline import read_cluster

    now = int(time.time())
    cib = (await session.cib()).document
    run = read_cluster(cib, Moment(now))
    unknown = [name for name in nodes if run.find_node(name) is None]
    if unknown:
        raise Failed(*(f"there is no node {name!r}" for name in unknown), code=ExitCode.NOSUCH)
    after = inject(run, cib, Injections(node_fail=tuple(nodes)), when=now).cib
    return tell(session, cib, after)


async def simulate_draft(session: Session, args: list[str]) -> int:
    """Show what committing the draft would do (30.45: ``simulate``, ``ptest``)."""
    words = [word for word in args if word != "nograph" and set(word) != {"v"}]
    unknown = [word for word in words if word not in _DETAILS]
    if unknown:
        raise Misused(f"unexpected argument {unknown[0]!r}; there are: {', '.join(_DETAILS)}")
    draft = await draft_of(session)
    before = draft.base.document
    if session.made_status is not None:
        before = _with_status(before, session.made_status.cib)
    children = [
        draft.configuration if child.tag == "configuration" else child for child in before.children
    ]
    return tell(session, before, before.with_children(tuple(children)), words)


def _with_status(cib: Element, other: Element) -> Element:
    """Return a CIB with the status of another one, which `crm cibstatus` has made up."""
    status = other.child("status") or Element("status")
    children = (status if child.tag == "status" else child for child in cib.children)
    quorum = {"have-quorum": other.get("have-quorum") or None}
    return cib.with_children(tuple(children)).with_attributes(quorum)


def tell(
    session: Session, before: Element | None, after: Element, details: list[str] | None = None
) -> int:
    """Answer with the plan, and with what else of the decision is asked for."""
    from crm_shell.proposal.plan import decided, plan_of
    from crm_shell.proposal.text import plan_data, plan_lines
    from crm_shell.simulate.execution import event_text, execute

    wanted = details or []
    now = Moment(int(time.time()))
    new = decided(after, now, scores="scores" in wanted, uses="utilization" in wanted)
    plan = plan_of(decided(before, now) if before is not None else None, new)
    lines, data = plan_lines(plan), dict[str, Json](plan=plan_data(plan))
    if new.schedule.score_lines:
        lines += ["", "Scores:", *(f"  {line}" for line in new.schedule.score_lines)]
        data["scores"] = list(new.schedule.score_lines)
    if "actions" in wanted:
        events = execute(new.run, after, new.schedule.graph, when=now.epoch).events
        steps = [event_text(event).strip(" *") for event in events]
        lines += ["", "Actions, in order:", *(f"  {step}" for step in steps)]
        data["actions"] = steps
    session.console.answer("\n".join(lines), data)
    return 0


COMMAND = Command(
    name="simulate",
    usage=_USAGE,
    summary="show what a change would do; nothing is changed",
    run=_simulate,
    completes=("file",),
    aliases=("whatif",),
    details="CHANGE is any command that changes something: 'crm simulate resource stop web', "
    "'crm simulate node standby a', 'crm simulate primitive p Dummy'. FILE holds statements, a "
    "configuration, or a whole CIB. 'lost NODE' is the sudden failure of a node. Without words: "
    "what the cluster is about to do. With -x CIB (or --file) all this is about the CIB in a file "
    "and no cluster is asked. 'crm -n COMMAND' is the same for one command.",
)

DRAFT_COMMAND = Command(
    name="simulate",
    usage="simulate [scores] [actions] [utilization]",
    summary="Show what committing would do",
    run=simulate_draft,
    completes=("scores|actions|utilization",),
    aliases=("ptest",),
)
