"""``crm verify``: what is wrong with the configuration, and what the scheduler says (30.2)."""

from __future__ import annotations

import time

from cib_store.model.dates import Moment
from crm_shell.commands.drafts import heed_agents
from crm_shell.commands.session import Command, Misused, Session
from raftmaker.vocabulary.codes import ExitCode

_USAGE = "verify [scores]"


async def _verify(session: Session, args: list[str]) -> int:
    if args not in ([], ["scores"]):
        raise Misused(f"unexpected argument {args[0]!r}; usage: {_USAGE}")
    # Here, as these load the schema and the scheduler.
    from crm_shell.proposal.plan import decided
    from crm_shell.tools.crm_verify import doubts_in, errors_in

    cib = await session.cib()
    errors = errors_in(cib.document)
    doubts = doubts_in(cib.document, is_wrong=bool(errors))
    for text in errors:
        session.console.error(text.removeprefix("error: "))
    for text in doubts:
        session.console.warn(text.removeprefix("warning: "))
    await heed_agents(session, cib.configuration)
    lines: list[str] = []
    if args and not errors:
        now = Moment(int(time.time()))
        lines = list(decided(cib.document, now, scores=True).schedule.score_lines)
    session.console.answer(
        "\n".join(lines), {"valid": not errors, "reports": [*errors, *doubts], "scores": lines}
    )
    return int(ExitCode.CONFIG if errors else ExitCode.OK)


COMMAND = Command(
    name="verify", usage=_USAGE, run=_verify, completes=("scores",),
    summary="Check the configuration as it is, and say what the scheduler thinks of it",
    details="scores: also the score of each resource on each node. Exit code 78 where something is"
    " wrong; nothing is changed.",
)  # fmt: skip
