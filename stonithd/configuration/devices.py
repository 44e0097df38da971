"""A primitive of class stonith, read as a device (features 17.1-17.16)."""

from __future__ import annotations

from collections.abc import Mapping

from cib_store.model.scores import parse_score
from cib_store.model.values import parse_duration_ms, parse_integer
from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.configuration.resources import Found
from stonithd.configuration.spellings import parse_delay_base, parse_host_list, parse_host_map
from stonithd.fencing.setup import Abilities, Device, FenceAction, HostCheck

_TUNABLE = (
    FenceAction.OFF,
    FenceAction.REBOOT,
    FenceAction.ON,
    FenceAction.LIST,
    FenceAction.STATUS,
    FenceAction.MONITOR,
)
_OWN_PREFIX = "pcmk_"


def device_of(
    found: Found,
    *,
    parameters: Mapping[str, str],
    meta: Mapping[str, str],
    banned: tuple[NodeName, ...],
    abilities: Abilities | None,
) -> Device:
    """Build the device from its merged parameters and meta-attributes.

    A value that cannot be read counts as not given; configuration checks report it.
    """
    stopped = meta.get("target-role", "").lower() == "stopped"
    base_ms, by_target_ms = parse_delay_base(parameters.get("pcmk_delay_base", ""))
    limit = parse_integer(parameters.get("pcmk_action_limit"))
    return Device(
        id=ResourceId(found.primitive.id),
        agent=found.primitive.get("type"),
        enabled=not stopped,
        reason="is stopped (target-role)" if stopped else "",
        banned=banned,
        host_check=_host_check(parameters.get("pcmk_host_check")),
        host_list=parse_host_list(parameters.get("pcmk_host_list", "")),
        host_map=parse_host_map(parameters.get("pcmk_host_map", "")),
        host_argument=parameters.get("pcmk_host_argument", ""),
        parameters={
            name: value for name, value in parameters.items() if not name.startswith(_OWN_PREFIX)
        },
        provides_unfencing=meta.get("provides", "").lower() == "unfencing",
        priority=parse_score(meta.get("priority")),
        delay_base_ms=base_ms,
        delay_by_target_ms=by_target_ms,
        delay_max_ms=max(0, parse_duration_ms(parameters.get("pcmk_delay_max")) or 0),
        action_limit=1 if limit is None or limit == 0 else limit,
        timeouts_ms={
            action: duration
            for action in _TUNABLE
            if (duration := parse_duration_ms(parameters.get(f"pcmk_{action.value}_timeout")))
            and duration > 0
        },
        tries={
            action: count
            for action in _TUNABLE
            if (count := parse_integer(parameters.get(f"pcmk_{action.value}_retries"))) is not None
        },
        words={
            action: word
            for action in _TUNABLE
            if (word := parameters.get(f"pcmk_{action.value}_action"))
        },
        abilities=abilities,
    )


def _host_check(text: str | None) -> HostCheck | None:
    try:
        return HostCheck(text)
    except ValueError:
        return None
