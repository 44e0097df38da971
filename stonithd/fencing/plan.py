"""From configuration and offers to a plan: which devices, in which levels, run by which nodes."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.fencing.events import Offer
from stonithd.fencing.setup import Device, FenceAction, Setup, Verdict


class Step(Struct, frozen=True):
    """One device and the nodes that may run it, the preferred first."""

    device: ResourceId
    executors: tuple[NodeName, ...]


class PlanLevel(Struct, frozen=True):
    """All steps must succeed, in order; otherwise the next level is tried (17.24, 17.25)."""

    steps: tuple[Step, ...]


Plan = tuple[PlanLevel, ...]


class Wish(Struct, frozen=True):
    """What a plan is for: `local` is the node that makes it."""

    setup: Setup
    local: NodeName
    target: NodeName
    action: FenceAction


def _unfences(wish: Wish, device: Device) -> bool:
    """Whether turning the target on concerns this device more than others (features 17.40)."""
    return device.enabled and device.unfences and wish.action is FenceAction.ON


def _relevant_devices(wish: Wish) -> tuple[Device, ...]:
    """The enabled devices that may be used: those of the target's levels, else all."""
    levels = wish.setup.levels_of(wish.target)
    named = {name for level in levels for name in level.devices}
    return tuple(
        device
        for device in wish.setup.devices
        if device.enabled and (not levels or device.id in named)
    )


def undecided_devices(wish: Wish) -> tuple[ResourceId, ...]:
    """The devices whose agents must be asked whether they can fence the target.

    A level names its devices, so those are asked nothing: their word for it is the topology.
    """
    in_question = () if wish.setup.levels_of(wish.target) else _relevant_devices(wish)
    return tuple(
        device.id
        for device in wish.setup.devices
        if (device in in_question or _unfences(wish, device))
        and device.can_fence(wish.target) is Verdict.UNKNOWN
    )


def plan_of(wish: Wish, gathered: Sequence[Offer]) -> Plan:
    """Lay out how the target can be fenced; empty where no device can.

    Turned on, it needs every device that unfences it (17.40). Otherwise, with topology, its levels
    (17.21-17.25). Without, each capable device in turn, by priority, each by its preferred
    executor first, then all by their second best (17.16, 17.27).
    """
    unfencing = _unfencing(wish, gathered)
    if unfencing is not None:
        return unfencing
    levels = wish.setup.levels_of(wish.target)
    if levels:
        by_level = [_steps(wish, level.devices) for level in levels]
        return tuple(PlanLevel(steps) for steps in by_level if steps)
    singles = [
        Step(device.id, executors)
        for device in sorted(_relevant_devices(wish), key=lambda one: (-one.priority, one.id))
        if (executors := _executors(wish, device, gathered))
    ]
    rounds = max((len(step.executors) for step in singles), default=0)
    return tuple(
        PlanLevel((Step(step.device, (step.executors[number],)),))
        for number in range(rounds)
        for step in singles
        if number < len(step.executors)
    )


def _unfencing(wish: Wish, gathered: Sequence[Offer]) -> Plan | None:
    """One level of every device that unfences the target; None where there is no such device.

    Nothing at all when one of them cannot be run: half unfenced, the node would lose its storage.
    """
    steps = tuple(
        Step(device.id, _executors(wish, device, gathered))
        for device in wish.setup.devices
        if _unfences(wish, device) and _concerns(wish, device, gathered)
    )
    if not steps:
        return None
    return (PlanLevel(steps),) if all(step.executors for step in steps) else ()


def _concerns(wish: Wish, device: Device, gathered: Sequence[Offer]) -> bool:
    match device.can_fence(wish.target):
        case Verdict.YES:
            return True
        case Verdict.NO:
            return False
        case Verdict.UNKNOWN:
            return any(offer.device == device.id for offer in gathered)


def _steps(wish: Wish, names: tuple[ResourceId, ...]) -> tuple[Step, ...]:
    """The steps of a level; none at all when one of its devices cannot be run by anybody."""
    steps = []
    for name in names:
        device = wish.setup.device(name)
        if device is None or not device.enabled or device.can_fence(wish.target) is Verdict.NO:
            return ()
        executors = _ranked(wish, device, (wish.local, *wish.setup.members))
        if not executors:
            return ()
        steps.append(Step(name, executors))
    return tuple(steps)


def _executors(wish: Wish, device: Device, gathered: Sequence[Offer]) -> tuple[NodeName, ...]:
    match device.can_fence(wish.target):
        case Verdict.YES:
            return _ranked(wish, device, (wish.local, *wish.setup.members))
        case Verdict.NO:
            return ()
        case Verdict.UNKNOWN:
            offering = [offer.executor for offer in gathered if offer.device == device.id]
            return _ranked(wish, device, offering)


def _ranked(wish: Wish, device: Device, nodes: Sequence[NodeName]) -> tuple[NodeName, ...]:
    """Who may run it: where it is monitored, then this node (it lives), then the others.

    The target itself only when nobody else can (features 17.27, 17.28), and nobody but it where
    the agent says so (17.19).
    """
    able = sorted(
        {node for node in nodes if node not in device.banned and _installed(device, node, wish)},
        key=lambda node: ((device.id, node) not in wish.setup.monitored, node != wish.local, node),
    )
    if device.runs_on_target(wish.action):
        return tuple(node for node in able if node == wish.target)
    others = tuple(node for node in able if node != wish.target)
    return others or tuple(able)


def _installed(device: Device, node: NodeName, wish: Wish) -> bool:
    # Of a peer only the peer knows; it refuses, and the next executor is tried.
    return node != wish.local or device.abilities is not None


def is_remapped(level: PlanLevel, action: FenceAction) -> bool:
    """Whether a reboot by this level is all off, then all on (features 17.26)."""
    return action is FenceAction.REBOOT and len(level.steps) > 1


def time_limit_ms(setup: Setup, device: ResourceId, action: FenceAction, default_ms: int) -> int:
    """How long a device has for an action, over all its tries (features 17.11, 17.13)."""
    found = setup.device(device)
    return found.timeouts_ms.get(action, default_ms) if found else default_ms


def total_limit_ms(
    setup: Setup, plan: Plan, target: NodeName, action: FenceAction, default_ms: int
) -> int:
    """How long the whole plan has: its devices' limits and delays added up, and a fifth more.

    (features 17.13, 17.30). A device that several nodes can run counts once.
    """
    counted: set[ResourceId] = set()
    total = 0
    for level in plan:
        doing = FenceAction.OFF if is_remapped(level, action) else action
        for step in level.steps:
            if step.device in counted and len(level.steps) == 1:
                continue
            counted.add(step.device)
            total += time_limit_ms(setup, step.device, doing, default_ms)
            device = setup.device(step.device)
            if device is not None:
                total += delay_bounds_ms(device, target)[1]
            if is_remapped(level, action):
                total += time_limit_ms(setup, step.device, FenceAction.ON, default_ms)
    return total * 6 // 5


def delay_bounds_ms(device: Device, target: NodeName) -> tuple[int, int]:
    """The least and the greatest delay of a device against `target` (features 17.7, 17.8)."""
    base = device.delay_by_target_ms.get(target, device.delay_base_ms)
    longest = max(device.delay_max_ms, base)
    # Without a maximum the base is fixed; a base above the maximum is cut to it.
    if device.delay_max_ms:
        base = min(base, device.delay_max_ms)
        longest = device.delay_max_ms
    return base, longest
