"""Relayed calls and answers as they go over the wire (proto/executor.proto)."""

from __future__ import annotations

from raftmaker.vocabulary.relayed import RelayedAnswer, RelayedCall
from raftmaker.wire import executor_pb2 as pb


def call_message(call: RelayedCall) -> pb.RelayedCall:
    """Return the message for a call."""
    return pb.RelayedCall(
        number=call.number,
        method=call.method,
        request=call.request,
        timeout_ms=min(call.timeout_ms, 2**32 - 1),
        given_up=call.given_up,
    )


def call_of(message: pb.RelayedCall) -> RelayedCall:
    """Read a call."""
    return RelayedCall(
        number=message.number,
        method=message.method,
        request=message.request,
        timeout_ms=message.timeout_ms,
        given_up=message.given_up,
    )


def answer_message(answer: RelayedAnswer) -> pb.RelayedAnswer:
    """Return the message for an answer."""
    end = None
    if answer.status is not None:
        end = pb.RelayedEnd(status=answer.status, details=answer.details)
    return pb.RelayedAnswer(number=answer.number, message=answer.message, end=end)


def answer_of(message: pb.RelayedAnswer) -> RelayedAnswer:
    """Read an answer."""
    has_end = message.HasField("end")
    return RelayedAnswer(
        number=message.number,
        message=message.message if message.HasField("message") else None,
        status=message.end.status if has_end else None,
        details=message.end.details if has_end else "",
    )
