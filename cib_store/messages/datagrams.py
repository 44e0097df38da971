"""Signed datagrams: what goes over UDP between a daemon and a voter's store (protocols, Liveness).

Three bytes of mark, 16 of the HMAC-SHA256 over the rest, then a serialized `Datagram`. Opening is
total: whatever is not signed by a key of the cluster costs one hash and is nothing.
"""

from __future__ import annotations

import hmac

from google.protobuf.message import DecodeError

from raftmaker.runtime.cluster_key import ClusterKeys
from raftmaker.wire.store_pb2 import Datagram

MARK = b"RM1"
_TAG_BYTES = 16
_HEAD_BYTES = len(MARK) + _TAG_BYTES
SEALED_BYTES_MAX = 1200
"""What fits into one packet of any network, IPv6 through tunnels too."""


def seal(datagram: Datagram, keys: ClusterKeys) -> bytes:
    """Serialize and sign."""
    body = datagram.SerializeToString()
    return MARK + _tag(keys.keys[0], body) + body


def opened(data: bytes, keys: ClusterKeys) -> Datagram | None:
    """Return what was signed by one of the keys; None for anything else."""
    if len(data) < _HEAD_BYTES or not data.startswith(MARK):
        return None
    tag, body = data[len(MARK) : _HEAD_BYTES], data[_HEAD_BYTES:]
    if not any(hmac.compare_digest(tag, _tag(key, body)) for key in keys.keys):
        return None
    try:
        return Datagram.FromString(body)
    except DecodeError:
        return None


def _tag(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_TAG_BYTES]
