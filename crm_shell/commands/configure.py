"""``crm configure``: show, define, change and delete what the cluster is to do (30.19-30.46)."""

from __future__ import annotations

import time

from cib_store.model.upgrade import NEWEST
from crm_shell.commands import drafts
from crm_shell.commands.configuring import editing, graph, groups, rsctest, showing, values
from crm_shell.commands.drafts import draft_of, keep, refusal
from crm_shell.commands.grammar_help import STATEMENTS
from crm_shell.commands.history import HISTORY
from crm_shell.commands.loading import load
from crm_shell.commands.session import (
    Command,
    Draft,
    Failed,
    Level,
    Misused,
    Session,
    arguments,
)
from crm_shell.commands.simulate import DRAFT_COMMAND
from crm_shell.commands.upgrading import upgrade
from crm_shell.edit import Mode, apply
from crm_shell.edit.removal import NoSuchObject, remove
from crm_shell.edit.renaming import renamed
from crm_shell.syntax import parse, parse_words
from crm_shell.xml_text import xml_lines
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind

_COMMIT = "commit [force] [replace] [--wait]"
_COMMIT_WORDS = ("force", "--force", "replace", "-w", "--wait")


async def _define(keyword: str, session: Session, args: list[str]) -> int:
    draft = await draft_of(session)
    edited = apply(draft.configuration, parse_words([keyword, *args]), Mode.CREATE)
    if edited.faults:
        raise await refusal(session, draft, edited)
    return await keep(session, draft, edited.configuration)


async def _delete(session: Session, args: list[str]) -> int:
    force = session.force or "--force" in args or "-f" in args
    names = [name for name in args if name not in ("--force", "-f")]
    if not names:
        raise Misused("usage: delete [--force] ID…")
    draft = await draft_of(session)
    if not force:
        _refuse_running(draft, names)
    try:
        edited = remove(draft.configuration, names)
    except NoSuchObject as error:
        raise Failed(str(error), code=ExitCode.NOSUCH) from None
    return await keep(session, draft, edited)


def _refuse_running(draft: Draft, names: list[str]) -> None:
    # Here, as it loads the scheduler, which no other definition needs.
    from crm_shell.status.places import running_ids

    running = running_ids(draft.base.document, now=int(time.time()))
    faults = [
        f"{name} is running: 'crm resource stop {name}' first, or delete --force"
        for name in names
        if name in running
    ]
    if faults:
        raise Failed(*faults, code=ExitCode.UNSAFE)


async def _rename(session: Session, args: list[str]) -> int:
    if len(args) != 2:
        raise Misused("usage: rename OLD NEW")
    draft = await draft_of(session)
    _refuse_running(draft, args[:1])
    try:
        edited = renamed(draft.configuration, args[0], args[1])
    except LookupError as error:
        raise Failed(str(error), code=ExitCode.NOSUCH) from None
    except ValueError as error:
        raise Failed(str(error), code=ExitCode.EXISTS) from None
    return await keep(session, draft, edited)


async def _erase(session: Session, args: list[str]) -> int:
    if args not in ([], ["nodes"]):
        raise Misused("usage: erase [nodes]")
    kept = "cluster options" if args else "nodes and cluster options"
    if not session.confirm(f"Delete the whole configuration, {kept} excepted?"):
        return 0
    draft = await draft_of(session)
    emptied = apply(draft.configuration, parse(""), Mode.REPLACE).configuration
    options = draft.configuration.child("crm_config")
    children = tuple(
        options
        if each.tag == "crm_config" and options
        else each.with_children(())
        if each.tag == "nodes" and args
        else each
        for each in emptied.children
    )
    return await keep(session, draft, emptied.with_children(children))


async def _verify(session: Session, args: list[str]) -> int:
    draft = await draft_of(session)
    whole = CibOperation(
        kind=OperationKind.REPLACE,
        scope="configuration",
        xml="\n".join(xml_lines(draft.configuration)),
    )
    outcome = await session.cluster.change([whole], message="verify", rehearse=True)
    for warning in outcome.reports:
        session.console.warn(str(warning))
    await drafts.heed_agents(session, draft.configuration)
    session.console.answer("", {"valid": True, "warnings": [str(w) for w in outcome.reports]})
    return 0


async def _schema(session: Session, args: list[str]) -> int:
    wanted = arguments(args, 0, 1, "schema [NAME]")
    now = (await session.cib()).document.get("validate-with")
    if wanted and wanted[0] not in (now, NEWEST):
        raise Failed(
            f"the configuration is kept in {NEWEST}, and older ones are brought to it as they are"
            " loaded; there is no way to an older schema",
            code=ExitCode.UNIMPLEMENT_FEATURE,
        )
    if wanted and wanted[0] != now:
        return await upgrade(session, [])
    session.console.answer(now, now)
    return 0


async def _commit(session: Session, args: list[str]) -> int:
    unknown = [each for each in args if each not in _COMMIT_WORDS]
    if unknown:
        raise Misused(f"unexpected argument {unknown[0]!r}; usage: {_COMMIT}")
    before = session.wait, session.force
    session.wait = session.wait or bool({"-w", "--wait"} & {*args})
    session.force = session.force or bool({"force", "--force"} & {*args})
    try:
        return await drafts.commit(session, whole="replace" in args)
    finally:
        session.wait, session.force = before


async def _refresh(session: Session, args: list[str]) -> int:
    if drafts.has_changes(session) and not session.confirm("Drop the changes not committed?"):
        return 0
    session.draft = None
    return 0


