"""``crm status``: the whole cluster in one view, what is wrong, and what to type (30.1)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crm_shell.commands.session import Command, Misused, Session
from crm_shell.status.advice import advice
from crm_shell.status.model import Status
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.identity import SOFTWARE_VERSION

if TYPE_CHECKING:
    from stonithd.client import FencingInfo

_WORDS = ("full", "bynode", "inactive", "ops", "timing", "failcounts", "verbose", "quiet",
          "html", "xml", "simple", "tickets", "noheaders", "detail", "brief")  # fmt: skip


async def status_now(session: Session) -> Status:
    """Read the CIB here and now (perhaps a little stale) and ask the daemons that answer."""
    # Here, as it loads the scheduler, which no command should wait for that does not need it.
    from crm_shell.status.build import build

    cib = await session.cluster.cib(local=True)
    quorate: bool | None = None
    waits = ("", "")
    try:
        store = await session.cluster.store_status()
        quorate, waits = store.quorate, (store.waits_for, store.mend)
    except HaError as error:
        session.console.warn(str(error))
    return build(
        cib.document,
        now=int(time.time()),
        dc=cib.dc,
        quorate=quorate,
        waits=waits,
        version=SOFTWARE_VERSION,
        fencings=await _fencings(session),
    )


async def _fencings(session: Session) -> tuple[FencingInfo, ...]:
    if not session.cluster.settings.me.is_node:
        return ()  # a witness runs no fencer
    try:
        return await session.cluster.fencing_history()
    except HaError as error:
        session.console.warn(str(error))
        return ()


def now_text(node: str) -> str:
    """Return the present as the status shows it."""
    return f"{time.strftime('%a %b %e %H:%M:%S %Y')} on {node}"


async def run(session: Session, args: list[str]) -> int:
    """Print the status."""
    unknown = [word for word in args if word not in _WORDS]
    if unknown:
        raise Misused(f"unknown option {unknown[0]!r}; allowed: {', '.join(_WORDS)}")
    from crm_shell.status.data import data_of
    from crm_shell.status.text import Shown, render

    status = await status_now(session)
    node = session.cluster.settings.node
    if "xml" in args:
        from crm_shell.status.xml import elements, framed

        print(framed("crm status xml", elements(status, now=now_text(node))))  # noqa: T201
        return 0
    shown = Shown(
        inactive=True,
        by_node="bynode" in args,
        fail_counts="failcounts" in args or "full" in args,
        attributes="full" in args,
        bans="full" in args,
        headers="noheaders" not in args,
    )
    text = session.console.paint_status(render(status, shown, now=now_text(node)))
    found = [*advice(status), *certificate_advice(session.cluster.settings.tls_dir,
                                                  datetime.now(UTC))]  # fmt: skip
    session.console.answer(f"{text}\n{_advice_text(session, found)}".rstrip("\n"), data_of(status))
    return 0


def certificate_advice(tls: Path | None, now: datetime) -> list[tuple[str, str]]:
    """Return (what is wrong, what to type) about certificates; nothing where one may not look."""
    if tls is None or not os.access(tls / "node.pem", os.R_OK):
        return []
    # Here and not above: loading cryptography would slow every command.
    from crm_shell.host.expiry import expiries

    return [
        (f"{each}: without it this node is shut out", "crm cluster rotate-certificates")
        for each in expiries(tls, now)
        if each.is_near
    ]


def _advice_text(session: Session, found: Sequence[tuple[str, str]]) -> str:
    if not found:
        return ""
    lines = [session.console.paint("What to do:", "bold")]
    for what, how in found:
        lines.append(f"  * {what}")
        lines.append(f"    {session.console.paint(how, 'cyan')}")
    return "\n" + "\n".join(lines)


COMMAND = Command(
    name="status",
    usage="status [full] [bynode] [failcounts] [noheaders] [xml]",
    summary="Show nodes, resources, failures, and what to do about them",
    run=run,
    completes=("|".join(_WORDS),),
)
