"""``configure load`` and ``save``: whole files of statements or XML (features 30.42, 30.43)."""

from __future__ import annotations

import sys
from pathlib import Path

from crm_shell.commands.drafts import draft_of, keep, refusal
from crm_shell.commands.session import Failed, Misused, Session
from crm_shell.edit import Mode, apply
from crm_shell.edit.show import show
from crm_shell.syntax import parse
from crm_shell.xml_text import xml_lines
from raftmaker.vocabulary.codes import ExitCode

_MODES = {"update": Mode.UPDATE, "replace": Mode.REPLACE, "push": Mode.PUSH}


async def load(session: Session, args: list[str]) -> int:
    """Read a file into the configuration; every mistake in it is told, and nothing changes."""
    as_xml = args[:1] == ["xml"]
    rest = args[1:] if as_xml else args
    if len(rest) != 2 or rest[0] not in _MODES:
        raise Misused("usage: load [xml] {update|replace|push} FILE (- is standard input)")
    mode, name = _MODES[rest[0]], rest[1]
    text = _read(name)
    draft = await draft_of(session)
    if as_xml or text.lstrip().startswith("<"):
        # Here, as it loads what reads XML, which is needed for this alone.
        from crm_shell.commands.load_xml import load_xml

        return await load_xml(session, draft, mode, text, name)
    edited = apply(draft.configuration, parse(text), mode)
    if edited.faults:
        raise await refusal(session, draft, edited, name)
    return await keep(session, draft, edited.configuration)


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).read_text("utf-8")
    except FileNotFoundError:
        raise Failed(f"{name}: no such file", code=ExitCode.NOINPUT) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{name}: {error}", code=ExitCode.NOINPUT) from None


async def save(session: Session, args: list[str]) -> int:
    """Write the configuration, or some objects, to a file."""
    as_xml = args[:1] == ["xml"]
    names = args[1:] if as_xml else args
    if not names:
        raise Misused("usage: save [xml] [ID…] FILE (- is standard output)")
    draft = await draft_of(session)
    if as_xml:
        text = "\n".join(xml_lines(draft.configuration))
    else:
        text, missing = show(draft.configuration, names[:-1])
        if missing:
            raise Failed(*(f"no object {name!r}" for name in missing), code=ExitCode.NOSUCH)
    if names[-1] == "-":
        session.console.say(text)
        return 0
    try:
        Path(names[-1]).write_text(text + "\n", "utf-8")
    except OSError as error:
        raise Failed(f"{names[-1]}: {error.strerror}", code=ExitCode.CANTCREAT) from None
    return 0
