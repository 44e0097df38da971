"""Which store is on a disk: written once, and not another one for a flipped bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cib_store.raft.birth import STORE_FILE, born
from cib_store.raft.files import Files
from raftmaker.runtime.errors import Rejected


def test_any_flipped_bit_is_seen_or_changes_nothing(tmp_path: Path) -> None:
    """Simulated seed 41084: nobody filled a voter with another id any more, and it said nothing."""
    files = Files()
    first = born(files, tmp_path, founding=True)
    path = tmp_path / STORE_FILE
    good = path.read_bytes()
    refused = 0
    for bit in range(8 * len(good)):
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(data))
        try:
            assert born(files, tmp_path, founding=True) == first
        except Rejected:
            refused += 1
    assert refused > 8 * len(first.store_id)


def test_a_store_of_before_has_no_checksum(tmp_path: Path) -> None:
    """features 24.13: it is read as it was written, and a changed id is refused since."""
    files, path = Files(), tmp_path / STORE_FILE
    old = {"format": 1, "store_id": "0123456789abcdef", "founder": True}
    path.write_text(json.dumps(old))
    assert born(files, tmp_path, founding=False).store_id == "0123456789abcdef"
    path.write_text(json.dumps({**old, "crc": 1}))
    with pytest.raises(Rejected, match="fails its checksum"):
        born(files, tmp_path, founding=False)
