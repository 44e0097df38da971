"""The dot picture as text (features 27)."""

from __future__ import annotations

from collections.abc import Iterator

from crmd.scheduler.schedule import Schedule


def dot_lines(schedule: Schedule, *, all_actions: bool) -> Iterator[str]:
    """Yield the lines of a dot file."""
    yield ' digraph "g" {'
    for node in schedule.dot_nodes:
        if all_actions or not node.optional:
            look = f'style={node.style} color="{node.color}" fontcolor="{node.font}"'
            yield f'"{node.name}" [ {look}]'
    for edge in schedule.dot_edges:
        if all_actions or not edge.optional:
            yield f'"{edge.first}" -> "{edge.then}" [ style = {edge.style}]'
    yield "}"
