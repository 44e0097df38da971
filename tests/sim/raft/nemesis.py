"""What is done to voters, disks and network, one fault after the other, as the seed has it."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from raftmaker.vocabulary.ids import NodeName
from tests.sim.loop import MS, SECOND
from tests.sim.raft.writer import SYNC_US

if TYPE_CHECKING:
    from tests.sim.raft.voter import Voter
    from tests.sim.raft.world import World


class Nemesis:
    """Chooses a fault every now and then; mends each after a while."""

    def __init__(self, world: World) -> None:
        """Do nothing before `begin`."""
        self._world = world
        self._random = Random(f"{world.plan.seed} nemesis")
        self._over = False
        self.counts: Counter[str] = Counter()
        self.brings_back = True
        """Whether one that has crashed comes back by itself."""
        self.away_ms: tuple[int, ...] = (100, 2_000)
        """How long a voter that has crashed stays away at most, one of these."""
        everything: dict[str, Callable[[], None]] = {
            "crash-at-call": self._crash_at_call,
            "kill": self._kill,
            "kill-leader": self._kill_leader,
            "power-all": self._power_all,
            "pause": self._pause,
            "one-way": self._one_way,
            "isolate": self._isolate,
            "partition": self._partition,
            "noise": self._noise,
            "step-down": self._step_down,
            "flip-bit": self._flip_bit,
            "full-disk": self._full_disk,
            "broken-disk": self._broken_disk,
            "slow-disk": self._slow_disk,
        }
        wanted = world.plan.focus or tuple(everything)
        self._faults = {name: everything[name] for name in wanted}

    def begin(self) -> None:
        """Leave time for a first leader."""
        self._later(1 * SECOND, self._next)
        if self._world.plan.spares:
            self._later(1 * SECOND, self._world.membership.begin)

    def _later(self, delay_us: int, call: Callable[[], None]) -> None:
        self._world.loop.after(delay_us, call)

    def _soon_us(self, longest_ms: int) -> int:
        return self._random.randrange(20 * MS, longest_ms * MS)

    def _next(self) -> None:
        if self._over:
            return
        name = self._random.choice(list(self._faults))
        self.counts[name] += 1
        self._world.trace("nemesis", name)
        self._world.disturbed()
        self._faults[name]()
        self._later(self._soon_us(self._random.choice((300, 1_500, 6_000))), self._next)

    def end(self) -> None:
        """Mend everything."""
        self._over = True
        self._world.membership.end()
        self._world.network.heal()
        for voter in self._world.voters.values():
            voter.files.crash_at = None
            self._repair(voter)
            voter.paused_until_us = 0
            if voter.is_up:
                voter.wake(0)
            else:
                self._start(voter)

    def ended(self, voter: Voter) -> None:
        """A voter has crashed: it comes back after a while."""
        if self.brings_back:
            away_us = self._soon_us(self._random.choice(self.away_ms))
            self._later(away_us, lambda: self._start(voter))

    def _start(self, voter: Voter) -> None:
        if not voter.is_up:
            self._world.disturbed()
            voter.start()

    def _up(self) -> list[Voter]:
        return [voter for voter in self._world.voters.values() if voter.is_up]

    def _one(self) -> Voter | None:
        up = self._up()
        return self._random.choice(up) if up else None

    # Processes and machines.

    def _crash_at_call(self) -> None:
        voter = self._one()
        if voter is not None:
            voter.loses_power = self._random.random() < 0.6
            voter.files.crash_at = voter.files.calls + self._random.randrange(1, 40)

    def _kill(self, voter: Voter | None = None) -> None:
        voter = voter or self._one()
        if voter is not None:
            voter.loses_power = self._random.random() < 0.5
            voter.crash()

    def _kill_leader(self) -> None:
        self._kill(next((voter for voter in self._up() if voter.leads), None))

    def _power_all(self) -> None:
        power = self._random.random() < 0.7
        for voter in self._up():
            voter.loses_power = power
            voter.crash()

    def _pause(self) -> None:
        voter = self._one()
        if voter is not None:
            voter.paused_until_us = self._world.loop.now_us + self._soon_us(2_000)
            self._later(2 * SECOND, self._world.disturbed)

    def _step_down(self) -> None:
        for voter in self._up():
            if voter.leads and voter.engine is not None:
                voter.engine.step_down()

    # Network.

    def _cut(self, pairs: Sequence[tuple[NodeName, NodeName]]) -> None:
        for pair, way in self._world.network.directions.items():
            if pair in pairs:
                way.up = False
        self._later(self._soon_us(self._random.choice((800, 5_000))), self._mend)

    def _mend(self) -> None:
        if not self._over:
            self._world.disturbed()
            self._world.network.heal()

    def _one_way(self) -> None:
        self._cut([self._random.choice(list(self._world.network.directions))])

    def _isolate(self) -> None:
        name = self._random.choice(self._world.names)
        kind = self._random.choice(("in", "out", "both"))
        ways = self._world.network.directions
        outward = [way for way in ways if way[0] == name and kind != "in"]
        inward = [way for way in ways if way[1] == name and kind != "out"]
        self._cut(outward + inward)

    def _partition(self) -> None:
        side = {name for name in self._world.names if self._random.random() < 0.5}
        ways = self._world.network.directions
        self._cut([way for way in ways if (way[0] in side) != (way[1] in side)])

    def _noise(self) -> None:
        for way in self._world.network.directions.values():
            way.loss = self._random.choice((0.0, 0.05, 0.3))
            way.doubles = self._random.choice((0.0, 0.1))
            way.late = self._random.choice((0.0, 0.05, 0.3))
            way.delay_us = self._random.choice((300, 3_000, 20_000))
        self._later(self._soon_us(4_000), self._mend)

    # Disks.

    def _flip_bit(self) -> None:
        """Damage a file of a machine that is off: it must refuse to start; then mend the file."""
        voter = self._one()
        if voter is None:
            return
        voter.loses_power = True
        voter.crash()
        paths = [path for path in voter.files.paths() if path.suffix != ".new"]
        paths = [path for path in paths if voter.files.read(path)]
        if not paths:
            return
        path = self._random.choice(paths)
        good = voter.files.flip_bit(path)
        voter.is_damaged = True
        voter.start()
        voter.is_damaged = False
        if voter.is_up:
            self._world.checkers.undetected(voter, path)
            return
        voter.files.put(path, good)

    def _full_disk(self) -> None:
        """No room for a while: writing fails, what needs none goes on."""
        self._fail(errno.ENOSPC, ("write", "create"), self._soon_us(3_000))

    def _broken_disk(self) -> None:
        """A write or a sync fails once: nobody knows what the disk holds then."""
        self._fail(errno.EIO, (self._random.choice(("write", "sync")),), self._soon_us(200))

    def _fail(self, number: int, calls: tuple[str, ...], for_us: int) -> None:
        voter = self._random.choice(list(self._world.voters.values()))
        voter.files.fails = lambda call: number if call in calls else None
        self._later(for_us, lambda: self._repair(voter))

    def _slow_disk(self) -> None:
        """Every batch takes long for a while, on one disk or on all."""
        voters = list(self._world.voters.values())
        for voter in self._random.choice(([self._random.choice(voters)], voters)):
            voter.sync_us = self._random.choice((5, 50, 200, 1_500)) * MS
        for voter in voters:
            self._later(self._soon_us(4_000), partial(self._repair, voter))

    def _repair(self, voter: Voter) -> None:
        self._world.disturbed()
        voter.files.fails = lambda call: None
        voter.sync_us = SYNC_US
