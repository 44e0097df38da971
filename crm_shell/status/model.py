"""What a status shows; every printer reads only this. Loads nothing of the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from cib_store.document.element import Element
    from crmd.scheduler.state.node import Node
    from crmd.scheduler.state.resource import Resource
    from crmd.scheduler.state.run import Run
    from stonithd.client import FencingInfo


class FailedAction(Struct, frozen=True, kw_only=True):
    """An operation whose result was not the expected one."""

    key: str
    resource: str
    operation: str
    interval_ms: int
    node: str
    code: int
    code_text: str
    status: str
    call_id: str
    exit_reason: str
    last_change: int
    """Seconds since 1970."""
    queued_ms: str
    exec_ms: str


class Status(Struct, frozen=True, kw_only=True):
    """Everything that is shown. `quorate` is None where nobody could be asked."""

    cluster_name: str
    dc: str
    quorate: bool | None
    version: str
    feature_set: str
    last_change: str
    change_user: str
    change_client: str
    change_origin: str
    cluster: Run
    """The cluster as the scheduler understands it; only read."""
    nodes: tuple[Node, ...]
    """Those to show."""
    resources: tuple[Resource, ...]
    """The top ones to show."""
    failed_actions: tuple[FailedAction, ...]
    instances: int
    disabled: int
    blocked: int
    fencing_enabled: bool
    maintenance: bool
    has_fencing_device: bool
    bans: tuple[tuple[str, str, str, str], ...] = ()
    """Constraints made by move and ban: (id, resource, node, score)."""
    avoided: tuple[tuple[str, str, str, str], ...] = ()
    """Every constraint that keeps a resource away from a node: (id, resource, node, score)."""
    tickets: tuple[Element, ...] = ()
    """What is known of tickets here: their ``ticket_state``."""
    fencings: tuple[FencingInfo, ...] = ()
    """What the fencers remember, the newest first."""
    waits: tuple[str, str] = ("", "")
    """Of two voters: why this one does not go on without the other, and what to do about it."""
