"""An explanation as frozen values."""

from __future__ import annotations

from msgspec import Struct

from crmd.scheduler.state.contribution import Contribution


class Obstacle(Struct, frozen=True):
    """One thing in the way, and the command that would change it (empty where none would)."""

    what: str
    command: str = ""


class NodeView(Struct, frozen=True, kw_only=True):
    """How one resource stands with one node."""

    node: str
    score: str
    """The final score; ``-`` where the node was never a candidate."""
    chosen: bool
    contributions: tuple[Contribution, ...]
    obstacles: tuple[Obstacle, ...]
    promotion: str = ""
    """The promotion score of an instance there; empty for what cannot be promoted."""


class Explanation(Struct, frozen=True, kw_only=True):
    """Why one primitive (or instance) is where it is, or is nowhere."""

    resource: str
    now_on: tuple[str, ...]
    chosen: str | None
    role: str
    """The role that it shall have."""
    verdict: str
    """One sentence."""
    promotion: str = ""
    """Why it is promoted, or is not; empty for what cannot be."""
    within: str = ""
    """What it is part of, for people: ``member 2 of 3 of group g``; empty at the top."""
    obstacles: tuple[Obstacle, ...]
    """What keeps it from running anywhere."""
    nodes: tuple[NodeView, ...]
