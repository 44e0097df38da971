"""``crm cib``: shadow CIBs, to try a configuration without the cluster (features 30.10, 4.31)."""

from __future__ import annotations

import os
from difflib import unified_diff
from pathlib import Path

from cib_store.document.element import Element
from cib_store.document.sections import empty_cib
from cib_store.model.upgrade import upgraded
from crm_shell.commands.cib_files import read_cib
from crm_shell.commands.drafts import commit
from crm_shell.commands.session import Command, Failed, Level, Misused, Session, arguments
from crm_shell.edit.show import show
from crm_shell.shadow import IN_USE, Shadows, changes, committed, current
from raftmaker.client import Cluster, connect
from raftmaker.vocabulary.codes import ExitCode

_IMPORT = "import {FILE|NUMBER} [SHADOW]"


def shadows(session: Session) -> Shadows:
    """Return the shadow CIBs of this user."""
    return Shadows.of(os.environ, session.config)


def _live(session: Session) -> Cluster:
    """Return the cluster itself, whatever shadow is in use."""
    used = os.environ.pop(IN_USE, "")
    try:
        return connect(session.config, program=session.program)
    finally:
        if used:
            os.environ[IN_USE] = used


async def live_cib(session: Session) -> Element:
    """Return the cluster's whole CIB, whatever shadow is in use."""
    async with _live(session) as cluster:
        return (await cluster.query()).elements[0]


async def _new(session: Session, args: list[str]) -> int:
    words = {word for word in args[1:] if word in ("force", "--force", "empty", "withstatus")}
    if not args or len(words) < len(args) - 1:
        raise Misused("usage: new NAME [empty] [force]")
    force = session.force or bool(words & {"force", "--force"})
    if "empty" in words:
        cib = empty_cib({"crm_feature_set": "3.20.5", "validate-with": "pacemaker-4.0"}, {})
    else:
        cib = await live_cib(session)
    shadows(session).create(args[0], cib, force=force)
    session.console.info(f"{args[0]} shadow CIB created")
    return await _use(session, args[:1])


async def _use(session: Session, args: list[str]) -> int:
    """Work on a shadow from here on; without a name on the cluster again."""
    await commit(session)  # what was edited at the prompt belongs to what was in use
    name = args[0] if args and args[0] != "live" else ""
    if len(args) > 1:
        raise Misused("usage: use [NAME]")
    if name:
        shadows(session).existing(name)
        os.environ[IN_USE] = name
    else:
        os.environ.pop(IN_USE, "")
    await session.close()
    session.draft = None
    return 0


async def _import(session: Session, args: list[str]) -> int:
    """Copy a CIB from a file, such as an input of the scheduler, and use the copy."""
    source, *name = arguments(args, 1, 2, _IMPORT)
    path = _input(session, source) if source.isdigit() else Path(source)
    cib = upgraded(read_cib(str(path))).cib
    shadow = name[0] if name else path.name.removesuffix(".bz2").removesuffix(".xml")
    shadows(session).create(shadow, cib, force=session.force)
    session.console.info(f"{shadow} shadow CIB created")
    return await _use(session, [shadow])


def _input(session: Session, number: str) -> Path:
    """Return the kept input of that number (features 16.42)."""
    directory = session.cluster.settings.state_dir / "pengine"
    found = sorted(directory.glob(f"pe-*-{number}.bz2"))
    if not found:
        raise Failed(f"{directory}: no input has the number {number}", code=ExitCode.NOINPUT)
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise Failed(f"{number} may be {names}: name the file", code=ExitCode.MULTIPLE)
    return found[0]


async def _list(session: Session, args: list[str]) -> int:
    names = shadows(session).names()
    used = current()
    lines = [f"{name}{' (in use)' if name == used else ''}" for name in names]
    session.console.answer("\n".join(lines), [{"name": n, "in_use": n == used} for n in names])
    return 0


async def _delete(session: Session, args: list[str]) -> int:
    if not args:
        raise Misused("usage: delete NAME…")
    for name in args:
        if name == current():
            raise Failed(f"{name} is in use: 'cib use' first", code=ExitCode.UNSAFE)
        shadows(session).delete(name)
    return 0


def _name(session: Session, args: list[str], usage: str) -> str:
    if len(args) > 1:
        raise Misused(f"usage: {usage}")
    name = args[0] if args else current()
    if not name:
        raise Misused(f"no shadow CIB is in use; usage: {usage}")
    return name


async def _reset(session: Session, args: list[str]) -> int:
    name = _name(session, args, "reset [NAME]")
    shadows(session).existing(name)
    shadows(session).create(name, await live_cib(session), force=True)
    session.draft = None
    return 0


async def _commit(session: Session, args: list[str]) -> int:
    name = _name(session, args, "commit [NAME]")
    await commit(session)
    shadow = shadows(session).existing(name).read()
    if changes(await live_cib(session), shadow) is None:
        session.console.info("the cluster has this configuration already")
        return 0
    if not session.confirm(f"Make the cluster's configuration what {name} has?"):
        return 0
    async with _live(session) as cluster:
        outcome = await cluster.change([committed(shadow)], message=f"commit shadow {name}")
    for warning in outcome.reports:
        session.console.warn(str(warning))
    return 0


async def _diff(session: Session, args: list[str]) -> int:
    name = _name(session, args, "diff [NAME]")
    await commit(session)
    old, new = (
        show(each.child("configuration") or Element("configuration"), [])[0]
        for each in (await live_cib(session), shadows(session).existing(name).read())
    )
    lines = unified_diff(old.splitlines(), new.splitlines(), "live", name, lineterm="")
    text = "\n".join(lines)
    session.console.answer(text, {"from": "live", "to": name, "difference": text})
    return 0


LEVEL = Level(
    name="cib",
    summary="Work on a shadow: a private copy of the configuration",
    is_for_administrators=True,
    also=("cibstatus",),
    commands=(
        Command(name="new", usage="new NAME [empty] [force]", run=_new,
                summary="Copy the cluster's CIB and use the copy"),
        Command(name="use", usage="use [NAME]", run=_use,
                summary="Work on a shadow; without a name on the cluster again"),
        Command(name="import", usage=_IMPORT, run=_import, completes=("file",),
                summary="Copy a CIB from a file, or an input of the scheduler by its number, and"
                " use the copy"),
        Command(name="list", usage="list", run=_list, summary="List the shadows"),
        Command(name="diff", usage="diff [NAME]", run=_diff,
                summary="Show how a shadow differs from the cluster"),
        Command(name="commit", usage="commit [NAME]", run=_commit,
                summary="Make the cluster's configuration what a shadow has"),
        Command(name="reset", usage="reset [NAME]", run=_reset,
                summary="Make a shadow what the cluster has now"),
        Command(name="delete", usage="delete NAME…", run=_delete, summary="Remove shadows"),
    ),
)  # fmt: skip
