"""``crm configure upgrade``: the configuration in the newest schema (features 4.8, 30.46)."""

from __future__ import annotations

from cib_store.model.upgrade import NEWEST, upgraded
from crm_shell.commands.session import Misused, Session
from crm_shell.xml_text import xml_lines
from raftmaker.vocabulary.commands import CibOperation, OperationKind


async def upgrade(session: Session, args: list[str]) -> int:
    """Bring the whole CIB to the newest schema; nothing is done where it has that."""
    if any(word not in ("force", "--force") for word in args):
        raise Misused("usage: upgrade [force]")
    reading = await session.cluster.query()
    new = upgraded(reading.elements[0])
    for report in new.reports:
        session.console.warn(str(report))
    if new.cib is reading.elements[0]:
        session.console.info(f"the configuration is in the newest schema ({NEWEST}) already")
        return 0
    whole = CibOperation(kind=OperationKind.REPLACE, xml="\n".join(xml_lines(new.cib)))
    await session.change([whole], message=f"upgrade to {NEWEST}", base=reading.version)
    session.draft = None
    return 0
