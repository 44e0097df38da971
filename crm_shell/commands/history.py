"""``crm configure history`` and ``rollback``: what was changed, by whom, and the way back."""

from __future__ import annotations

from datetime import datetime
from difflib import unified_diff

from cib_store.document.element import Element
from crm_shell.commands.session import Command, Failed, Misused, Session
from crm_shell.console import Json
from crm_shell.edit import operations
from crm_shell.edit.secrets import Private, private_parameters, without_secrets
from crm_shell.edit.show import show
from raftmaker.vocabulary.codes import ExitCode

_USAGE = "usage: history [COUNT | show REVISION | diff REVISION REVISION]"
_COUNT = 20


async def _history(session: Session, args: list[str]) -> int:
    match args:
        case []:
            return await _list(session, _COUNT)
        case ["show", revision]:
            return await _show(session, _number(revision))
        case ["diff", first, second]:
            return await _diff(session, _number(first), _number(second))
        case ["rollback", revision]:
            return await _rollback(session, [revision])
        case [count]:
            return await _list(session, _number(count))
        case _:
            raise Misused(_USAGE)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise Misused(f"{text!r} is no number; {_USAGE}")
    return int(text)


async def _list(session: Session, count: int) -> int:
    changes = await session.cluster.history(count)
    rows: list[Json] = [
        {
            "revision": each.revision,
            "version": str(each.version),
            "when": _when(each.origin.at_us),
            "user": each.origin.user,
            "node": str(each.origin.node),
            "client": each.origin.client,
            "message": each.origin.message,
        }
        for each in changes
    ]
    lines = [
        f"{each.revision:>8}  {each.version!s:<10} {_when(each.origin.at_us)}  "
        f"{each.origin.user or '-'}@{each.origin.node or '-'} ({each.origin.client or '-'})"
        f"  {each.origin.message}"
        for each in changes
    ]
    session.console.answer("\n".join(lines), rows)
    return 0


def _when(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000).strftime("%Y-%m-%d %H:%M:%S")


async def _show(session: Session, revision: int) -> int:
    changes = await session.cluster.history()
    known = [each.revision for each in changes]
    if revision not in known:
        raise _unknown(revision)
    place = known.index(revision)
    if place + 1 < len(known):
        return await _diff(session, known[place + 1], revision)
    text = await _text(session, revision)
    session.console.answer(text, {"revision": revision, "configuration": text})
    return 0


async def _diff(session: Session, first: int, second: int) -> int:
    one = await _configuration(session, first)
    other = await _configuration(session, second)
    private = await _private(session)
    old, new = (
        show(without_secrets(each, before, private), [])[0]
        for each, before in ((one, None), (other, one))
    )
    lines = unified_diff(
        old.splitlines(), new.splitlines(), f"revision {first}", f"revision {second}", lineterm=""
    )
    text = "\n".join(lines)
    session.console.answer(text, {"from": first, "to": second, "difference": text})
    return 0


async def _text(session: Session, revision: int) -> str:
    configuration = await _configuration(session, revision)
    text, _ = show(without_secrets(configuration, None, await _private(session)), [])
    return text


async def _private(session: Session) -> Private:
    """Return the parameters that agents call private, as far as the cluster has run them."""
    return private_parameters((await session.cluster.cib(local=True)).document)


async def _configuration(session: Session, revision: int) -> Element:
    cib: Element | None = await session.cluster.cib_at(revision)
    configuration = None if cib is None else cib.child("configuration")
    if configuration is None:
        raise _unknown(revision)
    return configuration


def _unknown(revision: int) -> Failed:
    return Failed(
        f"there is no revision {revision} here: 'crm configure history' lists those that are kept",
        code=ExitCode.NOSUCH,
    )


async def _rollback(session: Session, args: list[str]) -> int:
    if len(args) != 1:
        raise Misused("usage: rollback REVISION")
    revision = _number(args[0])
    wanted = await _configuration(session, revision)
    now = await session.cib()
    changes = operations(now.configuration, wanted)
    if not changes:
        session.console.answer(f"the configuration is as it was in revision {revision}", {})
        return 0
    await session.change(changes, message=f"rollback to revision {revision}", base=now.version)
    session.draft = None
    return 0


HISTORY = (
    Command(
        name="history", usage="history [COUNT | show REVISION | diff REVISION REVISION]",
        summary="List configuration changes, or show what they changed", run=_history,
        details="Without more: the newest 20, with who, when and why. At most the newest 1000 are"
        " kept. show prints what a change changed, diff what lies between two; passwords are"
        " hidden.",
    ),
    Command(
        name="rollback", usage="rollback REVISION", run=_rollback,
        summary="Make the configuration what it was after a revision",
        details="This is a change like any other: it has a place in the history and can itself be"
        " taken back.",
    ),
)  # fmt: skip
