"""Beats and silences on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cib_store.liveness import Daemon, Silence
from raftmaker.vocabulary.ids import BootId, NodeName, Session
from raftmaker.wire import store_pb2 as pb

DAEMONS: Mapping[pb.DaemonKind, Daemon] = {
    pb.DAEMON_KIND_STORE: Daemon.STORE,
    pb.DAEMON_KIND_CONTROLLER: Daemon.CONTROLLER,
}


def silence_messages(silences: Iterable[Silence]) -> list[pb.Silence]:
    """Write reports."""
    return [
        pb.Silence(
            node=silence.node,
            boot_id=silence.boot_id,
            session=silence.session,
            node_silent=silence.node_silent,
            heard_again=silence.heard_again,
        )
        for silence in silences
    ]


def silences_of(messages: Iterable[pb.Silence]) -> tuple[Silence, ...]:
    """Read reports."""
    return tuple(
        Silence(
            node=NodeName(message.node),
            boot_id=BootId(message.boot_id),
            session=Session(message.session),
            node_silent=message.node_silent,
            heard_again=message.heard_again,
        )
        for message in messages
    )
