"""Notifications of one kind: telling a clone's instances of a task, before and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from crmd.scheduler.state.action import Action
    from crmd.scheduler.state.node import Node
    from crmd.scheduler.state.resource import Resource

Entry = tuple["Resource", "Node | None"]
"""An instance, and the node that it is on or comes to."""


class Notification(Struct, eq=False, kw_only=True):
    """All that belongs to the announcements of one task (features section 10)."""

    task: str
    """``start``, ``stop``, ``promote`` or ``demote``."""
    pre: Action | None = None
    pre_done: Action | None = None
    post: Action | None = None
    post_done: Action | None = None
    acted_on: dict[str, list[Entry]] = field(default_factory=dict)
    """By task, what it happens to."""
    in_state: dict[str, list[Entry]] = field(default_factory=dict)
    """``active``, ``inactive``, ``promoted``, ``unpromoted``."""
    values: dict[str, str] = field(default_factory=dict)
    """What the agents are told, by meta-attribute."""
