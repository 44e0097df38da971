"""One remote node that this controller attends to: its executor asked, its results committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from crmd.executing import traits_of as traits_in
from crmd.fsa.cib import attributes_with, merge_status, state_with
from crmd.fsa.effects import Record
from crmd.fsa.executor import AgentTraits, newest_serial
from crmd.fsa.results import change_of
from crmd.fsa.state import Queued, QueuedResult
from crmd.relaying import CallsForNode, Doors
from crmd.remote import backlog as waiting
from crmd.remote.backlog import Backlog
from crmd.remote.connection import Link, Phase, answered, handed_over, refused, silent
from crmd.remote.nodes import left_operations
from crmd.remote.takeover import takeover_change
from crmd.runner import Runner
from lrmd.client import ExecutorClient
from lrmd.operations.values import Agent
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.errors import HaError, Refused
from raftmaker.runtime.logs import Log
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibChange
from raftmaker.vocabulary.ids import NodeName, Token

_PING_S = 1.0
_ANSWER_S = 3.0
_AGAIN_S = 0.2
_BATCH_S = 0.02
_LAST_WORDS_S = 3.0
Commit = Callable[[Record], Awaitable[tuple[ExitCode | None, int]]]


class Site(Struct, frozen=True, kw_only=True):
    """What a link needs of its controller."""

    node: NodeName
    """The controller's own."""
    runner: Runner
    doors: Doors
    """By which the node's tools are asked for what they want to know."""
    commit: Commit
    seen: Callable[[int], Awaitable[None]]
    """Wait until the controller's view contains a log position."""
    lost: Callable[[NodeName, str], Awaitable[None]]
    """Have the connection fail, for a reason."""
    log: Log


