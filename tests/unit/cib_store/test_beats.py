"""A sender of beats ends when it is told to, whatever else happens at that moment."""

from __future__ import annotations

import asyncio

import pytest

from cib_store.beats import BeatSender
from crm_shell.local_cluster.layout import free_ports
from raftmaker.runtime.cluster_key import loopback_keys
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire.types_pb2 import Identity

PATIENCE_S = 30.0


@pytest.mark.parametrize("turns", range(6))
def test_a_change_of_voters_does_not_keep_it_from_ending(turns: int) -> None:
    """The store of a cluster that had gone on without it hung so, and never began anew."""

    async def scenario() -> None:
        voters = [
            Endpoint(node=NodeName(name), address=f"127.0.0.1:{port}")
            for name, port in zip("bc", free_ports(2), strict=True)
        ]
        sender = BeatSender(
            {voters[0].node: voters[0]},
            Identity(node="a"),
            pb.DAEMON_KIND_STORE,
            lambda *_: None,
            loopback_keys(ClusterId("c")),
        )
        sender.start()
        await asyncio.sleep(0.05)  # it waits for a change by then
        sender.follow({each.node: each for each in voters})
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE_S):
            await sender.close()

    asyncio.run(scenario())
