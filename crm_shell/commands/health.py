"""``crm cluster health``: whether all is well, and what to type where it is not (features 30.7)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from crm_shell.commands.session import Command, Session, arguments
from crm_shell.commands.status import certificate_advice, status_now
from crm_shell.host import units
from crm_shell.status.advice import advice
from raftmaker.client import Membership
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.members import MemberKind

Findings = Iterator[tuple[str, str]]


def member_advice(now: Membership) -> Findings:
    """Return (what is wrong, what to type) about the members and their votes. Pure."""
    for member in now.members.members:
        seen = now.of(member.name)
        if seen is None or member.kind is MemberKind.FOLLOWER:
            continue
        if not seen.heard:
            yield (
                f"the store of {member.name} is silent",
                f"on {member.name}: crm cluster start; journalctl -u raftmaker-cib",
            )
        elif seen.waits_for:
            yield f"{member.name} does not vote yet: {seen.waits_for}", "crm cluster members"
    votes = len(now.members.voters)
    if len(now.members.nodes) > 1 and votes < 3:
        yield (
            f"votes: {votes} of {len(now.members.members)} members; without one of those that"
            " vote the cluster stops",
            "crm cluster token --witness (a third machine that only votes), or one more voter",
        )


async def _unit_advice(*, witness: bool) -> Findings:
    try:
        daemons = units.WITNESS_DAEMONS if witness else units.DAEMONS
        states = await units.states((units.TARGET, *map(units.unit_of, daemons)))
    except units.UnitFailed:
        return iter(())  # Not under systemd: what runs answers or does not.
    found = [
        (f"{each.name} is {each.active}", f"journalctl -u {each.name}; crm cluster start")
        for each in states
        if not each.is_up
    ]
    if states[0].enabled not in ("enabled", ""):
        found.append(("this node does not start with its machine", "crm cluster enable"))
    return iter(found)


async def _health(session: Session, args: list[str]) -> int:
    arguments(args, 0, 0, "health")
    settings = session.cluster.settings
    found = [*await _unit_advice(witness=not settings.me.is_node)]
    try:
        found += member_advice(await session.cluster.members())
        found += advice(await status_now(session))
    except HaError as error:
        found.append((str(error), "crm cluster status; journalctl -u 'raftmaker-*'"))
    found += certificate_advice(settings.tls_dir, datetime.now(UTC))
    lines = [f"{settings.cluster_name} is healthy, as {settings.node} sees it"]
    if found:
        lines = [f"{settings.cluster_name} is NOT healthy, as {settings.node} sees it:"]
        for what, how in found:
            lines += [f"  * {what}", f"    {session.console.paint(how, 'cyan')}"]
    elif os.geteuid() != 0:
        lines.append("  (the certificates are seen by root alone)")
    session.console.answer(
        "\n".join(lines),
        {"healthy": not found, "findings": [{"what": what, "do": how} for what, how in found]},
    )
    return int(ExitCode.ERROR) if found else 0


HEALTH = Command(name="health", usage="health", run=_health,
                 summary="Say whether all is well, and what to do where it is not; exit code 1"
                         " then")  # fmt: skip
