"""How many primitives of each agent run where, in place of a line for each (``crm_mon -b``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from crmd.scheduler.state.resource import Resource

AgentOf = Callable[[Resource], str]


def brief_lines(
    primitives: Iterable[Resource], margin: str, agent_of: AgentOf, *, inactive: bool
) -> Iterator[str]:
    """Yield for each agent and node: how many of all that are counted run there."""
    active: dict[str, Counter[str]] = {}
    total: Counter[str] = Counter()
    for rsc in primitives:
        node = rsc.kind.active_node(rsc)[0]
        if node is None and not inactive:
            continue
        agent = agent_of(rsc)
        total[agent] += 1
        nodes = active.setdefault(agent, Counter())
        if node is not None:
            nodes[node.name] += 1
    for agent, nodes in active.items():
        for name, count in nodes.items():
            yield f"{margin}* {count}/{total[agent]}\t({agent}):\tActive {name}"
        if not nodes:
            yield f"{margin}* 0/{total[agent]}\t({agent}):\tActive"


def brief_on_node(running: Iterable[Resource], margin: str, agent_of: AgentOf) -> Iterator[str]:
    """Yield for each agent how many of it run on the node in question."""
    for agent, count in Counter(map(agent_of, running)).items():
        yield f"{margin}* {count}\t({agent}):\tActive"
