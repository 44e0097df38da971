"""A voter's name in the engine hashes alike in every process, so that runs can be repeated."""

from __future__ import annotations

from pysyncobj.node import Node as TheirNode

from cib_store.raft.node import Node


def test_its_hash_does_not_hang_on_the_process() -> None:
    assert hash(Node("a")) == 0xE8B7BE43
    assert Node("a") == Node("a") == TheirNode("a")
    assert Node("a") != Node("b")
