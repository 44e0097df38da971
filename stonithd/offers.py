"""Who can fence a target, where only agents know: dynamic-list and status (features 17.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from msgspec import Struct

from raftmaker.runtime.clock import boot_ms
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.logs import Log
from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.agents import Agents
from stonithd.configuration.spellings import parse_targets
from stonithd.fencing.events import Offer
from stonithd.fencing.invocation import options_of
from stonithd.fencing.setup import Device, FenceAction, HostCheck, Setup, Verdict
from stonithd.peers import Peers

LIST_AGE_MAX_MS = 60_000
"""A list that an agent gave is believed so long, as in Pacemaker."""
PEERS_S = 20.0
"""What peers may take to ask their agents, when this node alone can do nothing."""
_STATUS_KNOWN = (0, 2)
_ASK_MS = 60_000


class _Listed(Struct, frozen=True):
    """What a device, so configured, listed at a boot-time ms."""

    device: Device
    at_ms: int
    targets: tuple[NodeName, ...]


class Offers:
    """Asks agents here and fencers elsewhere; remembers the lists of targets."""

    def __init__(self, node: NodeName, agents: Agents, peers: Peers, log: Log) -> None:
        """`node` is this one."""
        self._node = node
        self._agents = agents
        self._peers = peers
        self._log = log
        self._lists: dict[ResourceId, _Listed] = {}

    async def gather(
        self,
        setup: Setup,
        names: Iterable[ResourceId],
        target: NodeName,
        *,
        alive: bool = False,
    ) -> tuple[Offer, ...]:
        """Return who can run these devices against `target`; itself too, where it is `alive`.

        Peers are asked at the same time, and waited for only when this node can use none.
        """
        devices = [device for name in names if (device := setup.device(name)) is not None]
        elsewhere = [
            asyncio.create_task(self._ask_peer(node, target))
            for node in setup.members
            if node != self._node and (alive or node != target)
        ]
        able = await asyncio.gather(*(self.can_fence(device, target) for device in devices))
        here = [
            Offer(device.id, self._node) for device, can in zip(devices, able, strict=True) if can
        ]
        done, late = (
            await asyncio.wait(elsewhere, timeout=0 if here else PEERS_S)
            if elsewhere
            else (set(), set())
        )
        for task in late:
            task.cancel()
        wanted = {device.id for device in devices}
        offered = [offer for task in elsewhere if task in done for offer in task.result()]
        return (*here, *(offer for offer in offered if offer.device in wanted))

    async def _ask_peer(self, node: NodeName, target: NodeName) -> list[Offer]:
        try:
            usable = await self._peers.client(node).devices(target)
        except HaError as error:
            self._log.warning("peer's fencer does not say what it can do", node=node, reason=error)
            return []
        return [Offer(device.id, node) for device in usable]

    async def can_fence(self, device: Device, target: NodeName) -> bool:
        """Whether this node can use `device` against `target`, its agent asked where needed."""
        if unusable_here(device, self._node):
            return False
        match device.can_fence(target):
            case Verdict.YES:
                return True
            case Verdict.NO:
                return False
            case Verdict.UNKNOWN:
                return await self._agent_says(device, target)

    async def _agent_says(self, device: Device, target: NodeName) -> bool:
        if device.check() is HostCheck.DYNAMIC_LIST:
            port = device.port(target)
            known = self._lists.get(device.id)
            if known is not None and known.device == device and port in known.targets:
                # However old the list: should the target be gone from it, the agent will say so.
                return True
            return port in await self.targets(device)
        result = await self._agents.execute(
            device.agent,
            options_of(device, FenceAction.STATUS, target),
            device.timeouts_ms.get(FenceAction.STATUS, _ASK_MS),
            device=device.id,
        )
        return result.status is OpStatus.DONE and result.code in _STATUS_KNOWN

    async def remember(self, setup: Setup) -> None:
        """Ask for the lists now that nothing waits for them, so that a fencing need not."""
        dynamic = [
            device
            for device in setup.devices
            if device.check() is HostCheck.DYNAMIC_LIST and not unusable_here(device, self._node)
        ]
        await asyncio.gather(*(self.targets(device) for device in dynamic))

    async def targets(self, device: Device) -> tuple[NodeName, ...]:
        """Return what the device's agent lists, remembered for a minute."""
        known = self._lists.get(device.id)
        if (
            known is not None
            and known.device == device
            and boot_ms() - known.at_ms < LIST_AGE_MAX_MS
        ):
            return known.targets
        result = await self._agents.execute(
            device.agent,
            options_of(device, FenceAction.LIST),
            device.timeouts_ms.get(FenceAction.LIST, _ASK_MS),
            device=device.id,
        )
        if result.status is not OpStatus.DONE or result.code != 0:
            self._log.warning(
                "fence device does not list its targets", device=device.id, reason=result.output
            )
            return ()
        found = parse_targets(result.stdout)
        self._lists[device.id] = _Listed(device, boot_ms(), found)
        return found


def unusable_here(device: Device, node: NodeName) -> str:
    """Return why this node cannot use the device, for people; empty when it can."""
    if not device.enabled:
        return device.reason
    if node in device.banned:
        return f"a location constraint keeps it from {node}"
    if device.abilities is None:
        return f"fence agent {device.agent} is not installed on {node}"
    return ""
