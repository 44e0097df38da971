"""Which agents an event runs, and the environment that each gets (features 19.5-19.11)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from crmd.alerts.configuration import Alert
from crmd.alerts.values import (
    AlertEvent,
    AttributeEvent,
    FencingEvent,
    NodeEvent,
    ResourceEvent,
    kind_of,
)
from lrmd.operations.values import AlertRun, Result
from raftmaker.vocabulary.code_text import code_text, status_text
from raftmaker.vocabulary.codes import OpStatus

PREFIX = "CRM_alert_"
FAILED = 1
"""What a fencing that nothing confirmed returns; a confirmed one returns 0."""
_FRACTION = re.compile(r"%(%|0?([0-9]*)N)")
_FRACTION_DIGITS = 6


def runs_of(
    alerts: Iterable[Alert], event: AlertEvent, *, at: datetime, version: str
) -> tuple[AlertRun, ...]:
    """Return the runs that an event makes, in the order of the configuration.

    `at`: when the event was seen, in the zone in which people read it. The executor adds the
    number of each run (19.7).
    """
    told = _told(event)
    return tuple(
        AlertRun(
            alert=alert.id,
            path=alert.path,
            timeout_ms=alert.timeout_ms,
            variables={
                **{PREFIX + name: value for name, value in told.items()},
                PREFIX + "kind": kind_of(event).value,
                PREFIX + "version": version,
                PREFIX + "recipient": alert.recipient,
                PREFIX + "timestamp": timestamp(at, alert.timestamp_format),
                PREFIX + "timestamp_epoch": str(int(at.timestamp())),
                PREFIX + "timestamp_usec": str(at.microsecond),
                **{name: value for name, value in alert.variables if _may_be_exported(name)},
            },
        )
        for alert in alerts
        if alert.selects(event)
    )


def _may_be_exported(name: str) -> bool:
    return bool(name) and "=" not in name


def timestamp(at: datetime, form: str) -> str:
    """Return a moment in the form of date(1): `%N` is the fraction, `%6N` its first 6 digits."""
    fraction = f"{at.microsecond:06}"

    def part(found: re.Match[str]) -> str:
        if found[1] == "%":
            return "%%"
        digits = int(found[2][:3]) if found[2] else _FRACTION_DIGITS
        return fraction[: max(1, digits)].ljust(min(digits, 9), "0")

    return at.strftime(_FRACTION.sub(part, form))


def _told(event: AlertEvent) -> dict[str, str]:
    """Return what an event's kind adds, without the prefix."""
    match event:
        case NodeEvent(node=node):
            return {
                "node": node,
                "nodeid": node,
                "desc": "member" if event.is_member else "lost",
            }
        case FencingEvent(target=target):
            return {
                "node": target,
                "task": event.action,
                "rc": str(0 if event.confirmed else FAILED),
                "desc": _summary(event),
            }
        case ResourceEvent(node=node, result=result):
            return {"node": node, **_operation(result)}
        case AttributeEvent(node=node):
            return {
                "node": node,
                "nodeid": node,
                "attribute_name": event.name,
                "attribute_value": event.value,
            }


def _summary(event: FencingEvent) -> str:
    words = [f"Operation {event.action} of {event.target}"]
    if event.delegate:
        words.append(f"by {event.delegate}")
    if event.devices:
        words.append(f"with {', '.join(event.devices)}")
    if event.client:
        words.append(f"for {event.client}" + (f"@{event.origin}" if event.origin else ""))
    result = "OK" if event.confirmed else f"failed ({event.reason or 'nothing confirmed it'})"
    return f"{' '.join(words)}: {result}"


def _operation(result: Result) -> dict[str, str]:
    request, outcome = result.request, result.outcome
    is_done = outcome.status is OpStatus.DONE
    return {
        "rsc": request.resource,
        "task": request.operation,
        "interval": str(request.interval_ms),
        "rc": str(int(outcome.code)),
        "target_rc": str(int(request.expected_code)),
        "status": str(int(outcome.status)),
        "exec_time": str(result.exec_ms),
        "desc": code_text(int(outcome.code)) if is_done else status_text(int(outcome.status)),
    }
