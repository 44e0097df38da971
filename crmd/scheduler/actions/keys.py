"""Keys of actions: ``RESOURCE_TASK_INTERVAL``, and how to take them apart."""

from __future__ import annotations

from functools import lru_cache

from cib_store.model.values import whole

_TASKS_WITH_UNDERSCORE = ("migrate_from", "migrate_to")
_NOTIFY_PREFIXES = (
    "pre_notify",
    "post_notify",
    "confirmed-pre_notify",
    "confirmed-post_notify",
)


def operation_key(rsc_id: str, task: str, interval_ms: int = 0) -> str:
    """Return the key of an operation."""
    return f"{rsc_id}_{task}_{interval_ms}"


def notify_key(rsc_id: str, kind: str, task: str) -> str:
    """Return the key of a notification."""
    return f"{rsc_id}_{kind}_notify_{task}_0"


@lru_cache(maxsize=65536)
def parse_key(key: str) -> tuple[str, str, int] | None:
    """Take a key apart into resource, task and interval in ms; None where it is no key."""
    head, underscore, interval = key.rpartition("_")
    if not underscore or not interval.isdigit():
        return None
    for task in _TASKS_WITH_UNDERSCORE:
        if head.endswith("_" + task) and len(head) > len(task) + 1:
            return head[: -len(task) - 1], task, whole(interval)
    rsc_id, underscore, task = head.rpartition("_")
    if not underscore or not rsc_id:
        return None
    for prefix in _NOTIFY_PREFIXES:
        if rsc_id.endswith("_" + prefix):
            return rsc_id[: -len(prefix) - 1], f"{prefix}_{task}", whole(interval)
    return rsc_id, task, whole(interval)


def base_name(id_: str) -> str:
    """Return a resource's id without its instance number."""
    name, colon, number = id_.rpartition(":")
    return name if colon and name and number.isdigit() else id_
