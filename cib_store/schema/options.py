"""The cluster options that are known, with the kind of their values (features section 2)."""

from __future__ import annotations

from collections.abc import Mapping

from cib_store.schema.values import BOOLEAN, COUNT, DURATION, PERCENTAGE, SCORE, Kind, one_of

_TEXT = Kind("text", "any text")
_SIGNED = Kind("timeout", "a duration; a negative one: computed")

OPTIONS: Mapping[str, Kind] = {
    **dict.fromkeys(
        ("dc-version", "cluster-infrastructure", "cluster-name", "last-lrm-refresh"), _TEXT
    ),
    **dict.fromkeys(
        (
            "dc-deadtime",
            "cluster-recheck-interval",
            "election-timeout",
            "shutdown-escalation",
            "join-integration-timeout",
            "join-finalization-timeout",
            "crmd-integration-timeout",
            "crmd-finalization-timeout",
            "transition-delay",
            "crmd-transition-delay",
            "shutdown-lock-limit",
            "fencing-timeout",
            "stonith-timeout",
            "priority-fencing-delay",
            "node-pending-timeout",
            "cluster-delay",
        ),
        DURATION,
    ),
    **dict.fromkeys(
        (
            "shutdown-lock",
            "enable-acl",
            "symmetric-cluster",
            "maintenance-mode",
            "start-failure-is-fatal",
            "enable-startup-probes",
            "fence-remote-without-quorum",
            "fencing-enabled",
            "stonith-enabled",
            "have-watchdog",
            "concurrent-fencing",
            "startup-fencing",
            "stop-all-resources",
            "stop-removed-resources",
            "stop-orphan-resources",
            "cancel-removed-actions",
            "stop-orphan-actions",
            "remove-after-stop",
        ),
        BOOLEAN,
    ),
    **dict.fromkeys(
        (
            "node-health-base",
            "node-health-green",
            "node-health-yellow",
            "node-health-red",
            "batch-limit",
            "migration-limit",
            "pe-error-series-max",
            "pe-warn-series-max",
            "pe-input-series-max",
        ),
        SCORE,
    ),
    **dict.fromkeys(
        (
            "fencing-max-attempts",
            "stonith-max-attempts",
            "node-action-limit",
            "cluster-ipc-limit",
        ),
        COUNT,
    ),
    **dict.fromkeys(("fencing-watchdog-timeout", "stonith-watchdog-timeout"), _SIGNED),
    "load-threshold": PERCENTAGE,
    "no-quorum-policy": one_of("stop", "freeze", "ignore", "demote", "fence", "suicide"),
    "fencing-action": one_of("reboot", "off", "poweroff"),
    "stonith-action": one_of("reboot", "off", "poweroff"),
    "fencing-reaction": one_of("stop", "panic"),
    "fence-reaction": one_of("stop", "panic"),
    "node-health-strategy": one_of("none", "migrate-on-red", "only-green", "progressive", "custom"),
    "placement-strategy": one_of("default", "utilization", "minimal", "balanced"),
}
