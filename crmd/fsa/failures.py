"""Failcounts: which results count, by how much, and under which names (features 8.17-8.23)."""

from __future__ import annotations

from crmd.fsa.history import is_failure
from lrmd.operations.values import FAIL_BY_HAND, Result

COUNTED_ONCE = ("start", "stop", "promote", "demote", FAIL_BY_HAND)


def failure_attributes(result: Result, *, start_is_fatal: bool) -> dict[str, str]:
    """Return the transient attributes that a result changes; empty where it is no failure.

    A failed stop, and a failed start unless ``start-failure-is-fatal`` is false, count infinitely;
    recurring operations, promote and demote count one, as does what a person says to have failed;
    probes and migrations do not. (features 8.20)
    """
    request = result.request
    outcome = result.outcome
    if not is_failure(outcome.status, int(outcome.code), int(request.expected_code)):
        return {}
    if not request.is_recurring and request.operation not in COUNTED_ONCE:
        return {}
    fatal = not request.is_recurring and (
        request.operation == "stop" or (request.operation == "start" and start_is_fatal)
    )
    what = f"{request.resource}#{request.operation}_{request.interval_ms}"
    return {
        f"fail-count-{what}": "INFINITY" if fatal else "value++",
        f"last-failure-{what}": str(result.last_change_us // 1_000_000),
    }


def is_failure_attribute(name: str) -> bool:
    """Tell whether a transient attribute is a failcount or the time of a last failure."""
    return name.startswith(("fail-count-", "last-failure-"))


def concerns(name: str, resource: str, operation: str = "", interval_ms: int = 0) -> bool:
    """Tell whether a failure's attribute is about the resource (and operation)."""
    if not is_failure_attribute(name):
        return False
    about, _, what = name.removeprefix("fail-count-").removeprefix("last-failure-").partition("#")
    return about == resource and (not operation or what == f"{operation}_{interval_ms}")
