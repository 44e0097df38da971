"""Past fencings between the core's records, the messages, and what clients are given."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from raftmaker.vocabulary.ids import NodeName, ResourceId
from raftmaker.wire import fencer_pb2
from stonithd.fencing.history import FencingRecord, FencingState
from stonithd.fencing.setup import FenceAction


class FencingInfo(Struct, frozen=True, kw_only=True):
    """One fencing of the past, or a running one (features 17.41); `at_us` is wall clock.

    `state`: querying, running, duplicate, confirmed or failed. `origin`: where `client` asked for
    it.
    """

    target: NodeName
    action: str
    client: str
    delegate: NodeName
    state: str
    devices: tuple[ResourceId, ...]
    at_us: int
    reason: str = ""
    origin: NodeName = NodeName("")
    keeper: NodeName = NodeName("")
    """The node whose fencer saw to it; `number` counts there."""
    number: int = 0


def info_of(one: fencer_pb2.Fencing) -> FencingInfo:
    """Read a message."""
    return FencingInfo(
        target=NodeName(one.target),
        action=one.action,
        client=one.client,
        delegate=NodeName(one.delegate),
        state=one.state,
        devices=tuple(ResourceId(name) for name in one.devices),
        at_us=one.at_us,
        reason=one.reason,
        origin=NodeName(one.origin),
        keeper=NodeName(one.keeper),
        number=one.number,
    )


def info_of_record(record: FencingRecord) -> FencingInfo:
    """Return what clients are given of a record."""
    return FencingInfo(
        target=record.target,
        action=record.action.value,
        client=record.client,
        delegate=record.delegate,
        state=record.state.value,
        devices=record.devices,
        at_us=record.at_us,
        reason=record.reason,
        origin=record.origin,
        keeper=record.keeper,
        number=record.number,
    )


def message_of(info: FencingInfo) -> fencer_pb2.Fencing:
    """Return the message."""
    return fencer_pb2.Fencing(
        target=info.target,
        action=info.action,
        client=info.client,
        delegate=info.delegate,
        state=info.state,
        devices=info.devices,
        at_us=info.at_us,
        reason=info.reason,
        origin=info.origin,
        keeper=info.keeper,
        number=info.number,
    )


def records_of(infos: Iterable[FencingInfo]) -> tuple[FencingRecord, ...]:
    """Return the records that peers tell of; what a newer version alone knows is left out."""
    known = {action.value: action for action in FenceAction}
    states = {state.value: state for state in FencingState}
    return tuple(
        FencingRecord(
            number=info.number,
            keeper=info.keeper,
            target=info.target,
            action=known[info.action],
            client=info.client,
            origin=info.origin,
            delegate=info.delegate,
            state=states[info.state],
            devices=info.devices,
            at_us=info.at_us,
            reason=info.reason,
        )
        for info in infos
        if info.keeper and info.action in known and info.state in states
    )
