"""One step in the making: the state so far, and the effects in order.

A turn lives for one call of `step` and never leaves it, so the core stays a pure function.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from msgspec.structs import replace

from crmd.fsa.config import Config
from crmd.fsa.effects import CancelTimer, Effect, Record, Refused, ReportProgress, SetTimer
from crmd.fsa.events import Timer
from crmd.fsa.purpose import Purpose
from crmd.fsa.state import (
    ControllerState,
    Dc,
    Isolation,
    Leaving,
    Member,
    Name,
    Standing,
    Survival,
    View,
)
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import Body, CibChange, CibOperation
from raftmaker.vocabulary.ids import NodeName, Token
from raftmaker.vocabulary.membership import Facts, NodeFacts

Key = TypeVar("Key")
Value = TypeVar("Value")


class Turn:
    """Gathers what one step changes."""

    def __init__(self, state: ControllerState, at_ms: int) -> None:
        """Begin with `state` at the time of the event."""
        self.at_ms = at_ms
        self.effects: list[Effect] = []
        self.config: Config = state.config
        self.node: NodeName = state.config.node
        self.answered_ms = state.answered_ms
        self.view: View = state.view
        self.standing: Standing = state.standing
        self.member: Member = state.member
        self.dc: Dc | None = state.dc
        self.isolation: Isolation | None = state.isolation
        self.survival: Survival | None = state.survival
        self.leaving: Leaving | None = state.leaving
        self.has_exited = state.has_exited
        self.records: Mapping[int, Purpose] = state.records
        self._timers = state.timers
        self._wanted: dict[Timer, int] = {}
        self._last_request = state.last_request
        self._before = state
        self._looked_at: Facts | None = None
        self._mine: NodeFacts | None = None

    def emit(self, effect: Effect) -> None:
        """Add an effect."""
        self.effects.append(effect)

    def refuse(self, call: int, code: ExitCode, reason: str) -> None:
        """Answer a call: nothing was done."""
        self.emit(Refused(call=call, code=code, reason=reason))

    def number(self) -> int:
        """Return a new request number."""
        self._last_request += 1
        return self._last_request

    def record(
        self,
        body: Body,
        purpose: Purpose,
        token: Token | None = None,
        about: NodeFacts | None = None,
    ) -> None:
        """Ask for a fact or change to be committed.

        The store refuses a change of the status once this boot is over, or with `about` that one.
        """
        if isinstance(body, CibChange):
            boot_id = self.config.boot_id if about is None else about.boot_id
            body = replace(body, boot_id=boot_id)
        request = self.number()
        self.records = {**self.records, request: purpose}
        node = None if about is None else about.node
        self.emit(Record(request=request, body=body, token=token, about=node))

    def write(
        self,
        operations: tuple[CibOperation, ...],
        purpose: Purpose,
        token: Token | None = None,
        about: NodeFacts | None = None,
    ) -> None:
        """Ask for a change of the status section, see `record`."""
        self.record(CibChange(operations=operations, status=True), purpose, token, about)

    def is_recording(self, kind: type[Purpose]) -> bool:
        """Tell whether a record for such a purpose is under way."""
        return any(isinstance(purpose, kind) for purpose in self.records.values())

    def wake_at(self, timer: Timer, at_ms: int | None) -> None:
        """Want the timer at this moment, if any; the earliest wish counts."""
        if at_ms is not None:
            self._wanted[timer] = min(at_ms, self._wanted.get(timer, at_ms))

    def fired(self, timer: Timer) -> None:
        """Note that the timer is not running any more."""
        self._timers = without(self._timers, timer)

    def is_due(self, at_ms: int, timer: Timer = Timer.RETRY) -> bool:
        """Tell whether the moment has come; otherwise want to be woken for it."""
        if at_ms <= self.at_ms:
            return True
        self.wake_at(timer, at_ms)
        return False

    @property
    def nodes(self) -> tuple[NodeName, ...]:
        """The nodes of the cluster: the committed members, before those are known the settings'."""
        members = self.view.facts.members
        return tuple(each.name for each in members.nodes) if members.number else self.config.nodes

    @property
    def fresh_until_ms(self) -> int:
        """Until when the last proof of contact to a majority may be acted on; 0: never had one."""
        return 0 if self.answered_ms is None else self.answered_ms + self.config.dead_ms

    @property
    def is_fresh(self) -> bool:
        """In contact with a majority (protocols, DC)."""
        return self.at_ms < self.fresh_until_ms

    @property
    def mine(self) -> NodeFacts | None:
        """What is committed about this node, where it concerns this very process."""
        if self._looked_at is not self.view.facts:  # asked many times in a step
            self._looked_at = self.view.facts
            self._mine = self._find_mine(self.view.facts)
        return self._mine

    def _find_mine(self, committed: Facts) -> NodeFacts | None:
        facts = committed.of(self.node)
        if facts is None or facts.boot_id != self.config.boot_id:
            return None
        return facts if facts.controller_start == self.config.controller_start else None

    @property
    def in_session(self) -> bool:
        """This process is a present member as far as it knows."""
        mine = self.mine
        return mine is not None and mine.is_present

    def state(self, name: Name, progress: ReportProgress) -> ControllerState:
        """Return the new state, after the effects for timers that changed."""
        for timer in Timer if self._wanted != self._timers else ():
            wanted, running = self._wanted.get(timer), self._timers.get(timer)
            if wanted is None and running is not None:
                self.emit(CancelTimer(timer))
            elif wanted is not None and wanted != running:
                self.emit(SetTimer(timer, wanted))
        return replace(
            self._before,
            name=name,
            progress=progress,
            answered_ms=self.answered_ms,
            view=self.view,
            standing=self.standing,
            member=self.member,
            dc=self.dc,
            isolation=self.isolation,
            survival=self.survival,
            leaving=self.leaving,
            has_exited=self.has_exited,
            records=self.records,
            timers=dict(self._wanted),
            last_request=self._last_request,
        )


def without(mapping: Mapping[Key, Value], key: Key) -> dict[Key, Value]:
    """Return the mapping without a key."""
    return {one: value for one, value in mapping.items() if one != key}


def with_item(mapping: Mapping[Key, Value], key: Key, value: Value) -> dict[Key, Value]:
    """Return the mapping with one item set."""
    changed = dict(mapping)
    changed[key] = value
    return changed
