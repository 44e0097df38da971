"""Datagrams: what was signed is read back, anything else is nothing; nothing is played again."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from cib_store.liveness import Daemon
from cib_store.liveness.admission import Admission
from cib_store.messages.datagrams import SEALED_BYTES_MAX, opened, seal
from raftmaker.runtime.cluster_key import ClusterKeys
from raftmaker.vocabulary.ids import BootId, NodeName
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire.types_pb2 import Identity

OURS, OLD, THEIRS = (bytes([number]) * 32 for number in (1, 2, 3))
KEYS = ClusterKeys((OURS, OLD))
BEAT = pb.Datagram(
    beat=pb.Beat(
        identity=Identity(cluster_id="c" * 36, node="n" * 60, boot_id="b" * 32, program="p" * 20),
        daemon=pb.DAEMON_KIND_STORE,
        session=7,
        sent_at_us=10**12,
    )
)


def test_a_beat_fits_into_one_packet_and_is_read_back() -> None:
    data = seal(BEAT, KEYS)
    assert len(data) <= SEALED_BYTES_MAX // 2
    assert opened(data, KEYS) == BEAT


def test_while_the_key_is_exchanged_both_keys_are_heard_and_no_other() -> None:
    assert opened(seal(BEAT, ClusterKeys((OLD,))), KEYS) == BEAT
    assert opened(seal(BEAT, ClusterKeys((THEIRS,))), KEYS) is None


@given(st.binary(max_size=200))
def test_garbage_is_nothing(data: bytes) -> None:
    assert opened(data, KEYS) is None
    assert opened(seal(BEAT, KEYS)[:19] + data, KEYS) is None


@given(st.integers(0, len(seal(BEAT, KEYS)) - 1), st.integers(1, 255))
def test_one_changed_byte_is_enough_to_be_nothing(place: int, change: int) -> None:
    data = bytearray(seal(BEAT, KEYS))
    data[place] ^= change
    assert opened(bytes(data), KEYS) is None


@dataclass(frozen=True)
class Sent:
    boot: int
    daemon: Daemon
    sent_us: int


SENT = st.builds(Sent, st.integers(0, 2), st.sampled_from(list(Daemon)), st.integers(0, 9))


@given(st.lists(st.one_of(st.integers(0, 2), SENT)))
def test_of_each_boot_and_daemon_beats_are_taken_in_order_and_once(
    events: list[int | Sent],
) -> None:
    """An integer opens a stream of that boot; boots that ended never open one again."""
    node, admission = NodeName("n"), Admission()
    newest: dict[Daemon, int] = {}
    boot = -1
    for event in events:
        if isinstance(event, int):
            if event > boot:
                boot, newest = event, {}
                admission = admission.introduced(node, BootId(str(boot)))
            continue
        expected = event.boot == boot and event.sent_us > newest.get(event.daemon, -1)
        name = BootId(str(event.boot))
        taken = admission.admits(node, name, event.daemon, event.sent_us, again=False)
        assert taken is expected
        if taken:
            newest[event.daemon] = event.sent_us
            admission = admission.admitted(node, event.daemon, event.sent_us)
            assert admission.admits(node, name, event.daemon, event.sent_us, again=True)
