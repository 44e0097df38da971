"""Tells alert agents what the controller sees: beside the controller's core, and never in its way.

What is to be told is decided at once, with the alerts and the clock of that moment. It then waits
in a queue for this node's executor, which runs the agents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.model.dates import Moment
from cib_store.model.references import Index
from crmd.alerts.configuration import Alert, alerts_of, alerts_section
from crmd.alerts.observing import Observer, observe
from crmd.alerts.runs import runs_of
from crmd.alerts.values import AlertEvent, FencingEvent, ResourceEvent
from crmd.fsa.events import Event
from lrmd.client import ExecutorClient
from lrmd.operations.values import AlertRun
from raftmaker.runtime.errors import HaError, Unreachable
from raftmaker.runtime.identity import SOFTWARE_VERSION
from raftmaker.runtime.logs import Log
from raftmaker.vocabulary.ids import BootId, NodeName
from raftmaker.vocabulary.membership import Facts
from stonithd.client import FencerClient, FencingInfo

WAITING_MAX = 1000
"""Events that wait for the executor; what comes then is not told."""
PATIENCE_S = 10.0
"""How long an event is offered to an executor that is not there."""
_AGAIN_S = 0.2
_HISTORY_S = 2.0
_RECENT_S = 300
_CONFIRMED = "confirmed"
Take = Callable[[Event], None]


class _Told(Struct, frozen=True, kw_only=True):
    """An event on its way; `key` names it, so that the executor runs nothing twice."""

    key: str
    event: AlertEvent
    alerts: tuple[Alert, ...]
    at: datetime


class Alerting:
    """Observes the controller's events; call `run` to have what follows from them told."""

    def __init__(
        self,
        *,
        node: NodeName,
        boot_id: BootId,
        process: str,
        executor: ExecutorClient,
        fencer: Callable[[], FencerClient],
        log: Log,
    ) -> None:
        """`process`: random, another for each start of the controller."""
        self._observer = Observer(node=node, boot_id=boot_id)
        self._process = process
        self._executor = executor
        self._fencer = fencer
        self._log = log
        self._count = 0
        self._index: tuple[Element, Index] | None = None
        self._waiting: asyncio.Queue[_Told] = asyncio.Queue(WAITING_MAX)

    def beside(self, take: Take) -> Take:
        """Return a `take` that has every event seen here as well, after the controller's core."""

        def both(event: Event) -> None:
            take(event)
            self.take(event)

        return both

    def take(self, event: Event) -> None:
        """Take one event in; what follows from it waits to be told."""
        self._observer, seen = observe(self._observer, event)
        for one in seen:
            self._put(one)

    def _put(self, event: AlertEvent) -> None:
        self._count += 1
        at = datetime.now().astimezone()
        alerts = tuple(alert for alert in self._alerts(at) if alert.selects(event))
        if not alerts:
            return
        told = _Told(key=self._key(event), event=event, alerts=alerts, at=at)
        if self._waiting.full():
            self._log.warning("not told, too much waits for the executor", alert_event=event)
        else:
            self._waiting.put_nowait(told)

    def _key(self, event: AlertEvent) -> str:
        if isinstance(event, ResourceEvent):  # another process of the controller has the same
            return f"result {event.result.serial} {event.result.last_change_us}"
        return f"{self._process} {self._count}"

    def _alerts(self, at: datetime) -> tuple[Alert, ...]:
        cib = self._observer.cib
        section = alerts_section(cib)
        if cib is None or section is None:
            return ()
        configuration = cib.child("configuration")
        assert configuration is not None
        if self._index is None or self._index[0] is not configuration:
            self._index = (configuration, Index.of(cib))
        offset = at.utcoffset()
        seconds = int(offset.total_seconds()) if offset is not None else 0
        return alerts_of(section, self._index[1], Moment(int(at.timestamp()), seconds))

    async def run(self) -> None:
        """Tell what is seen and what the fencer tells, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_fencer())
            group.create_task(self._tell())

    async def _follow_fencer(self) -> None:
        """Take in what no committed fact of a member shows."""
        while True:
            try:
                async for info in self._fencer().follow():
                    event = untold(self._observer.facts, info)
                    if event is not None:
                        self._put(event)
            except HaError as error:
                self._log.debug("the fencer does not tell of fencings", reason=error)
            await asyncio.sleep(_AGAIN_S)

    async def _tell(self) -> None:
        """Tell the executor of one event after the other."""
        while True:
            told = await self._waiting.get()
            event = told.event
            if isinstance(event, FencingEvent) and not event.client:
                event = await self._remembered(event, told.at)
            runs = runs_of(told.alerts, event, at=told.at, version=SOFTWARE_VERSION)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._give(told.key, runs)
            except (HaError, TimeoutError) as error:
                self._log.warning("alert agents not run", alert_event=event, reason=error)

    async def _give(self, key: str, runs: tuple[AlertRun, ...]) -> None:
        while True:
            try:
                await self._executor.alert(key, runs)
                return
            except Unreachable:
                await asyncio.sleep(_AGAIN_S)

    async def _remembered(self, event: FencingEvent, at: datetime) -> FencingEvent:
        """Fill in what the fencers know: the committed fact says only how it ended."""
        try:
            async with asyncio.timeout(_HISTORY_S):
                found = await self._fencer().history(event.target)
        except (HaError, TimeoutError) as error:
            self._log.info("no fencer tells of a fencing", target=event.target, reason=error)
            return event
        for info in found:
            if _is_of(info, event, at):
                return _event_of(info)
        return event


def untold(facts: Facts, info: FencingInfo) -> FencingEvent | None:
    """Return what a fencer alone tells: a node was turned on, or a remote node was fenced.

    A member's fencing is told by its committed fact (`crmd.alerts.observing`).
    """
    by_fact = info.action != "on" and facts.of(info.target) is not None
    return None if by_fact else _event_of(info)


def _event_of(info: FencingInfo) -> FencingEvent:
    return FencingEvent(
        target=info.target,
        confirmed=info.state == _CONFIRMED,
        action=info.action,
        client=info.client,
        origin=info.origin,
        delegate=info.delegate,
        devices=tuple(str(device) for device in info.devices),
        reason=info.reason,
    )


def _is_of(info: FencingInfo, event: FencingEvent, at: datetime) -> bool:
    wanted = _CONFIRMED if event.confirmed else "failed"
    if info.action == "on" or info.state != wanted:
        return False
    return abs(info.at_us / 1_000_000 - at.timestamp()) < _RECENT_S
