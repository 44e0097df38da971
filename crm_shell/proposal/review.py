"""Show a person what a change would do before it is made."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cib_store.document.element import Element
from cib_store.document.operations import carried_out
from cib_store.document.refusal import Refusal
from cib_store.model.dates import Moment
from crm_shell.commands.session import Failed, Rehearsed
from crm_shell.proposal.plan import Plan, proposed
from crm_shell.proposal.text import plan_data, plan_lines
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation
from raftmaker.vocabulary.outcomes import CibVersion

if TYPE_CHECKING:
    from crm_shell.commands.session import Session


async def review(
    session: Session,
    operations: Sequence[CibOperation],
    *,
    base: CibVersion | None,
    asked: Sequence[str],
    then: str,
) -> None:
    """Show the plan of operations; ask, or end a dry run (see `Session.review`)."""
    cib = (await session.cib()).document
    after = _after(cib, operations)
    if session.dry_run and session.offline is None:
        # Whatever the store would refuse is an error now as well.
        await session.cluster.change(operations, base=base, rehearse=True)
    if isinstance(after, Refusal):
        if session.dry_run:
            raise Failed(*(str(each) for each in after.reports), code=after.code)
        return  # the store says it in its own words
    plan = _plan(session, cib, after)
    if plan is not None:
        show(session, plan, then=then)
        _ask(session, plan, asked)
    if session.dry_run:
        raise Rehearsed


def _after(cib: Element, operations: Sequence[CibOperation]) -> Element | Refusal:
    for operation in operations:
        edited = carried_out(cib, operation)
        if isinstance(edited, Refusal):
            return edited
        cib = edited
    return cib


def _plan(session: Session, before: Element, after: Element) -> Plan | None:
    try:
        return proposed(before, after, Moment(int(time.time())))
    except Exception as error:  # noqa: BLE001  # a change may be what mends it
        session.console.warn(f"no plan can be told: {type(error).__name__}: {error}")
        return None


def show(session: Session, plan: Plan, *, then: str = "") -> None:
    """Print a plan: a dry run's answer, or else beside the command's own output."""
    lines = plan_lines(plan)
    if then:
        lines.append(f"Then: {then}")
    text = "\n".join(lines)
    if session.dry_run:
        session.console.answer(text, plan_data(plan))
    elif not session.console.as_json:
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def _ask(session: Session, plan: Plan, asked: Sequence[str]) -> None:
    if session.dry_run:
        return
    unasked = plan.unasked(asked)
    if not unasked:
        return
    names = ", ".join(dict.fromkeys(step.subject for step in unasked))
    if not session.confirm(f"This disturbs {names}, which the command does not name. Go on?"):
        raise Failed("nothing is changed", code=ExitCode.ERROR)
