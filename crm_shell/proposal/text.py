"""A plan as people read it, and as data."""

from __future__ import annotations

from crm_shell.console import Json
from crm_shell.proposal.plan import Plan, Step


def plan_lines(plan: Plan) -> list[str]:
    """Return the plan as lines; what the change does first, then what happens anyway."""
    if not plan.steps:
        lines = ["This will change nothing that runs."]
    else:
        width = len(str(len(plan.steps)))
        lines = ["This will:"]
        lines += [f"  {number:>{width}}. {step}" for number, step in enumerate(plan.steps, 1)]
    if plan.anyway:
        lines.append("The cluster does this anyway:")
        lines += [f"  - {step}" for step in plan.anyway]
    lines += [f"It will be wrong with the configuration: {each}" for each in plan.problems]
    return lines


def plan_data(plan: Plan) -> Json:
    """Return the plan as plain data."""
    return {
        "steps": [_step_data(each) for each in plan.steps],
        "anyway": [_step_data(each) for each in plan.anyway],
        "problems": list(plan.problems),
    }


def _step_data(step: Step) -> Json:
    return {
        "action": step.verb,
        "subject": step.subject,
        "place": step.place,
        "reason": step.reason,
        "disturbs": step.disturbs,
        "blocked": step.blocked,
    }
