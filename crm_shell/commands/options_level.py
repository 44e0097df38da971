"""``crm options``: what a person chooses for the shell (features 30.18)."""

from __future__ import annotations

from crm_shell.commands.session import Command, Failed, Level, Misused, Run, Session, arguments
from crm_shell.preferences import PREFERENCES, Preference, Unfit, checked
from raftmaker.vocabulary.codes import ExitCode


def _choose(session: Session, name: str, value: str) -> int:
    try:
        session.preferences.set(name, value)
    except Unfit as error:
        raise Misused(str(error)) from None
    session.apply_preferences()
    return 0 if session.keeps_draft else _keep(session)


def _keep(session: Session) -> int:
    """A command alone is its own session: what it chooses would be gone with it."""
    try:
        session.preferences.save()
    except OSError as error:
        raise Failed(f"{error.filename}: {error.strerror}", code=ExitCode.CANTCREAT) from None
    return 0


def _one(preference: Preference) -> Run:
    async def run(session: Session, args: list[str]) -> int:
        values = arguments(args, 0, 1, f"{preference.name} [VALUE]")
        if values:
            return _choose(session, preference.name, values[0])
        value = session.preferences[preference.name]
        session.console.answer(value, value)
        return 0

    return run


async def _set(session: Session, args: list[str]) -> int:
    name, value = arguments(args, 2, 2, "set OPTION VALUE")
    return _choose(session, name, value)


async def _show(session: Session, args: list[str]) -> int:
    names = arguments(args, 0, 1, "show [all|OPTION]")
    try:
        wanted = [] if names in ([], ["all"]) else [names[0]]
        for name in wanted:
            checked(name, session.preferences[name] if _is_known(name) else "")
    except Unfit as error:
        raise Misused(str(error)) from None
    found = {
        each.name: session.preferences[each.name]
        for each in PREFERENCES
        if not wanted or each.name in wanted
    }
    lines = [value if wanted else f'{name} "{value}"' for name, value in found.items()]
    session.console.answer("\n".join(lines), found)
    return 0


def _is_known(name: str) -> bool:
    return any(each.name == name for each in PREFERENCES)


async def _save(session: Session, args: list[str]) -> int:
    arguments(args, 0, 0, "save")
    return _keep(session)


async def _reset(session: Session, args: list[str]) -> int:
    arguments(args, 0, 0, "reset")
    session.preferences.reset()
    session.apply_preferences()
    return 0 if session.keeps_draft else _keep(session)


LEVEL = Level(
    name="options",
    summary="What you choose for this shell",
    commands=(
        *(
            Command(name=each.name, usage=f"{each.name} [{'|'.join(each.values) or 'VALUE'}]",
                    run=_one(each), summary=each.text, completes=("|".join(each.values),)
                    if each.values else ())
            for each in PREFERENCES
        ),
        Command(name="set", usage="set OPTION VALUE", run=_set, summary="Choose a value",
                completes=("|".join(each.name for each in PREFERENCES),)),
        Command(name="show", usage="show [all|OPTION]", run=_show, summary="Show what is chosen",
                completes=("|".join(("all", *(each.name for each in PREFERENCES))),)),
        Command(name="save", usage="save", run=_save,
                summary="Keep what was chosen at the prompt"),
        Command(name="reset", usage="reset", run=_reset, summary="Return to the defaults"),
    ),
)  # fmt: skip
