"""The configuration being edited: taken from the cluster, kept as a draft, committed."""

from __future__ import annotations

import re

from cib_store.document.element import Element
from crm_shell.commands.session import Draft, Failed, Session, faulty
from crm_shell.edit import Edited, operations
from crm_shell.edit.pool import Pool
from crm_shell.xml_text import xml_lines
from raftmaker.runtime.errors import HaError, Rejected
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from raftmaker.vocabulary.reports import Report

_QUOTED = re.compile(r"'([^']+)'")


async def draft_of(session: Session) -> Draft:
    """Return the draft that is being edited, or a fresh one from the cluster."""
    if session.draft is not None:
        return session.draft
    cib = await session.cib()
    return Draft(base=cib, configuration=cib.configuration)


def primitive_of(pool: Pool, name: str) -> Element:
    """Return the primitive of that id in a draft. Raises `Failed`."""
    found = pool.sections["resources"].get(name)
    if found is None or found.tag != "primitive":
        kind = f"is a {found.tag}, no primitive" if found is not None else "is no resource"
        raise Failed(f"{name} {kind}", code=ExitCode.NOSUCH)
    return found


async def keep(session: Session, draft: Draft, edited: Element) -> int:
    """Keep the edited configuration as draft; outside the prompt, commit it at once."""
    session.draft = Draft(base=draft.base, configuration=edited)
    return 0 if session.keeps_draft else await commit(session)


async def refusal(session: Session, draft: Draft, edited: Edited, source: str = "") -> Failed:
    """Return the failure that tells all that is wrong, in the text and in what could be read."""
    told = faulty(edited.faults, source)
    more = await further_faults(session, draft, edited)
    return Failed(str(told), *map(str, more), code=told.code)


async def further_faults(session: Session, draft: Draft, edited: Edited) -> tuple[Report, ...]:
    """Return what the store says of that which could be read of a faulty text.

    What it says about an object that the text's faults name follows from those faults.
    """
    try:
        wanted = operations(draft.base.configuration, edited.configuration)
        if wanted:
            await session.cluster.change(wanted, base=draft.base.version, rehearse=True)
    except Rejected as error:
        named = {name for fault in edited.faults for name in _QUOTED.findall(fault.what)}
        return tuple(each for each in error.reports if not named & set(_QUOTED.findall(each.where)))
    except HaError:
        pass  # the text's faults are to be mended first, whatever the store's trouble is
    return ()


def has_changes(session: Session) -> bool:
    """Whether there is anything to commit."""
    draft = session.draft
    return draft is not None and draft.configuration != draft.base.configuration


async def commit(session: Session, *, rehearse: bool = False, whole: bool = False) -> int:
    """Send what was edited, all or nothing. A refused draft stays, to be mended.

    `whole`: the whole configuration, whatever others have changed meanwhile.
    """
    draft = session.draft
    if draft is None:
        return 0
    draft = await _completed(session, draft)
    wanted = operations(draft.base.configuration, draft.configuration)
    if wanted and rehearse:
        outcome = await session.cluster.change(wanted, base=draft.base.version, rehearse=True)
        for warning in outcome.reports:
            session.console.warn(str(warning))
    elif wanted:
        await heed_agents(session, draft.configuration, before=draft.base.configuration)
        if whole:
            await session.change([_replacing(draft.configuration)])
        else:
            await session.change(wanted, base=draft.base.version)
        session.draft = None
    return 0


def _replacing(configuration: Element) -> CibOperation:
    xml = "\n".join(xml_lines(configuration))
    return CibOperation(kind=OperationKind.REPLACE, scope="configuration", xml=xml)


async def _completed(session: Session, draft: Draft) -> Draft:
    """Return the draft with what follows from the agents' metadata, and tell of it."""
    if not has_changes(session) or _is_of_a_file(session):
        return draft
    from crm_shell.agents.unfencing import providing, unfencing_devices

    try:
        devices = await unfencing_devices(
            session.cluster, draft.configuration, before=draft.base.configuration
        )
    except HaError:
        return draft  # `heed_agents` tells that the agents cannot be asked
    if not devices:
        return draft
    for name in devices:
        session.console.info(f"{name}: meta provides=unfencing, as its agent turns on who joins")
    return Draft(base=draft.base, configuration=providing(draft.configuration, devices))


def _is_of_a_file(session: Session) -> bool:
    """Whoever edits a file need not have the agents."""
    return session.offline is not None or session.cluster.is_file


async def heed_agents(
    session: Session, configuration: Element, *, before: Element | None = None
) -> None:
    """Tell what does not fit the agents, as they describe themselves; errors need a yes.

    With `before`, only what differs from that is held against them. Raises `Failed`.
    """
    when = session.preferences["check-frequency"]
    is_committing = before is not None
    if _is_of_a_file(session) or when == "never" or (when == "on-verify" and is_committing):
        return
    from crm_shell.agents.review import check

    try:
        found = await check(session.cluster, configuration, before=before)
    except HaError as error:
        session.console.warn(f"not checked against the agents: {error}")
        return
    for each in found:
        if not each.is_error:
            session.console.warn(str(each))
    errors = [str(each) for each in found if each.is_error]
    if not errors:
        return
    if session.force or session.preferences["check-mode"] == "relaxed":
        for error_text in errors:
            session.console.warn(error_text)
        return
    if session.ask is not None and not session.dry_run:
        for error_text in errors:
            session.console.error(error_text)
        if session.ask("Commit nevertheless?"):
            return
        raise Failed("nothing is changed", code=ExitCode.CONFIG)
    raise Failed(*errors, "nothing is changed; --force commits it nevertheless",
                 code=ExitCode.CONFIG)  # fmt: skip
