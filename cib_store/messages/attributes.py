"""Transient attributes on the wire, in the log and in snapshots."""

from __future__ import annotations

from collections.abc import Iterable

from cib_store.document.held import AttributeValue, Held, HeldAttribute
from cib_store.document.transient import Shelf
from raftmaker.vocabulary.commands import AttributeChange, Sum
from raftmaker.vocabulary.ids import NodeName
from raftmaker.wire import store_pb2 as pb


def change_message(change: AttributeChange) -> pb.AttributeChange:
    """Write a change."""
    return pb.AttributeChange(
        name=change.name,
        node=change.node,
        value=change.value if isinstance(change.value, str) else None,
        summand=change.value.summand if isinstance(change.value, Sum) else None,
        delay_ms=change.delay_ms,
        new_delay=change.new_delay,
        private=change.private,
        set_name=change.set_name,
        utilization=change.utilization,
    )


def change_of(message: pb.AttributeChange) -> AttributeChange:
    """Read a change."""
    value: str | Sum | None = None
    match message.WhichOneof("change"):
        case "value":
            value = message.value
        case "summand":
            value = Sum(message.summand)
    return AttributeChange(
        name=message.name,
        node=NodeName(message.node),
        value=value,
        delay_ms=message.delay_ms if message.HasField("delay_ms") else None,
        new_delay=message.new_delay,
        private=message.private,
        set_name=message.set_name,
        utilization=message.utilization,
    )


def value_message(value: AttributeValue) -> pb.AttributeValue:
    """Write a value as a reader sees it."""
    return pb.AttributeValue(
        name=value.name,
        node=value.node,
        value=value.value,
        private=value.private,
        waits=value.waits,
        utilization=value.utilization,
    )


def value_of(message: pb.AttributeValue) -> AttributeValue:
    """Read a value as a reader sees it."""
    return AttributeValue(
        name=message.name,
        node=message.node,
        value=message.value,
        private=message.private,
        waits=message.waits,
        utilization=message.utilization,
    )


def held_messages(held: Held) -> list[pb.HeldAttribute]:
    """Write what is held beside the CIB, sorted, so that replicas write the same."""
    return [
        pb.HeldAttribute(
            name=name,
            delay_ms=held[name].delay_ms,
            private=held[name].private,
            set_name=held[name].shelf.set_name,
            utilization=held[name].shelf.utilization,
            changed=held[name].changed,
            values=[
                pb.HeldValue(node=node, value=held[name].values[node])
                for node in sorted(held[name].values)
            ],
        )
        for name in sorted(held)
    ]


def held_of(messages: Iterable[pb.HeldAttribute]) -> Held:
    """Read what is held beside the CIB."""
    return {
        one.name: HeldAttribute(
            delay_ms=one.delay_ms,
            private=one.private,
            shelf=Shelf(utilization=one.utilization, set_name=one.set_name),
            changed=one.changed,
            values={
                NodeName(each.node): each.value if each.HasField("value") else None
                for each in one.values
            },
        )
        for one in messages
    }
