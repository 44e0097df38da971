"""What is fuzzed: for each reader of bytes from outside a function that may only refuse.

Whatever else it raises is a fault, and so is a hang. Checksums and signatures are no obstacle here:
they are made right (or switched off), for what is behind them is to be reached.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from unittest.mock import patch

from google.protobuf.message import DecodeError

from cib_store.apply import State, apply
from cib_store.document.codec import BadXml, parse, render
from cib_store.document.element import Element
from cib_store.document.patchset import apply_patchset
from cib_store.document.sections import empty_cib
from cib_store.messages.commands import BadCommand, decode
from cib_store.messages.datagrams import opened, seal
from cib_store.raft import configuration, messages
from cib_store.raft import snapshot as snapshots
from cib_store.raft.engine import unpacked
from cib_store.raft.journal import MAGIC, Journal
from crm_shell.enrolment.admission import fault_of
from lrmd.metadata import read_metadata
from raftmaker.runtime.cluster_key import ClusterKeys
from raftmaker.runtime.errors import HaError, Rejected
from raftmaker.vocabulary.commands import Command, CreateCluster
from raftmaker.vocabulary.ids import ClusterId
from raftmaker.wire.enrolment_pb2 import EnrolRequest
from raftmaker.wire.raft_pb2 import RaftMessage
from raftmaker.wire.store_pb2 import Datagram
from stonithd.metadata import BadMetadata, abilities_of
from tests.sim.raft.disk import SimulatedFiles

Target = Callable[[bytes], None]
CLUSTER = ClusterId("fuzzed")
KEYS = ClusterKeys((bytes(32),))


def _founded() -> State:
    command = Command(
        body=CreateCluster(render(empty_cib({}, {}))), cluster_id=CLUSTER, generation=0
    )
    return apply(State(), 1, command)[0]


FOUNDED = _founded()


def frame(data: bytes) -> None:
    """A message of Raft, as a stream brings it."""
    with suppress(DecodeError):
        message = messages.decode(RaftMessage.FromString(data))
        if message is not None and message["type"] == "append_entries":
            for entry in message.get("entries", ()):
                list(unpacked(entry[0]))
                with suppress(ValueError):
                    configuration.decode(entry[0])


def command(data: bytes) -> None:
    """An entry of the log: read, and applied, which must never raise."""
    with suppress(BadCommand):
        apply(FOUNDED, 2, decode(data))


def journal(data: bytes) -> None:
    """A journal, whose checksums are all right."""
    files = SimulatedFiles(Random(1))
    files.put(Path("/raft/journal"), MAGIC + data)
    with patch.object(zlib, "crc32", lambda *_: 0), suppress(Rejected):
        Journal("/raft/journal", files)


def snapshot(data: bytes) -> None:
    """A snapshot, whose checksum is right, whatever it holds."""
    content = snapshots.MAGIC + bytes(4) + data
    with patch.object(zlib, "crc32", lambda *_: 0), suppress(Rejected, ValueError):
        found = snapshots.decode(content, Path("snapshot"))
        if found.configuration:
            configuration.decode(found.configuration)


def document(data: bytes) -> None:
    """A CIB as XML; what is read is written again and read as the same."""
    with suppress(BadXml):
        element = parse(data)
        assert b"<!ENTITY" not in data, "an entity was taken"
        assert parse(render(element)) == element


def patchset(data: bytes) -> None:
    """A patch of the CIB, given to a CIB."""
    with suppress(BadXml):
        apply_patchset(FOUNDED.cib, Element("diff", {"format": "2"}, (parse(data),)))
        apply_patchset(FOUNDED.cib, parse(data))


def heartbeat(data: bytes) -> None:
    """A datagram: as it comes, and as one that was signed with the cluster's key."""
    opened(data, KEYS)
    with suppress(DecodeError):
        datagram = Datagram.FromString(data)
        assert opened(seal(datagram, KEYS), KEYS) is not None


def enrolment(data: bytes) -> None:
    """A request to join, for which a token was shown."""
    with suppress(DecodeError):
        request = EnrolRequest.FromString(data)
        fault_of(request.peer, ())
        fault_of(request.peer, (request.peer,))


def metadata(data: bytes) -> None:
    """What a resource agent and a fence agent say of themselves."""
    text = data.decode(errors="replace")
    with suppress(HaError):
        read_metadata(text)
    with suppress(BadMetadata):
        abilities_of(text)


def planted(data: bytes) -> None:
    """A reader with a fault, three comparisons deep: fuzzing has to find it."""
    if data[:1] == b"R" and data[1:2] == b"A" and data[2:3] == b"F":
        raise IndexError("planted")


TARGETS: Mapping[str, Target] = {
    each.__name__: each
    for each in (
        frame,
        command,
        journal,
        snapshot,
        document,
        patchset,
        heartbeat,
        enrolment,
        metadata,
    )
}
