"""The whole replicated state as bytes, for snapshots of the log."""

from __future__ import annotations

import hashlib

from google.protobuf.message import DecodeError

from cib_store.apply import ClientSession, State
from cib_store.document.codec import OWN_BYTES_MAX, BadXml, parse, render
from cib_store.messages.attributes import held_messages, held_of
from cib_store.messages.facts import facts_message, facts_of
from cib_store.messages.outcomes import outcome_message, outcome_of
from raftmaker.vocabulary.ids import ClientId
from raftmaker.wire import store_pb2 as pb

FORMAT = 1
DIGEST_FORM = 2


class BadSnapshot(ValueError):
    """The bytes are no snapshot that this version can read; the message says why."""


def encode(state: State) -> bytes:
    """Write the state."""
    message = pb.Snapshot(
        format=FORMAT,
        index=state.index,
        cib=render(state.cib, indent=0),
        facts=facts_message(state.facts),
        clients=[_client_message(name, state.clients[name]) for name in sorted(state.clients)],
        attributes=held_messages(state.attributes),
    )
    return message.SerializeToString(deterministic=True)


def decode(data: bytes) -> State:
    """Read the state. Raises `BadSnapshot`."""
    message = pb.Snapshot()
    try:
        message.ParseFromString(data)
        if message.format != FORMAT:
            raise BadSnapshot(f"snapshot format {message.format} is not known, only {FORMAT}")
        return State(
            cib=parse(message.cib, bytes_max=OWN_BYTES_MAX),
            facts=facts_of(message.facts),
            clients={ClientId(one.client_id): _client_of(one) for one in message.clients},
            attributes=held_of(message.attributes),
            index=message.index,
        )
    except (DecodeError, BadXml, KeyError) as error:
        raise BadSnapshot(f"the snapshot cannot be read: {error}") from None


def digest(state: State) -> bytes:
    """Return a digest that replicas at the same log position share, led by the form's number.

    Whoever changes what goes in gives it another number: nodes of different versions run together.
    What a store has only when no older version handed it the state (the action of an intent) stays
    out for ever.
    """
    rest = pb.Snapshot(
        format=FORMAT,
        index=state.index,
        facts=facts_message(state.facts),
        clients=[_client_message(name, state.clients[name]) for name in sorted(state.clients)],
        attributes=held_messages(state.attributes),
    )
    for node in rest.facts.nodes:
        node.ClearField("fence_action")
    whole = hashlib.sha256(state.cib.digest + rest.SerializeToString(deterministic=True))
    return bytes([DIGEST_FORM]) + whole.digest()


def _client_message(name: ClientId, session: ClientSession) -> pb.ClientSession:
    return pb.ClientSession(
        client_id=name,
        outcomes=[
            pb.RememberedOutcome(sequence=number, outcome=outcome_message(outcome))
            for number, outcome in sorted(session.outcomes.items())
        ],
        forgotten=session.forgotten,
        used_at_us=session.used_at_us,
    )


def _client_of(message: pb.ClientSession) -> ClientSession:
    return ClientSession(
        outcomes={one.sequence: outcome_of(one.outcome) for one in message.outcomes},
        forgotten=message.forgotten,
        used_at_us=message.used_at_us,
    )
