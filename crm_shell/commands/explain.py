"""``crm explain RESOURCE [NODE]``: why a resource is where it is, and what would change that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cib_store.model.dates import Moment
from cib_store.model.scores import INFINITY
from crm_shell.commands.cib_files import file_option, read_cib
from crm_shell.commands.session import Command, Failed, Session, arguments
from crm_shell.console import Json
from raftmaker.runtime.errors import NotPermitted, Unreachable
from raftmaker.vocabulary.codes import ExitCode

if TYPE_CHECKING:
    from crmd.scheduler.explaining.values import Explanation, NodeView
    from crmd.scheduler.state.contribution import Contribution
    from raftmaker.client import Cluster

_USAGE = "explain [-x FILE] RESOURCE [NODE]"


async def _explain(session: Session, args: list[str]) -> int:
    file, rest = file_option(args)
    words = arguments(rest, 1, 2, _USAGE)
    node = words[1] if len(words) > 1 else ""
    found = await explanations(session.cluster, words[0], node, file=file)
    if not found:
        raise Failed(
            f"there is no resource {words[0]!r}; crm resource status lists them",
            code=ExitCode.NOSUCH,
        )
    if node and not found[0].nodes:
        raise Failed(f"there is no node {node!r}; crm node show lists them", code=ExitCode.NOSUCH)
    text = "\n\n".join("\n".join(explanation_lines(each)) for each in found)
    session.console.answer(text, [explanation_data(each) for each in found])
    return 0


async def explanations(
    cluster: Cluster, resource: str, node: str = "", *, file: str = ""
) -> tuple[Explanation, ...]:
    """Ask why a resource is where it is; empty where there is none. `file`: a CIB to look at."""
    if not file:
        try:
            return await cluster.explain(resource, node)
        except (Unreachable, NotPermitted):
            pass  # what the store shows is explained here: it knows what the user may read
    cib = read_cib(file) if file else (await cluster.cib(local=True)).document
    # Here, as it loads the scheduler, which other commands need not wait for.
    from crmd.scheduler.explaining.explain import explain

    return explain(cib, Moment(int(time.time())), resource, node or None)


def explanation_lines(each: Explanation) -> list[str]:
    """Return an explanation as text: the verdict, then node by node."""
    lines = [each.verdict]
    if each.within:
        lines.append(f"  it is {each.within}")
    if each.promotion:
        lines.append(f"  {each.promotion}")
    for obstacle in each.obstacles:
        lines.append(f"  in the way: {obstacle.what}")
        if obstacle.command:
            lines.append(f"    to change: {obstacle.command}")
    for view in each.nodes:
        if len(each.nodes) == 1 or view.score != "-" or view.obstacles or view.contributions:
            lines += _node_lines(view)
    return lines


def _node_lines(view: NodeView) -> list[str]:
    mark = "*" if view.chosen else " "
    promotion = f"  (promotion score {view.promotion})" if view.promotion else ""
    lines = [f"{mark} {view.node}: {view.score}{promotion}"]
    lines += [f"    {_added(one):>10}  {one.origin.value}: {one.text}"
              for one in view.contributions]  # fmt: skip
    for obstacle in view.obstacles:
        hint = f"  ->  {obstacle.command}" if obstacle.command else ""
        lines.append(f"    in the way: {obstacle.what}{hint}")
    return lines


def _added(one: Contribution) -> str:
    if one.added <= -INFINITY:
        return "-INFINITY"
    return "+INFINITY" if one.added >= INFINITY else f"{one.added:+}"


def explanation_data(each: Explanation) -> Json:
    """Return an explanation as plain data."""
    return {
        "resource": each.resource,
        "now_on": list(each.now_on),
        "chosen": each.chosen,
        "role": each.role,
        "within": each.within,
        "promotion": each.promotion,
        "verdict": each.verdict,
        "obstacles": [{"what": one.what, "command": one.command} for one in each.obstacles],
        "nodes": [
            {
                "node": view.node,
                "score": view.score,
                "promotion_score": view.promotion or None,
                "chosen": view.chosen,
                "contributions": [
                    {"origin": one.origin.value, "detail": one.text, "added": _added(one)}
                    for one in view.contributions
                ],
                "obstacles": [{"what": one.what, "command": one.command} for one in view.obstacles],
            }
            for view in each.nodes
        ],
    }


COMMAND = Command(
    name="explain",
    usage=_USAGE,
    summary="say why a resource is where it is, and what would change that",
    run=_explain,
    completes=("resource", "node"),
    aliases=("why",),
    details="Each node with its score, every contribution to it and its source, and what is in"
    " the way, with the command that would change it. With -x FILE (or --file) a CIB in a file is"
    " explained, and no cluster is asked.",
)
