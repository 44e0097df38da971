"""How a fencing ended whose DC went with it (features 27.16)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from raftmaker.client.fencing import fencing_since, newest_since
from raftmaker.vocabulary.ids import NodeName
from stonithd.client import FencingInfo

SINCE_US = 100_000_000


def fencing(state: str, at_us: int = SINCE_US + 1, action: str = "reboot") -> FencingInfo:
    return FencingInfo(
        target=NodeName("n1"), action=action, client="", delegate=NodeName("n2"), state=state,
        devices=(), at_us=at_us,
    )  # fmt: skip


@dataclass
class Fencers:
    """What the fencers remember, look after look; the last goes on for ever."""

    looks: list[Sequence[FencingInfo]]
    asked: int = field(default=0)

    async def history(self) -> Sequence[FencingInfo]:
        self.asked += 1
        return self.looks[min(self.asked, len(self.looks)) - 1]

    def ended(self, appears_within_s: float = 30.0) -> FencingInfo | None:
        found = fencing_since(
            self.history, SINCE_US, appears_within_s=appears_within_s, look_s=0.001
        )
        return asyncio.run(found)


def test_the_next_dc_is_waited_for() -> None:
    fencers = Fencers([[], [fencing("running")], [fencing("running")], [fencing("confirmed")]])
    ended = fencers.ended()
    assert ended is not None
    assert (ended.state, fencers.asked) == ("confirmed", 4)


def test_its_failure_is_told_too() -> None:
    ended = Fencers([[fencing("failed")]]).ended()
    assert ended is not None
    assert ended.state == "failed"


def test_what_nobody_begins_is_not_waited_for_for_ever() -> None:
    assert Fencers([[fencing("confirmed", at_us=0)]]).ended(appears_within_s=0.01) is None


def test_which_fencing_is_meant() -> None:
    unfencing, before = fencing("confirmed", action="on"), fencing("failed", at_us=SINCE_US // 2)
    assert newest_since([unfencing, before], SINCE_US) is None
    assert newest_since([unfencing, fencing("running"), before], SINCE_US) == fencing("running")
    other_clock = fencing("confirmed", at_us=SINCE_US - 1_000_000)
    assert newest_since([other_clock], SINCE_US) == other_clock
