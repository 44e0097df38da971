"""What a fence agent is told on standard input for one action (features 17.3, 17.10, 17.18)."""

from __future__ import annotations

from raftmaker.vocabulary.ids import NodeName
from stonithd.fencing.setup import Device, FenceAction

_TARGETED = (FenceAction.OFF, FenceAction.ON, FenceAction.REBOOT, FenceAction.STATUS)
_NO_ARGUMENT = "none"
_FILLED_IN = "dynamic"
NO_TARGET = NodeName("")


def effective_action(device: Device, action: FenceAction) -> FenceAction:
    """What is really asked: off where the agent has no reboot (features 17.26).

    Such agents cut a node from its storage or network; turning it on again is not theirs to do.
    """
    if (
        action is FenceAction.REBOOT
        and FenceAction.REBOOT not in device.words
        and device.abilities is not None
        and FenceAction.REBOOT not in device.abilities.actions
    ):
        return FenceAction.OFF
    return action


def options_of(
    device: Device, action: FenceAction, target: NodeName = NO_TARGET
) -> tuple[tuple[str, str], ...]:
    """The lines for the agent: the action's word first, the target, then the parameters."""
    lines = [("action", device.words.get(action, action.value))]
    given = dict(device.parameters)
    if target and action in _TARGETED:
        lines.append(("nodename", target))
        name = target_parameter(device)
        if name and given.get(name, _FILLED_IN) == _FILLED_IN:
            given.pop(name, None)
            lines.append((name, device.port(target)))
    lines.extend((name, given[name]) for name in sorted(given))
    return tuple(lines)


def target_parameter(device: Device) -> str:
    """The parameter that names the target: configured, else the agent's; empty for none."""
    if device.host_argument:
        return "" if device.host_argument == _NO_ARGUMENT else device.host_argument
    return device.abilities.target_parameter if device.abilities is not None else ""
