"""``configure edit`` and ``filter``: text that an editor or a program changes (30.41)."""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path

from crm_shell.commands.configuring.showing import as_text, as_xml, selected, split
from crm_shell.commands.drafts import draft_of, keep, refusal
from crm_shell.commands.session import Draft, Failed, Misused, Session
from crm_shell.edit import Mode, apply
from crm_shell.edit.removal import remove
from crm_shell.edit.show import identity_of
from crm_shell.syntax import parse


async def edit(session: Session, args: list[str]) -> int:
    """Have the person change the configuration, or some objects, in an editor."""
    wants_xml, choices, _ = split(args)
    draft = await draft_of(session)
    text = _text(draft, choices, wants_xml=wants_xml)
    changed = await _in_editor(session, text, "xml" if wants_xml else "crm")
    return await _take(session, draft, choices, text, changed, wants_xml=wants_xml)


async def filtered(session: Session, args: list[str]) -> int:
    """Have a program change the configuration, or some objects: from its input to its output."""
    from raftmaker.runtime.process import run

    if not args:
        raise Misused("usage: filter PROGRAM [xml] [ID… | changed | type:TYPE | …]")
    wants_xml, choices, _ = split(args[1:])
    draft = await draft_of(session)
    text = _text(draft, choices, wants_xml=wants_xml)
    ended = await run(["/bin/sh", "-c", args[0]], stdin=text + "\n")
    if ended.code != 0:
        said = ended.stderr.strip() or f"exit code {ended.code}"
        raise Failed(f"{args[0]}: {said}; nothing is changed")
    return await _take(session, draft, choices, text, ended.stdout, wants_xml=wants_xml)


def _text(draft: Draft, choices: list[str], *, wants_xml: bool) -> str:
    if wants_xml:
        # Objects of XML are told apart by the element around them.
        text = as_xml(draft, choices)
        return f"<objects>\n{text}\n</objects>" if choices else text
    return as_text(draft, selected(draft, choices))


async def _take(
    session: Session, draft: Draft, choices: list[str], before: str, after: str, *, wants_xml: bool
) -> int:
    """Make the draft what the text now says: what is no longer in it is deleted."""
    if after.strip() == before.strip():
        return 0
    if wants_xml and not choices:
        from crm_shell.commands.load_xml import load_xml

        return await load_xml(session, draft, Mode.REPLACE, after, "the edited XML")
    if wants_xml:
        after = _statements(after)
    parsed = parse(after)
    edited = apply(draft.configuration, parsed, Mode.UPDATE if choices else Mode.PUSH)
    if edited.faults:
        raise await refusal(session, draft, edited)
    new = edited.configuration
    if choices:
        named = {identity_of(each) for each in selected(draft, choices)}
        kept = {each.element.id or each.element.get("uname") for each in parsed.statements}
        kept |= {each.element.get("uname") for each in parsed.statements}
        gone = [name for name in named - kept if any(each.id == name for each in new.walk())]
        new = remove(new, sorted(gone)) if gone else new
    return await keep(session, draft, new)


def _statements(xml: str) -> str:
    from cib_store.document.codec import BadXml
    from cib_store.document.codec import parse as parse_xml
    from crm_shell.xml_text import xml_lines
    from raftmaker.vocabulary.codes import ExitCode

    try:
        objects = parse_xml(xml).children
    except BadXml as error:
        raise Failed(f"the edited XML: {error}", code=ExitCode.DATAERR) from None
    return "\n".join("xml " + " \\\n".join(xml_lines(each)) for each in objects)


async def _in_editor(session: Session, text: str, suffix: str) -> str:
    with tempfile.TemporaryDirectory(prefix="crm-edit-") as directory:
        path = Path(directory) / f"configuration.{suffix}"
        path.write_text(text + "\n", "utf-8")
        await opened(session, path)
        return path.read_text("utf-8")


async def opened(session: Session, path: Path) -> None:
    """Have the person change a file. Raises `Failed` where the editor does not end well."""
    from raftmaker.runtime.foreground import run_foreground

    chosen = session.preferences["editor"]
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or chosen or "vi"
    try:
        code = await run_foreground([*shlex.split(editor), str(path)])
    except OSError as error:
        raise Failed(f"{editor}: {error.strerror}; set EDITOR") from None
    if code != 0:
        raise Failed(f"{editor} failed; nothing is changed")