class NodeLink:
    """The connection to one remote node, from `begin` or `resume` to `end`."""

    def __init__(self, site: Site, name: NodeName, client: ExecutorClient) -> None:
        """Nothing is asked yet."""
        self._site, self._name = site, name
        self.client = client
        self.link: Link | None = None
        self._backlog = Backlog()
        self._news = asyncio.Event()
        self._traits: dict[Agent, AgentTraits] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._committing = asyncio.Lock()

    async def begin(self, token: Token, *, anew: bool) -> None:
        """Attend to the node in the place of whoever did before.

        `anew`: the CIB is made to show what the node's executor knows. When the connection only
        moves, it shows that already. Raises `HaError`.
        """
        there = await self.client.attend(
            token=token, router=self._site.node, begin=True, timeout_s=_ANSWER_S
        )
        inventory = await self.client.raise_token(token)
        if anew:
            cib = self._site.runner.state.view.cib
            boot_id = self._site.runner.state.config.boot_id
            await self._store(takeover_change(cib, self._name, inventory, boot_id))
        serial = newest_serial(inventory)
        self._backlog = Backlog(
            known_serial=serial, stored_serial=min(inventory.confirmed_serial, serial)
        )
        self._follow(Link(boot_id=there.boot_id, token=token, answered_ms=boot_ms()))

    async def resume(self, token: Token) -> None:
        """Go on attending after a restart of this controller. Raises `HaError`."""
        there = await self.client.attend(token=token, router=self._site.node, timeout_s=_ANSWER_S)
        inventory = await self.client.state()
        self._backlog = Backlog(stored_serial=inventory.confirmed_serial)
        self._follow(Link(boot_id=there.boot_id, token=token, answered_ms=boot_ms()))

    def hand_over(self) -> None:
        """The connection is about to move to another member."""
        if self.link is not None:
            self.link = handed_over(self.link)

    async def end(self) -> None:
        """Commit what has come, and attend to the node no more; what runs there goes on.

        The node's wish to leave ends with that, unless another member attends to it now.
        """
        moves = self.link is not None and self.link.phase is Phase.HANDED_OVER
        if self.link is not None and self.link.phase is not Phase.LOST:
            try:
                async with asyncio.timeout(_LAST_WORDS_S):
                    await self._commit_all()
                    self.hand_over()  # a ping that comes after the release is turned away
                    await self.client.release(self._site.node)
            except (HaError, TimeoutError) as error:
                self._site.log.info(
                    "remote node not told that nobody attends to it", node=self._name, reason=error
                )
        if not moves:
            await self._end_wish()
        await self.close()

    async def close(self) -> None:
        """End the connection, as when this controller ends."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.close()

    def put(self, entry: Queued) -> None:
        """Have an entry committed, in order with the results."""
        self._backlog = waiting.with_entry(self._backlog, entry)
        self._news.set()

    def _follow(self, link: Link) -> None:
        self.link = link
        self._tasks = [
            asyncio.create_task(part)
            for part in (self._ping(), self._results(), self._committed(), self._tools())
        ]

    async def _store(self, change: CibChange) -> None:
        code, index = await self._site.commit(Record(request=0, body=change))
        if code is not ExitCode.OK:
            raise HaError(f"not committed: {code.name if code else 'no answer in time'}")
        await self._site.seen(index)

    # --- is it there? --------------------------------------------------------------------------

    async def _ping(self) -> None:
        assert self.link is not None
        token = self.link.token
        was_leaving = False
        while self.link.phase is not Phase.LOST:
            await asyncio.sleep(_PING_S)
            try:
                there = await self.client.attend(
                    token=token, router=self._site.node, timeout_s=_ANSWER_S
                )
                self.link = answered(self.link, there.boot_id, boot_ms())
                if there.is_leaving and not was_leaving:
                    was_leaving = await self._ask_to_leave()
            except Refused as error:
                self.link = refused(self.link, str(error))
                if self.link.phase is Phase.HANDED_OVER:
                    return
            except HaError as error:
                self.link = silent(self.link, str(error), boot_ms())
        reason = self.link.reason
        self._site.log.warning("remote node lost", node=self._name, reason=reason)
        await self._site.lost(self._name, reason)

    async def _ask_to_leave(self) -> bool:
        """The node's daemon is to stop: its resources are moved first (features 22.13)."""
        self._site.log.info("remote node asks to leave", node=self._name)
        wish = attributes_with(self._name, {"shutdown": str(wall_us() // 1_000_000)})
        operation = merge_status(state_with(self._name, {}, wish))
        try:
            await self._store(CibChange(operations=(operation,), status=True))
        except HaError:
            return False
        return True

    async def _end_wish(self) -> None:
        """The node has left, if it wished to: it may come back."""
        state = self._site.runner.state
        operations = left_operations(state.view.cib, self._name)
        if not operations:
            return
        change = CibChange(operations=operations, status=True, boot_id=state.config.boot_id)
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._store(change)
        except (HaError, TimeoutError) as error:
            what = "remote node still wishes to leave: its connection is not started again"
            mend = f"crm_attribute -N {self._name} -l reboot -n shutdown -D"
            self._site.log.warning(what, node=self._name, reason=error, mend=mend)

    async def _tools(self) -> None:
        """Make the calls of the node's tools (features 22.5)."""
        calls = CallsForNode(self._site.doors, self._name, self._site.node, self._site.log)
        await calls.run(self.client)

    # --- results -------------------------------------------------------------------------------

    async def _results(self) -> None:
        while True:
            try:
                async for result in self.client.results(self._backlog.stored_serial):
                    self._backlog = waiting.with_result(self._backlog, result)
                    self._news.set()
            except HaError as error:
                self._site.log.debug(
                    "remote node's results broke off", node=self._name, reason=error
                )
            await asyncio.sleep(_AGAIN_S)

    async def _committed(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(_BATCH_S)
            self._news.clear()
            await self._commit_all()

    async def _commit_all(self) -> None:
        """Commit batch after batch; one that is refused is made again of a newer view."""
        async with self._committing:
            while self._backlog.queue and self.link is not None:
                if self.link.phase is Phase.LOST:
                    return  # its fencing may have erased what this would build on
                try:
                    await self._commit(waiting.batch_of(self._backlog))
                except HaError as error:
                    self._site.log.info(
                        "remote node's results not stored yet", node=self._name, reason=error
                    )
                    await asyncio.sleep(_AGAIN_S)

    async def _commit(self, batch: tuple[Queued, ...]) -> None:
        state = self._site.runner.state
        for agent in waiting.agents_of(batch):
            if agent not in self._traits:
                self._traits[agent] = traits_in(await self.client.metadata(agent))
        traits = waiting.traits_of(batch, self._traits)
        change = change_of(state.view.cib, self._name, batch, traits)
        if change.operations:
            await self._store(replace(change, boot_id=state.config.boot_id))
        self._backlog = waiting.stored(self._backlog, len(batch))
        if any(isinstance(entry, QueuedResult) for entry in batch):
            await self.client.confirm(self._backlog.stored_serial)
