"""A fencer's core with a clock, for tests: sends events, keeps effects, fires timers."""

from __future__ import annotations

from collections.abc import Mapping

from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import BootId, NodeName, ResourceId, Session, Token
from stonithd.fencing.effects import CancelTimer, FencingEffect, Reply, RunAgent, SetTimer
from stonithd.fencing.events import (
    AgentEnded,
    Configured,
    FenceRequested,
    FencingEvent,
    Timer,
    TimerFired,
)
from stonithd.fencing.setup import Abilities, Device, FenceAction, Setup, TopologyLevel
from stonithd.fencing.step import initial_state, step

ALL = Abilities(
    actions=frozenset(FenceAction),
    target_parameter="port",
)
NODES = (NodeName("a"), NodeName("b"), NodeName("c"))
TOKEN = Token(1, 1)


def device(name: str, **fields: object) -> Device:
    """A device that can fence every node, with the abilities of a power switch."""
    values: dict[str, object] = {"host_list": NODES, "abilities": ALL} | fields
    return Device(id=ResourceId(name), agent="fence_x", **values)  # type: ignore[arg-type]  # test


def level(index: int, *devices: str, target: str = "b") -> TopologyLevel:
    """One level of `target`."""
    names = tuple(ResourceId(name) for name in devices)
    return TopologyLevel(index=index, devices=names, target=NodeName(target))


class Fencer:
    """The core of node a, at a time that only the test moves."""

    def __init__(self, *devices: Device, **setup: object) -> None:
        self.now_ms = 1000
        self.state = initial_state(NodeName("a"))
        self.effects: list[FencingEffect] = []
        self.timers: dict[Timer, int] = {}
        values: dict[str, object] = {"members": NODES, "devices": devices} | setup
        self.send(Configured(self.now_ms, Setup(**values)))  # type: ignore[arg-type]  # test

    def send(self, event: FencingEvent) -> tuple[FencingEffect, ...]:
        """Feed one event; keep and return its effects."""
        self.state, effects = step(self.state, event)
        self.effects.extend(effects)
        for effect in effects:
            match effect:
                case SetTimer(timer, at_ms):
                    self.timers[timer] = at_ms
                case CancelTimer(timer):
                    self.timers.pop(timer, None)
        return effects

    def fence(
        self, action: FenceAction = FenceAction.OFF, **fields: object
    ) -> tuple[FencingEffect, ...]:
        """Ask for fencing of node b."""
        values: dict[str, object] = {
            "at_ms": self.now_ms,
            "request": 1,
            "token": TOKEN,
            "target": NodeName("b"),
            "boot_id": BootId("boot"),
            "session": Session(1),
            "action": action,
        } | fields
        return self.send(FenceRequested(**values))  # type: ignore[arg-type]  # test

    def advance(self, milliseconds: int) -> None:
        """Let time pass and fire what becomes due, in order."""
        until = self.now_ms + milliseconds
        while due := sorted(
            (at, timer.number, timer) for timer, at in self.timers.items() if at <= until
        ):
            self.now_ms, _, timer = due[0]
            del self.timers[timer]
            self.send(TimerFired(self.now_ms, timer))
        self.now_ms = until

    def running(self) -> RunAgent:
        """The agent forked last."""
        return self.forked()[-1]

    def forked(self) -> list[RunAgent]:
        """Every agent forked, in order."""
        return [effect for effect in self.effects if isinstance(effect, RunAgent)]

    def ends(
        self, code: int = 0, status: OpStatus = OpStatus.DONE, run: int = 0
    ) -> tuple[FencingEffect, ...]:
        """The agent forked last (or that of `run`) ends."""
        number = run or self.running().run
        return self.send(AgentEnded(at_ms=self.now_ms, run=number, code=code, status=status))

    def replies(self) -> Mapping[int, Reply]:
        """The answers so far, by request."""
        return {effect.request: effect for effect in self.effects if isinstance(effect, Reply)}

    def done(self) -> list[tuple[str, str]]:
        """Device and action of every agent forked, in order."""
        return [(run.device, run.action.value) for run in self.forked()]
