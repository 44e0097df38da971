"""``crm site ticket``: tickets of this site by hand (features 23.14); ``crm_ticket`` has more."""

from __future__ import annotations

import time

from crm_shell.actions import tickets
from crm_shell.commands.session import Command, Failed, Level, Misused, Session
from raftmaker.vocabulary.codes import ExitCode

_USAGE = "ticket {grant|revoke|delete|standby|activate|show|time} TICKET"
_CHANGES = {
    "grant": {tickets.GRANTED: "true"},
    "revoke": {tickets.GRANTED: "false"},
    "standby": {tickets.STANDBY: "true"},
    "activate": {tickets.STANDBY: "false"},
}
_RISKS = {
    "grant": "If another site has {0} too, what depends on it runs twice. Grant {0} to this site?",
    "revoke": "What depends on {0} follows its loss-policy. Revoke {0} from this site?",
    "delete": "All that is known of {0} here is forgotten, as if it were revoked. Delete {0}?",
}


async def _ticket(session: Session, args: list[str]) -> int:
    if args == ["show"]:
        return await _show(session, "")
    if len(args) != 2:
        raise Misused(f"usage: {_USAGE}")
    verb, ticket = args
    if verb == "show":
        return await _show(session, ticket)
    cib = (await session.cluster.cib()).document
    state = tickets.state_of(cib, ticket)
    if verb == "time":
        if state is None or not state.get(tickets.LAST_GRANTED):
            raise Failed(f"ticket {ticket} was never granted here", code=ExitCode.NOSUCH)
        session.console.say(time.ctime(int(state.get(tickets.LAST_GRANTED))))
        return 0
    if verb not in (*_CHANGES, "delete"):
        raise Misused(f"ticket {verb!r} is not known; usage: {_USAGE}")
    if verb in ("revoke", "delete") and state is None:
        raise Failed(f"nothing is known of ticket {ticket} here", code=ExitCode.NOSUCH)
    if verb in _RISKS and not session.confirm(_RISKS[verb].format(ticket)):
        return int(ExitCode.ERROR)
    if verb == "delete":
        operation = tickets.forgetting(ticket)
    else:
        operation = tickets.setting(ticket, _CHANGES[verb], now_s=int(time.time()))
    await session.change([operation], message=f"site ticket {verb} {ticket}")
    return 0


async def _show(session: Session, ticket: str) -> int:
    cib = (await session.cluster.cib(local=True)).document
    found = [one for one in tickets.states(cib) if ticket in ("", one.id)]
    if ticket and not found:
        raise Failed(f"nothing is known of ticket {ticket} here", code=ExitCode.NOSUCH)
    text = "\n".join(tickets.line(one, details=bool(ticket)) for one in found)
    session.console.answer(text or "No tickets", [dict(one.attributes) for one in found])
    return 0


LEVEL = Level(
    name="site",
    summary="tickets of this site",
    is_for_administrators=True,
    commands=(
        Command(
            name="ticket",
            usage=_USAGE,
            summary="grant, revoke and show tickets of this site",
            run=_ticket,
            details="What depends on a ticket (rsc_ticket) runs only at the site that has it.",
        ),
    ),
)
