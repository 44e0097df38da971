"""``crm configure``: show, define, change and delete what the cluster is to do (30.19-30.46)."""

from __future__ import annotations

import os
import shlex
import tempfile
import time
from pathlib import Path

from crm_shell.commands import drafts
from crm_shell.commands.drafts import draft_of, keep, refusal
from crm_shell.commands.grammar_help import STATEMENTS
from crm_shell.commands.history import HISTORY
from crm_shell.commands.loading import load, save
from crm_shell.commands.session import Command, Draft, Failed, Level, Misused, Session
from crm_shell.commands.simulate import DRAFT_COMMAND
from crm_shell.commands.upgrading import upgrade
from crm_shell.console import Json
from crm_shell.edit import Mode, apply
from crm_shell.edit.removal import NoSuchObject, remove
from crm_shell.edit.renaming import renamed
from crm_shell.edit.show import identity_of, keyword_of, show, shown_objects
from crm_shell.syntax import parse, parse_words
from crm_shell.syntax.loose import referenced_ids
from crm_shell.syntax.printer import render
from crm_shell.xml_text import xml_lines
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind


async def _define(keyword: str, session: Session, args: list[str]) -> int:
    draft = await draft_of(session)
    edited = apply(draft.configuration, parse_words([keyword, *args]), Mode.CREATE)
    if edited.faults:
        raise await refusal(session, draft, edited)
    return await keep(session, draft, edited.configuration)


async def _show(session: Session, args: list[str]) -> int:
    draft = await draft_of(session)
    as_xml = args[:1] == ["xml"]
    chosen = args[1:] if as_xml else args
    text, missing = show(draft.configuration, chosen)
    if as_xml and not chosen:
        text = "\n".join(xml_lines(draft.configuration))
    elif as_xml:
        wanted = [
            each for each in shown_objects(draft.configuration) if identity_of(each) in chosen
        ]
        text = "\n".join(line for each in wanted for line in xml_lines(each))
    else:
        text = session.console.paint_configuration(text)
    session.console.answer(text, _as_data(draft, chosen))
    if missing:
        raise Failed(*(f"no object {name!r}" for name in missing), code=ExitCode.NOSUCH)
    return 0


def _as_data(draft: Draft, chosen: list[str]) -> Json:
    referenced = referenced_ids((draft.configuration,))
    return {
        "version": str(draft.base.version),
        "objects": [
            {
                "id": identity_of(each),
                "kind": keyword_of(each),
                "statement": render(each, referenced),
                "xml": "\n".join(xml_lines(each)),
            }
            for each in shown_objects(draft.configuration)
            if not chosen or identity_of(each) in chosen
        ],
    }


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
    if args:
        raise Misused("usage: erase")
    if not session.confirm("Delete the whole configuration, nodes and cluster options excepted?"):
        return 0
    draft = await draft_of(session)
    emptied = apply(draft.configuration, parse(""), Mode.REPLACE).configuration
    options = draft.configuration.child("crm_config")
    children = tuple(
        options if each.tag == "crm_config" and options else each for each in emptied.children
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


async def _commit(session: Session, args: list[str]) -> int:
    session.wait = session.wait or "-w" in args or "--wait" in args
    return await drafts.commit(session)


async def _refresh(session: Session, args: list[str]) -> int:
    if drafts.has_changes(session) and not session.confirm("Drop the changes not committed?"):
        return 0
    session.draft = None
    return 0


async def _edit(session: Session, args: list[str]) -> int:
    draft = await draft_of(session)
    text, missing = show(draft.configuration, args)
    if missing:
        raise Failed(*(f"no object {name!r}" for name in missing), code=ExitCode.NOSUCH)
    from raftmaker.runtime.foreground import run_foreground

    with tempfile.TemporaryDirectory(prefix="crm-edit-") as directory:
        path = Path(directory) / "configuration.crm"
        path.write_text(text + "\n", "utf-8")
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        try:
            code = await run_foreground([*shlex.split(editor), str(path)])
        except OSError as error:
            raise Failed(f"{editor}: {error.strerror}; set EDITOR") from None
        if code != 0:
            raise Failed(f"{editor} failed; nothing is changed")
        changed = path.read_text("utf-8")
    if changed.strip() == text.strip():
        return 0
    mode = Mode.UPDATE if args else Mode.PUSH
    edited = apply(draft.configuration, parse(changed), mode)
    if edited.faults:
        raise await refusal(session, draft, edited)
    return await keep(session, draft, edited.configuration)


async def _property(session: Session, args: list[str]) -> int:
    return await _define("property", session, args)


async def _get_property(session: Session, args: list[str]) -> int:
    if len(args) != 1:
        raise Misused("usage: get_property NAME")
    draft = await draft_of(session)
    options = draft.configuration.child("crm_config")
    for each in options.each("cluster_property_set") if options else ():
        for pair in each.each("nvpair"):
            if pair.get("name") == args[0]:
                session.console.answer(pair.get("value"), pair.get("value"))
                return 0
    raise Failed(f"{args[0]} is not set", code=ExitCode.NOSUCH)


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
    commands=(
        Command(
            name="show", usage="show [xml] [ID… | type:TYPE | tag:TAG | related:ID]",
            summary="Print the configuration", run=_show, completes=("object",),
        ),
        *(_statement_command(*entry) for entry in STATEMENTS),
        Command(
            name="edit", usage="edit [ID…]", run=_edit, completes=("object",),
            summary="Change the configuration, or some objects, in your editor",
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
            name="erase", usage="erase", summary="Delete everything but nodes and options",
            run=_erase,
        ),
        Command(
            name="load", usage="load [xml] {update|replace|push} FILE", run=load,
            summary="Read a file of statements (or XML)",
            details="update adds and replaces what the file names; push also removes what it does "
            "not name; replace begins from nothing. Every mistake is told, and then nothing "
            "changes.", completes=("update|replace|push", "file"),
        ),
        Command(
            name="save", usage="save [xml] [ID…] FILE", summary="Write the configuration to a file",
            run=save, completes=("file",),
        ),
        Command(
            name="get_property", usage="get_property NAME", run=_get_property,
            summary="Print a cluster option",
        ),
        Command(
            name="verify", usage="verify", run=_verify,
            summary="Check the configuration; nothing changes",
        ),
        Command(
            name="commit", usage="commit [--wait]", run=_commit,
            summary="Send what was edited at the prompt, all or nothing",
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
