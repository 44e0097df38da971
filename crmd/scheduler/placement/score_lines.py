"""The scores at the moment of placement, as ``crm_simulate -s`` shows them (features 27)."""

from __future__ import annotations

from cib_store.model.scores import score_text
from crmd.scheduler.configuration.nodes import natural_key
from crmd.scheduler.state.resource import Resource
from crmd.scheduler.state.run import Run


def show_scores(run: Run, rsc: Resource, stage: str) -> None:
    """Record the scores of a resource and all below it; removed ones are left out."""
    if not run.show_scores or rsc.removed:
        return
    for node in sorted(rsc.scores, key=lambda each: natural_key(each.name)):
        score = score_text(rsc.scores[node])
        run.score_lines.append(f"{stage}: {rsc.id} allocation score on {node.name}: {score}")
    for child in rsc.children:
        show_scores(run, child, stage)
