"""Bytes from outside are refused in one way, whatever they are: no other error, and no state."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from random import Random

from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from cib_store.document.codec import BadXml, parse
from cib_store.raft import messages
from cib_store.raft import snapshot as snapshots
from cib_store.raft.journal import MAGIC, Journal
from cib_store.raft.records import encode
from cib_store.raft.snapshot import Snapshot
from raftmaker.runtime.errors import Rejected
from raftmaker.wire.raft_pb2 import RaftMessage
from tests.sim.raft.disk import SimulatedFiles

GOOD_SNAPSHOT = snapshots.encode(
    Snapshot(before=(b"\x00one", 1, 1), last=(b"\x00two", 2, 1), state=b"state")
)
GOOD_JOURNAL = MAGIC + b"".join(encode((b"\x00entry", index, 1), index - 1) for index in (1, 2, 3))


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Bytes with some replaced, cut off or added; sometimes anything at all."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    content = bytearray(good)
    for place in draw(st.lists(st.integers(0, len(good) - 1), max_size=4)):
        content[place] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))]) + draw(st.binary(max_size=30))


@given(content=damaged(GOOD_SNAPSHOT))
def test_a_snapshot_is_read_or_refused(content: bytes) -> None:
    with suppress(Rejected):
        snapshots.decode(content, Path("snapshot"))


@given(content=damaged(GOOD_JOURNAL))
def test_a_journal_is_read_or_refused(content: bytes) -> None:
    with suppress(Rejected):
        Journal("/raft/journal", _files_with(content))


def _files_with(content: bytes) -> SimulatedFiles:
    files = SimulatedFiles(Random(1))
    files.put(Path("/raft/journal"), content)
    return files


@given(content=st.binary(max_size=200))
def test_a_message_of_raft_is_read_or_refused(content: bytes) -> None:
    with suppress(DecodeError):
        message = messages.decode(RaftMessage.FromString(content))
        assert message is None or message["sent_term"] >= 0


GOOD_XML = b'<cib epoch="1"><configuration><nodes><node id="1"/></nodes></configuration></cib>'


@given(content=damaged(GOOD_XML))
def test_a_document_is_read_or_refused(content: bytes) -> None:
    with suppress(BadXml):
        parse(content)
