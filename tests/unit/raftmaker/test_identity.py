"""Handshakes: another cluster and a protocol out of range are refused; a node's daemons agree."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from raftmaker.runtime.identity import boot_id_of, refusal, tool_identity
from raftmaker.wire.types_pb2 import Identity


def speaker(**changes: object) -> Identity:
    base = {"protocol": 3, "protocol_min": 2, "cluster_id": "c1", "node": "a", "program": "crmd"}
    return Identity(**(base | changes))  # type: ignore[arg-type]  # the tests name real fields


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        (speaker(), ""),
        (speaker(protocol=2, protocol_min=1), ""),
        (speaker(cluster_id=""), ""),
        (speaker(cluster_id="c2"), "belongs to cluster 'c2'"),
        (speaker(protocol=1, protocol_min=1), "upgrade the older one"),
        (speaker(protocol=9, protocol_min=4), "upgrade the older one"),
    ],
)
def test_refusal(theirs: Identity, reason: str) -> None:
    said = refusal(speaker(), theirs)
    assert reason in said
    assert bool(said) is bool(reason)


def test_a_tool_may_speak_without_knowing_the_cluster() -> None:
    assert refusal(speaker(protocol=1, protocol_min=1), tool_identity("", "cibadmin")) == ""


def test_daemons_that_start_at_once_share_one_boot_id(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: boot_id_of(tmp_path / "run"), range(32)))
    assert len(ids) == 1
    assert boot_id_of(tmp_path / "other") not in ids
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["boot-id"]
