"""``configure show``, ``save`` and ``get_property``: the configuration as text (30.40, 30.43)."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from cib_store.document.element import Element
from crm_shell.commands.drafts import draft_of
from crm_shell.commands.session import Draft, Failed, Misused, Session
from crm_shell.console import Json
from crm_shell.edit.secrets import obscured
from crm_shell.edit.show import chosen_objects, identity_of, keyword_of
from crm_shell.syntax.loose import referenced_ids
from crm_shell.syntax.printer import render
from crm_shell.xml_text import xml_lines
from raftmaker.vocabulary.codes import ExitCode

_OBSCURE = "obscure:"


def selected(draft: Draft, choices: list[str], *, by_name: bool = True) -> tuple[Element, ...]:
    """Return the objects that choices mean: ids, globs, changed, type:, tag:, related:.

    Raises `Failed` with those that match nothing.
    """
    objects, missing = chosen_objects(
        draft.configuration, choices, before=draft.base.configuration, by_name=by_name
    )
    if missing:
        raise Failed(*(f"no object {name!r}" for name in missing), code=ExitCode.NOSUCH)
    return objects


def as_text(draft: Draft, objects: tuple[Element, ...]) -> str:
    """Return objects as statements."""
    referenced = referenced_ids((draft.configuration,))
    return "\n".join(render(each, referenced) for each in objects)


def as_xml(draft: Draft, choices: list[str]) -> str:
    """Return the whole configuration, or the objects that are chosen, as XML."""
    if not choices:
        return "\n".join(xml_lines(draft.configuration))
    return "\n".join(line for each in selected(draft, choices) for line in xml_lines(each))


def split(args: list[str]) -> tuple[bool, list[str], list[str]]:
    """Part ``[xml] [CHOICE…] [obscure:GLOB…]``: whether XML, the choices, the globs."""
    wants_xml = args[:1] == ["xml"]
    rest = args[1:] if wants_xml else args
    globs = [each.removeprefix(_OBSCURE) for each in rest if each.startswith(_OBSCURE)]
    return wants_xml, [each for each in rest if not each.startswith(_OBSCURE)], globs


def _hiding(draft: Draft, globs: list[str]) -> Draft:
    """Return the draft with values hidden, in what it is compared with too."""
    base = draft.base.document
    children = tuple(obscured(each, globs) for each in base.children)
    return Draft(
        base=replace(draft.base, document=base.with_children(children)),
        configuration=obscured(draft.configuration, globs),
    )


async def show(session: Session, args: list[str]) -> int:
    """Print the configuration, or what is chosen of it."""
    wants_xml, choices, globs = split(args)
    draft = await draft_of(session)
    shown = _hiding(draft, globs)
    if wants_xml:
        text = as_xml(shown, choices)
    else:
        by_name = session.preferences.is_on("sort-elements")
        objects = selected(shown, choices, by_name=by_name)
        text = session.console.paint_configuration(as_text(shown, objects))
    session.console.answer(text, _as_data(shown, choices))
    return 0


def _as_data(draft: Draft, choices: list[str]) -> Json:
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
            for each in selected(draft, choices)
        ],
    }


async def save(session: Session, args: list[str]) -> int:
    """Write the configuration, or some objects, to a file."""
    wants_xml, names, globs = split(args)
    if not names:
        raise Misused("usage: save [xml] [ID… | changed | type:TYPE…] FILE (- is standard output)")
    draft = await draft_of(session)
    draft = _hiding(draft, globs)
    *choices, file = names
    text = as_xml(draft, choices) if wants_xml else as_text(draft, selected(draft, choices))
    if file == "-":
        session.console.raw(text)
        return 0
    try:
        Path(file).write_text(text + "\n", "utf-8")
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}", code=ExitCode.CANTCREAT) from None
    return 0


async def get_property(session: Session, args: list[str]) -> int:
    """Print a cluster option: as it is set, or else its default; without a name all names."""
    from cib_store.model.described import DEFAULTS
    from cib_store.model.values import is_true

    truth = any(each in ("-t", "--true") for each in args)
    names = [each for each in args if each not in ("-t", "--true")]
    if not names:
        found = sorted(DEFAULTS)
        session.console.answer("\n".join(found), found)
        return 0
    if len(names) > 1:
        raise Misused("usage: get_property [--true] [NAME]")
    draft = await draft_of(session)
    value = _value_of(draft.configuration, names[0])
    if value is None:
        value = DEFAULTS.get(names[0]) or None
    if truth:
        value = "true" if is_true(value or "") else "false"
    if value is None:
        raise Failed(f"{names[0]} is not set and has no default", code=ExitCode.NOSUCH)
    session.console.answer(value, value)
    return 0


def _value_of(configuration: Element, name: str) -> str | None:
    options = configuration.child("crm_config")
    for each in options.each("cluster_property_set") if options else ():
        for pair in each.each("nvpair"):
            if pair.get("name") == name:
                return pair.get("value")
    return None
