"""Events that people can have themselves told of (features 19.5)."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from lrmd.operations.values import Result
from raftmaker.vocabulary.ids import NodeName


class AlertKind(Enum):
    """Kinds of events; the values are what agents are told."""

    NODE = "node"
    FENCING = "fencing"
    RESOURCE = "resource"
    ATTRIBUTE = "attribute"


class NodeEvent(Struct, frozen=True, kw_only=True):
    """A node has become a member, or is none any more."""

    node: NodeName
    is_member: bool


class FencingEvent(Struct, frozen=True, kw_only=True):
    """A fencing has ended, or a node was turned on.

    Of a member's fencing the committed fact says only how it ended: what a fencer remembers of it
    is filled in where it can be asked.
    """

    target: NodeName
    confirmed: bool
    action: str = "off"
    client: str = ""
    origin: str = ""
    """The node on which `client` asked for it."""
    delegate: str = ""
    devices: tuple[str, ...] = ()
    reason: str = ""


class ResourceEvent(Struct, frozen=True, kw_only=True):
    """An operation has ended on this node."""

    node: NodeName
    result: Result


class AttributeEvent(Struct, frozen=True, kw_only=True):
    """A transient attribute of a node has another value; empty: it is not set any more."""

    node: NodeName
    name: str
    value: str


AlertEvent = NodeEvent | FencingEvent | ResourceEvent | AttributeEvent


def kind_of(event: AlertEvent) -> AlertKind:
    """Return the kind by which alerts select events (features 19.3)."""
    match event:
        case NodeEvent():
            return AlertKind.NODE
        case FencingEvent():
            return AlertKind.FENCING
        case ResourceEvent():
            return AlertKind.RESOURCE
        case AttributeEvent():
            return AlertKind.ATTRIBUTE
