"""Cluster options as the controller reads them in the CIB (features section 2, 2.43)."""

from __future__ import annotations

from collections.abc import Mapping

from cib_store.document.element import Element
from cib_store.model.values import is_true, parse_duration_ms, parse_integer

DEFAULTS: Mapping[str, str] = {
    "dc-deadtime": "20s",
    "cluster-recheck-interval": "15min",
    "shutdown-escalation": "20min",
    "transition-delay": "0s",
    "enable-acl": "false",
    "fencing-enabled": "true",
    "fencing-action": "reboot",
    "fencing-timeout": "60s",
    "fencing-max-attempts": "10",
    "no-quorum-policy": "stop",
    "start-failure-is-fatal": "true",
    "load-threshold": "80%",
    "node-action-limit": "0",
    "batch-limit": "0",
    "migration-limit": "-1",
    "pe-error-series-max": "-1",
    "pe-warn-series-max": "5000",
    "pe-input-series-max": "4000",
}
_OLD_NAMES: Mapping[str, str] = {
    "transition-delay": "crmd-transition-delay",
    "fencing-enabled": "stonith-enabled",
    "fencing-action": "stonith-action",
    "fencing-timeout": "stonith-timeout",
    "fencing-max-attempts": "stonith-max-attempts",
}


def option(cib: Element | None, name: str) -> str:
    """Return a cluster option as configured, or its default (features section 2, 2.43)."""
    configuration = cib.child("configuration") if cib is not None else None
    section = configuration.child("crm_config") if configuration is not None else None
    if section is None:
        return DEFAULTS[name]
    sets = [one for one in section.each("cluster_property_set") if one.child("rule") is None]
    sets.sort(key=lambda one: (one.id != "cib-bootstrap-options", -_score(one)))
    for wanted in (name, _OLD_NAMES.get(name)):
        for pairs in sets:
            for pair in pairs.each("nvpair"):
                if wanted is not None and pair.get("name") == wanted:
                    return pair.get("value")
    return DEFAULTS[name]


def _score(element: Element) -> int:
    return parse_integer(element.get("score", "0")) or 0


def duration_ms(cib: Element | None, name: str) -> int:
    """Return a cluster option that is a duration; a bad value counts as the default."""
    value = parse_duration_ms(option(cib, name))
    if value is None or value < 0:
        value = parse_duration_ms(DEFAULTS[name])
    return value or 0


def flag(cib: Element | None, name: str) -> bool:
    """Return a cluster option that is a boolean."""
    return is_true(option(cib, name))


def integer(cib: Element | None, name: str) -> int:
    """Return a cluster option that is a whole number; a bad value counts as the default."""
    value = parse_integer(option(cib, name))
    return value if value is not None else int(DEFAULTS[name])


def percentage(cib: Element | None, name: str) -> float:
    """Return a cluster option that is a percentage, as a part of 1; a bad value is the default."""
    for text in (option(cib, name), DEFAULTS[name]):
        try:
            value = float(text.strip().removesuffix("%"))
        except ValueError:
            continue
        if value >= 0:
            return value / 100
    return 0.0
