"""Which beats a voter answers: an answer is a vote for being in contact with a majority."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from cib_store.pulse import Pulse
from raftmaker.runtime.logs import Log
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.settings import decode
from raftmaker.vocabulary.ids import BootId
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire.types_pb2 import Identity
from tests.unit.cib_store.stories import BOOT, B, opened

SENDER = Identity(cluster_id="c1", node="b", boot_id=BOOT)


def _pulse(directory: Path) -> tuple[Pulse, Roster]:
    peers = [
        {"name": name, **{daemon: f"127.0.0.1:{port}" for daemon, port in
         (("store", 1), ("controller", 2), ("fencer", 3))}}
        for name in "abc"
    ]  # fmt: skip
    data = {
        "cluster": {"id": "c1"},
        "node": {"name": "a"},
        "directories": {"state": str(directory), "run": str(directory)},
        "peers": peers,
    }
    settings = decode(data, directory / "raftmaker.toml")
    roster = Roster(settings)

    async def record(_: object) -> None:
        raise AssertionError("nothing is lost here")

    pulse = Pulse(
        settings=settings,
        roster=roster,
        boot_id=BootId("boot-a"),
        identity=Identity(cluster_id="c1", node="a", boot_id="boot-a"),
        keys=None,
        record=record,
        step_down=lambda: None,
        log=Log("test"),
    )
    return pulse, roster


def test_a_beat_by_an_older_list_of_members_is_heard_but_not_answered(tmp_path: Path) -> None:
    """protocols, Liveness: the answers of those who vote no more prove contact to nobody."""

    async def story() -> None:
        pulse, roster = _pulse(tmp_path)
        pulse.introduced(SENDER)
        roster.take_over(replace(roster.members, number=5))
        pulse.facts_committed(opened(B).facts)

        def answered(members: int, sent_at_us: int) -> bool:
            beat = pb.Beat(
                daemon=pb.DAEMON_KIND_STORE, sent_at_us=sent_at_us, members=members, session=1
            )
            return pulse.beat(SENDER, beat, by_stream=True)

        assert not answered(4, 1)
        assert pulse.hears(roster.voters[1].name)
        assert answered(5, 2)
        assert answered(6, 3), "the voter itself may be behind"

    asyncio.run(story())
