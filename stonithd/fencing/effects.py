"""Orders of the fencing core, carried out by the shell in the order given."""

from __future__ import annotations

from msgspec import Struct

from raftmaker.vocabulary.ids import BootId, IncidentId, NodeName, ResourceId, Session, Token
from stonithd.fencing.events import Timer
from stonithd.fencing.history import FencingRecord
from stonithd.fencing.setup import FenceAction


class PersistToken(Struct, frozen=True):
    """Write the token to disk, synced, before the next effect."""

    token: Token


class PersistHistory(Struct, frozen=True):
    """Write the history; the newest record is last."""

    records: tuple[FencingRecord, ...]


class ShareRecord(Struct, frozen=True):
    """Tell the other members of a fencing that has ended; who does not answer asks later."""

    record: FencingRecord


class GatherOffers(Struct, frozen=True):
    """Ask which nodes can fence `target` with these devices; answered by `OffersGathered`."""

    operation: int
    target: NodeName
    devices: tuple[ResourceId, ...]
    action: FenceAction
    """The target itself is asked too where it is to be turned on."""


class RunAgent(Struct, frozen=True, kw_only=True):
    """Fork a fence agent here; answered by one `AgentEnded`.

    The token was checked just now; a shell that does not fork at once checks it again.
    """

    run: int
    token: Token
    agent: str
    device: ResourceId
    target: NodeName
    action: FenceAction
    options: tuple[tuple[str, str], ...]
    """What the agent reads, in order (features 17.18)."""
    timeout_ms: int
    incident: IncidentId


class StopAgent(Struct, frozen=True):
    """Kill a running agent's process group, or give a delegate up; its end is of no interest."""

    run: int


class Delegate(Struct, frozen=True, kw_only=True):
    """Ask a peer's fencer to run one device; answered by one `DelegateEnded`."""

    run: int
    executor: NodeName
    token: Token
    target: NodeName
    boot_id: BootId
    session: Session
    action: FenceAction
    device: ResourceId
    timeout_ms: int
    delay_ms: int
    client: str
    origin: NodeName
    known_index: int
    incident: IncidentId


class Reply(Struct, frozen=True, kw_only=True):
    """Answer a `FenceRequested`. `refused`: nothing was run, because of the token or the rules."""

    request: int
    confirmed: bool
    refused: bool = False
    devices: tuple[ResourceId, ...] = ()
    reason: str = ""
    took_ms: int = 0


class SetTimer(Struct, frozen=True):
    """Tell me with `TimerFired` at this boot-time ms."""

    timer: Timer
    at_ms: int


class CancelTimer(Struct, frozen=True):
    """The timer is not wanted any more."""

    timer: Timer


FencingEffect = (
    PersistToken
    | PersistHistory
    | ShareRecord
    | GatherOffers
    | RunAgent
    | StopAgent
    | Delegate
    | Reply
    | SetTimer
    | CancelTimer
)
