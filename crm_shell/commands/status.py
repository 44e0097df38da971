"""``crm status``: the whole cluster in one view, what is wrong, and what to type (30.1)."""

from __future__ import annotations

import time

from crm_shell.commands.session import Command, Misused, Session
from crm_shell.console import Json
from crm_shell.status.advice import advice
from crm_shell.status.build import build
from crm_shell.status.model import FailedFencing, ResourceView, Status
from crm_shell.status.text import Shown, failure_text, render
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.identity import SOFTWARE_VERSION

_WORDS = ("full", "bynode", "inactive", "ops", "timing", "failcounts", "verbose", "quiet",
          "html", "xml", "simple", "tickets", "noheaders", "detail", "brief")  # fmt: skip


async def status_now(session: Session) -> Status:
    """Read the CIB here and now (perhaps a little stale) and ask the daemons that answer."""
    cib = await session.cluster.cib(local=True)
    quorate: bool | None = None
    try:
        quorate = (await session.cluster.store_status()).quorate
    except HaError as error:
        session.console.warn(str(error))
    failed: tuple[FailedFencing, ...] = ()
    try:
        failed = tuple(
            FailedFencing(target=each.target, action=each.action, client=each.client,
                          reason=each.reason, at_us=each.at_us)
            for each in await session.cluster.fencing_history()
            if each.state == "failed"
        )  # fmt: skip
    except HaError as error:
        session.console.warn(str(error))
    return build(
        cib.document,
        dc=cib.dc,
        quorate=quorate,
        version=SOFTWARE_VERSION,
        failed_fencings=failed,
    )


def now_text(node: str) -> str:
    """Return the present as the status shows it."""
    return f"{time.strftime('%a %b %e %H:%M:%S %Y')} on {node}"


async def run(session: Session, args: list[str]) -> int:
    """Print the status."""
    unknown = [word for word in args if word not in _WORDS]
    if unknown:
        raise Misused(f"unknown option {unknown[0]!r}; allowed: {', '.join(_WORDS)}")
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
    session.console.answer(f"{text}\n{_advice_text(session, status)}".rstrip("\n"), data_of(status))
    return 0


def _advice_text(session: Session, status: Status) -> str:
    found = advice(status)
    if not found:
        return ""
    lines = [session.console.paint("What to do:", "bold")]
    for what, how in found:
        lines.append(f"  * {what}")
        lines.append(f"    {session.console.paint(how, 'cyan')}")
    return "\n" + "\n".join(lines)


def data_of(status: Status) -> Json:
    """Return a status as JSON data."""
    return {
        "cluster": status.cluster_name,
        "dc": status.dc,
        "quorate": status.quorate,
        "version": status.version,
        "last_change": status.last_change,
        "nodes": [
            {"name": each.name, "state": each.state.value, "online": each.online,
             "unclean": each.unclean, "dc": each.is_dc, "running": each.running,
             "attributes": dict(each.attributes)}
            for each in status.nodes
        ],
        "resources": [resource_data(each) for each in status.resources],
        "failed_actions": [
            {"key": each.key, "resource": each.resource, "node": each.node, "code": each.code,
             "status": each.status, "reason": each.exit_reason, "text": failure_text(each)}
            for each in status.failed_actions
        ],
        "constraints_made_by_move": [
            {"id": key, "resource": rsc, "node": node, "score": score}
            for key, rsc, node, score in status.bans
        ],
        "advice": [{"what": what, "type": how} for what, how in advice(status)],
    }  # fmt: skip


def resource_data(view: ResourceView) -> Json:
    """Return a resource and what it contains as JSON data."""
    return {
        "id": view.id,
        "kind": view.kind,
        "agent": view.agent,
        "target_role": view.target_role,
        "managed": view.managed,
        "maintenance": view.maintenance,
        "orphan": view.orphan,
        "running": [
            {"node": each.node, "role": each.role, "failed": each.failed, "pending": each.pending}
            for each in view.activities
        ],
        "members": [resource_data(each) for each in view.members],
    }


COMMAND = Command(
    name="status",
    usage="status [full] [bynode] [failcounts] [noheaders] [xml]",
    summary="Show nodes, resources, failures, and what to do about them",
    run=run,
    completes=("|".join(_WORDS),),
)
