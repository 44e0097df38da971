"""The cluster options that the scheduler obeys: names of today and of old, defaults, values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from msgspec import Struct, field

from cib_store.model.values import parse_boolean, parse_duration_ms, parse_integer


class NoQuorum(Enum):
    """``no-quorum-policy`` (features section 2)."""

    STOP = "stop"
    FREEZE = "freeze"
    IGNORE = "ignore"
    DEMOTE = "demote"
    FENCE = "fence"


class Strategy(Enum):
    """``placement-strategy`` (features section 9)."""

    DEFAULT = "default"
    UTILIZATION = "utilization"
    MINIMAL = "minimal"
    BALANCED = "balanced"


def _boolean(text: str) -> bool:
    return parse_boolean(text) is not None


def _duration(text: str) -> bool:
    value = parse_duration_ms(text)
    return value is not None and value >= 0


def _integer(text: str) -> bool:
    return text in ("INFINITY", "+INFINITY", "-INFINITY") or parse_integer(text) is not None


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda text: text.lower() in values


class _Option(Struct, frozen=True):
    default: str
    valid: Callable[[str], bool]
    old_name: str = ""


_OPTIONS: Mapping[str, _Option] = {
    "no-quorum-policy": _Option(
        "stop", _one_of("stop", "freeze", "ignore", "demote", "fence", "suicide")
    ),
    "shutdown-lock": _Option("false", _boolean),
    "shutdown-lock-limit": _Option("0", _duration),
    "symmetric-cluster": _Option("true", _boolean),
    "maintenance-mode": _Option("false", _boolean),
    "start-failure-is-fatal": _Option("true", _boolean),
    "enable-startup-probes": _Option("true", _boolean),
    "fence-remote-without-quorum": _Option("false", _boolean),
    "fencing-enabled": _Option("true", _boolean, "stonith-enabled"),
    "fencing-action": _Option("reboot", _one_of("reboot", "off"), "stonith-action"),
    "fencing-timeout": _Option("60s", _duration, "stonith-timeout"),
    "have-watchdog": _Option("false", _boolean),
    "concurrent-fencing": _Option("true", _boolean),
    "startup-fencing": _Option("true", _boolean),
    "priority-fencing-delay": _Option("0", _duration),
    "node-pending-timeout": _Option("0", _duration),
    "cluster-delay": _Option("60s", _duration),
    "batch-limit": _Option("0", _integer),
    "migration-limit": _Option("-1", _integer),
    "stop-all-resources": _Option("false", _boolean),
    "stop-removed-resources": _Option("true", _boolean, "stop-orphan-resources"),
    "cancel-removed-actions": _Option("true", _boolean, "stop-orphan-actions"),
    "node-health-strategy": _Option(
        "none", _one_of("none", "migrate-on-red", "only-green", "progressive", "custom")
    ),
    "node-health-base": _Option("0", _integer),
    "node-health-green": _Option("0", _integer),
    "node-health-yellow": _Option("0", _integer),
    "node-health-red": _Option("-INFINITY", _integer),
    "placement-strategy": _Option(
        "default", _one_of("default", "utilization", "minimal", "balanced")
    ),
}


class ClusterOptions(Struct, frozen=True):
    """The options as they are in force: configured where valid, else the default."""

    texts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, configured: Mapping[str, str]) -> ClusterOptions:
        """Build from what the CIB configures (merged cluster property sets)."""
        texts = dict(configured)
        for name, option in _OPTIONS.items():
            text = configured.get(name)
            if text is None and option.old_name:
                text = configured.get(option.old_name)
            texts[name] = text if text is not None and option.valid(text) else option.default
        return cls(texts)

    def text(self, name: str) -> str:
        """The value of an option as written; empty for one that is neither set nor known."""
        return self.texts.get(name, "")

    def flag(self, name: str) -> bool:
        """The value of a boolean option."""
        return parse_boolean(self.texts.get(name)) is True

    def duration_ms(self, name: str) -> int:
        """The value of a duration in ms."""
        return parse_duration_ms(self.texts.get(name)) or 0
