"""From configuration and offers to a plan: which devices, in which levels, run by which nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.fencing.events import Offer
from stonithd.fencing.setup import Device, FenceAction, Setup, Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """One device and the nodes that may run it, the preferred first."""

    device: ResourceId
    executors: tuple[NodeName, ...]


@dataclass(frozen=True, slots=True)
class PlanLevel:
    """All steps must succeed, in order; otherwise the next level is tried (17.24, 17.25)."""

    steps: tuple[Step, ...]


Plan = tuple[PlanLevel, ...]


def relevant_devices(setup: Setup, target: NodeName) -> tuple[Device, ...]:
    """The enabled devices that may be used for `target`: those of its levels, else all."""
    levels = setup.levels_of(target)
    named = {name for level in levels for name in level.devices}
    return tuple(
        device for device in setup.devices if device.enabled and (not levels or device.id in named)
    )


def undecided_devices(setup: Setup, target: NodeName) -> tuple[ResourceId, ...]:
    """The devices whose agents must be asked whether they can fence `target`.

    A level names its devices, so those are asked nothing: their word for it is the topology.
    """
    if setup.levels_of(target):
        return ()
    return tuple(
        device.id
        for device in relevant_devices(setup, target)
        if device.can_fence(target) is Verdict.UNKNOWN
    )


def plan_of(setup: Setup, local: NodeName, target: NodeName, gathered: Sequence[Offer]) -> Plan:
    """Lay out how `target` can be fenced; empty where no device can.

    With topology, its levels (features 17.21-17.25). Without, each capable device in turn, by
    priority, each by its preferred executor first, then all by their second best (17.16, 17.27).
    """
    levels = setup.levels_of(target)
    if levels:
        by_level = [_steps(setup, local, target, level.devices) for level in levels]
        return tuple(PlanLevel(steps) for steps in by_level if steps)
    singles = [
        Step(device.id, executors)
        for device in sorted(
            relevant_devices(setup, target), key=lambda one: (-one.priority, one.id)
        )
        if (executors := _executors(setup, local, target, device, gathered))
    ]
    rounds = max((len(step.executors) for step in singles), default=0)
    return tuple(
        PlanLevel((Step(step.device, (step.executors[number],)),))
        for number in range(rounds)
        for step in singles
        if number < len(step.executors)
    )


def _steps(
    setup: Setup, local: NodeName, target: NodeName, names: tuple[ResourceId, ...]
) -> tuple[Step, ...]:
    """The steps of a level; none at all when one of its devices cannot be run by anybody."""
    steps = []
    for name in names:
        device = setup.device(name)
        if device is None or not device.enabled or device.can_fence(target) is Verdict.NO:
            return ()
        executors = _ranked(setup, local, target, device, (local, *setup.members))
        if not executors:
            return ()
        steps.append(Step(name, executors))
    return tuple(steps)


def _executors(
    setup: Setup, local: NodeName, target: NodeName, device: Device, gathered: Sequence[Offer]
) -> tuple[NodeName, ...]:
    match device.can_fence(target):
        case Verdict.YES:
            return _ranked(setup, local, target, device, (local, *setup.members))
        case Verdict.NO:
            return ()
        case Verdict.UNKNOWN:
            offering = [offer.executor for offer in gathered if offer.device == device.id]
            return _ranked(setup, local, target, device, offering)


def _ranked(
    setup: Setup,
    local: NodeName,
    target: NodeName,
    device: Device,
    nodes: Sequence[NodeName],
) -> tuple[NodeName, ...]:
    """Who may run it: where it is monitored, then this node (it lives), then the others.

    The target itself only when nobody else can (features 17.27, 17.28).
    """
    able = sorted(
        {node for node in nodes if node not in device.banned and _installed(device, node, local)},
        key=lambda node: ((device.id, node) not in setup.monitored, node != local, node),
    )
    others = tuple(node for node in able if node != target)
    return others or tuple(able)


def _installed(device: Device, node: NodeName, local: NodeName) -> bool:
    # Of a peer only the peer knows; it refuses, and the next executor is tried.
    return node != local or device.abilities is not None


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
