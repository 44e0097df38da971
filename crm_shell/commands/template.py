"""``crm template``: from a template to a configuration, by filling in a few values (30.47)."""

from __future__ import annotations

import os
from pathlib import Path

from crm_shell.commands.configuring.editing import opened
from crm_shell.commands.drafts import draft_of, keep, refusal
from crm_shell.commands.session import (
    Command,
    Failed,
    Level,
    Misused,
    Session,
    arguments,
    named_values,
)
from crm_shell.edit import Mode, apply
from crm_shell.syntax import parse
from crm_shell.templates.configuration import begun, read_parts, text_of
from crm_shell.templates.library import Library
from crm_shell.templates.template import BadTemplate, Template, missing, statements
from raftmaker.vocabulary.codes import ExitCode

_NEW = "new [CONFIG] TEMPLATE… [params NAME=VALUE…]"
_APPLY = "apply [update|replace] [CONFIG]"
_MODES = {"update": Mode.UPDATE, "replace": Mode.REPLACE}


def _library() -> Library:
    return Library.of(os.environ)


def _templates() -> dict[str, Template]:
    try:
        return _library().templates()
    except BadTemplate as error:
        raise Failed(str(error), code=ExitCode.DATAERR) from None


async def _list(session: Session, args: list[str]) -> int:
    which = arguments(args, 0, 1, "list [templates|configs]")
    if which not in ([], ["templates"], ["configs"]):
        raise Misused("usage: list [templates|configs]")
    templates = {} if which == ["configs"] else _templates()
    configs = () if which == ["templates"] else _library().names()
    lines = [f"template {name}: {each.text}" for name, each in templates.items()]
    lines += [f"configuration {name}" for name in configs]
    session.console.answer(
        "\n".join(lines), {"templates": sorted(templates), "configs": list(configs)}
    )
    return 0


async def _new(session: Session, args: list[str]) -> int:
    at = args.index("params") if "params" in args else len(args)
    words, values = args[:at], named_values(args[at + 1 :], _NEW)
    if not words:
        raise Misused(f"usage: {_NEW}")
    templates, library = _templates(), _library()
    name = words.pop(0) if len(words) > 1 else library.unused(words[0])
    try:
        parts = begun(name, words, templates, values)
        path = library.path(name)
    except BadTemplate as error:
        raise Failed(str(error), code=ExitCode.NOSUCH) from None
    if path.exists() and not session.force:
        raise Failed(f"there is a configuration {name} already", code=ExitCode.EXISTS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(name, parts, templates), "utf-8")
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}", code=ExitCode.CANTCREAT) from None
    session.template = name
    lacking = missing(parts, templates)
    then = "crm template apply" if not lacking else "crm template edit"
    session.console.info(f"configuration {name} is begun; next: {then} {name}")
    for each in lacking:
        session.console.info(f"  {each}")
    return 0


def _path(session: Session, args: list[str], usage: str) -> Path:
    (name,) = arguments(args, 0, 1, usage) or [session.template]
    if not name:
        raise Misused(f"no configuration is loaded; usage: {usage}")
    library = _library()
    try:
        path = library.path(name)
    except BadTemplate as error:
        raise Failed(str(error), code=ExitCode.USAGE) from None
    if not path.exists():
        known = ", ".join(library.names()) or "there are none"
        raise Failed(f"no configuration {name!r}; begun: {known}", code=ExitCode.NOSUCH)
    return path


def _made(path: Path) -> str:
    """Return the statements of a configuration. Raises `Failed` with all that is missing."""
    templates = _templates()
    try:
        parts = read_parts(path.read_text("utf-8"), templates)
    except (BadTemplate, OSError, UnicodeDecodeError) as error:
        raise Failed(f"{path}: {error}", code=ExitCode.DATAERR) from None
    lacking = missing(parts, templates)
    if lacking:
        raise Failed(*lacking, f"fill them in: crm template edit {path.name}",
                     code=ExitCode.CONFIG)  # fmt: skip
    return statements(parts, templates)


async def _load(session: Session, args: list[str]) -> int:
    arguments(args, 1, 1, "load CONFIG")
    session.template = _path(session, args, "load CONFIG").name
    return 0


async def _edit(session: Session, args: list[str]) -> int:
    path = _path(session, args, "edit [CONFIG]")
    await opened(session, path)
    return 0


async def _show(session: Session, args: list[str]) -> int:
    text = _made(_path(session, args, "show [CONFIG]"))
    session.console.answer(session.console.paint_configuration(text), {"statements": text})
    return 0


async def _apply(session: Session, args: list[str]) -> int:
    mode = _MODES[args[0]] if args[:1] and args[0] in _MODES else None
    path = _path(session, args[1:] if mode else args, _APPLY)
    draft = await draft_of(session)
    edited = apply(draft.configuration, parse(_made(path)), mode or Mode.UPDATE)
    if edited.faults:
        raise await refusal(session, draft, edited, str(path))
    return await keep(session, draft, edited.configuration)


async def _delete(session: Session, args: list[str]) -> int:
    words = [each for each in args if each not in ("force", "--force")]
    arguments(words, 1, 1, "delete CONFIG [force]")
    path = _path(session, words, "delete CONFIG [force]")
    if path.name == session.template and not session.force and len(words) == len(args):
        raise Failed(f"{path.name} is loaded: delete {path.name} force", code=ExitCode.UNSAFE)
    path.unlink()
    session.template = "" if path.name == session.template else session.template
    return 0


LEVEL = Level(
    name="template",
    summary="Make a configuration from a template, by filling in a few values",
    is_for_administrators=True,
    commands=(
        Command(name="new", usage=_NEW, run=_new,
                summary="Begin a configuration from templates, and what they depend on",
                details="For example: new vip virtual-ip params ip=192.0.2.10; new web apache"
                " filesystem. Templates of your own, in crmsh's form, are looked for in"
                " ~/.config/raftmaker/templates."),
        Command(name="list", usage="list [templates|configs]", run=_list,
                completes=("templates|configs",), summary="The templates, and what is begun"),
        Command(name="load", usage="load CONFIG", run=_load,
                summary="Have the commands that follow be about a configuration"),
        Command(name="edit", usage="edit [CONFIG]", run=_edit,
                summary="Fill in a configuration in your editor"),
        Command(name="show", usage="show [CONFIG]", run=_show,
                summary="Show the statements that come of it"),
        Command(name="apply", usage=_APPLY, run=_apply, completes=("update|replace",),
                summary="Add to what is configured what comes of it",
                details="replace begins from nothing; crmsh does so where nothing is said."),
        Command(name="delete", usage="delete CONFIG [force]", run=_delete,
                summary="Remove a configuration; what was applied of it stays"),
    ),
)  # fmt: skip