def _statement_command(keyword: str, usage: str, summary: str, details: str) -> Command:
    async def run(session: Session, args: list[str]) -> int:
        return await _define(keyword, session, args)

    return Command(
        name=keyword, usage=usage, summary=summary, details=details, run=run,
        completes=("object",),
    )  # fmt: skip


LEVEL = Level(
    name="configure",
    summary="Define what the cluster runs, where and in which order",
    is_for_administrators=True,
    also=("assist", "cib", "cibstatus", "ra", "template"),
    commands=(
        Command(
            name="show", run=showing.show, completes=("object",),
            usage="show [xml] [ID… | changed | type:TYPE | tag:TAG | related:ID] [obscure:GLOB…]",
            summary="Print the configuration, or some objects of it",
            details="ID may have * and ?. changed: what is not committed. obscure:GLOB hides the"
            " values of what has such a name.",
        ),
        *(_statement_command(*entry) for entry in STATEMENTS),
        Command(
            name="edit", usage="edit [xml] [ID… | changed | type:TYPE | tag:TAG | related:ID]",
            run=editing.edit, completes=("object",),
            summary="Change the configuration, or some objects, in your editor",
            details="What is taken out of the text is deleted. The editor is that of VISUAL, EDITOR"
            " or 'crm options editor'.",
        ),
        Command(
            name="filter", usage="filter PROGRAM [xml] [ID… | changed | type:TYPE | …]",
            run=editing.filtered, completes=("object",),
            summary="Change the configuration, or some objects, by a program",
            details="It gets the text as input and writes the new one as output, for example:"
            " filter \"sed '/^primitive/s/target-role=[^ ]*//'\"",
        ),
        Command(
            name="modgroup", run=groups.modgroup, completes=("object", "add|remove", "object"),
            usage="modgroup GROUP {add RESOURCE [{after|before} RESOURCE] | remove RESOURCE}",
            summary="Put a resource into a group, or take one out",
        ),
        Command(
            name="set", usage=values.SET, run=values.set_value, completes=("object",),
            summary="Change one value that is configured",
            details="For example: set vip.ip 192.168.20.5; set vip.monitor.on-fail ignore; set"
            " drbd.monitor.10s.interval 20s",
        ),
        Command(
            name="default-timeouts", usage=values.DEFAULT_TIMEOUTS, run=values.default_timeouts,
            completes=("resource",), aliases=("default_timeouts",),
            summary="Give operations the timeouts that their agents advise",
            details="Those of the operations that are configured, and of start and stop. What an"
            " agent advises suits an ordinary case: think of yours.",
        ),
        Command(
            name="validate-all", usage=values.VALIDATE_ALL, run=values.validate_all,
            completes=("resource",), aliases=("validate_all",),
            summary="Have a resource's agent check its parameters, on this node",
        ),
        Command(
            name="rsctest", usage=rsctest.RSCTEST, run=rsctest.rsctest,
            completes=("resource", "resource|node"),
            summary="Run resources through their actions on this node",
            details="They must be stopped, or not be committed yet. Each is probed, started and"
            " monitored, with those before it running, and all are stopped again.",
        ),
        Command(
            name="graph", usage=graph.GRAPH, run=graph.graph, completes=("dot", "file", "svg|png"),
            summary="Draw the order of resources, as graphviz text or a picture",
        ),
        Command(
            name="schema", usage="schema [NAME]", run=_schema,
            summary="Tell by which schema the configuration is checked",
        ),
        Command(
            name="delete", usage="delete [--force] ID…", run=_delete, completes=("object",),
            summary="Delete objects, and the constraints and tags that name them",
        ),
        Command(
            name="rename", usage="rename OLD NEW", run=_rename, completes=("object",),
            summary="Give an object another id",
        ),
        Command(
            name="erase", usage="erase [nodes]", completes=("nodes",), run=_erase,
            summary="Delete everything but nodes and options; with nodes, these too",
        ),
        Command(
            name="load", usage="load [xml] {update|replace|push} FILE|URL", run=load,
            summary="Read a file of statements (or XML)",
            details="update adds and replaces what the file names; push also removes what it does "
            "not name; replace begins from nothing. Every mistake is told, and then nothing "
            "changes.", completes=("update|replace|push", "file"),
        ),
        Command(
            name="save", usage="save [xml] [ID… | changed | type:TYPE | …] [obscure:GLOB…] FILE",
            summary="Write the configuration, or some objects, to a file", run=showing.save,
            completes=("file",),
        ),
        Command(
            name="get_property", usage="get_property [--true] [NAME]", run=showing.get_property,
            summary="Print a cluster option, its default where it is not set",
            aliases=("get-property",),
        ),
        Command(
            name="verify", usage="verify", run=_verify,
            summary="Check the configuration; nothing changes",
        ),
        Command(
            name="commit", usage=_COMMIT, run=_commit,
            completes=("force|replace",),
            summary="Send what was edited at the prompt, all or nothing",
            details="Only what differs is sent, and it is refused where somebody else has changed"
            " the same things meanwhile. replace sends the whole configuration instead and so"
            " overrules them; force commits what does not fit the agents.",
        ),
        DRAFT_COMMAND,
        Command(
            name="upgrade", usage="upgrade [force]", run=upgrade,
            summary="Bring the configuration to the newest schema",
            details="The store keeps its own configuration in the newest schema, and brings to it"
            " what is loaded; so there is something to do only with a file (CIB_file, cib use). The"
            " configuration before it stays in the history.",
        ),
        *HISTORY,
        Command(
            name="refresh", usage="refresh", summary="Drop what was not committed", run=_refresh,
        ),
    ),
)  # fmt: skip
