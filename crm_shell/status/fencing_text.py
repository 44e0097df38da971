"""Past fencings as Pacemaker's tools write them, as text and XML (features 17.41, 27.2, 27.16)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cib_store.document.element import Element

if TYPE_CHECKING:
    from stonithd.client import FencingInfo

_ACTIONS = {"on": "unfencing", "off": "turning off"}
_STATES = {"confirmed": "successful", "failed": "failed"}
_XML_STATES = {"confirmed": "success", "failed": "failed"}
_EXTENDED = {"querying": "0", "running": "1", "duplicate": "3"}
"""The numbers that Pacemaker has for what is not over yet (features 17.42)."""


def is_over(each: FencingInfo) -> bool:
    """Whether it has ended."""
    return each.state in _STATES


def detailed_text(each: FencingInfo, history: Sequence[FencingInfo], *, full: bool) -> str:
    """Return a fencing as a line with everything in it.

    `full`: the line is one of all, not the last of its kind.
    """
    words = [f"{_head(each)} {_STATES.get(each.state, 'pending')}{_reason(each)}:"]
    if is_over(each) and each.delegate:
        words.append(f"delegate={each.delegate},")
    words.append(f"client={each.client}, origin={each.origin}")
    if is_over(each):
        kind = "completed" if full else f"last-{_STATES[each.state]}"
        words[-1] += f", {kind}='{moment_text(each.at_us)}'"
    return " ".join(words) + _later(each, history)


def plain_text(each: FencingInfo, history: Sequence[FencingInfo], *, full: bool) -> str:
    """Return a fencing as a sentence; `full` as above."""
    words = [_head(each)]
    if is_over(each) and each.delegate:
        words.append(f"by {each.delegate}")
    words.append(f"for {each.client}@{each.origin}")
    if not full and is_over(each):
        words.append("last")
    words.append(f"{_STATES.get(each.state, 'pending')}{_reason(each)}")
    if is_over(each):
        words.append(f"at {moment_text(each.at_us)}")
    return " ".join(words) + _later(each, history)


def _head(each: FencingInfo) -> str:
    return f"{_ACTIONS.get(each.action, each.action)} of {each.target}"


def _reason(each: FencingInfo) -> str:
    return f" ({one_line(each.reason)})" if each.reason and each.state == "failed" else ""


def _later(each: FencingInfo, history: Sequence[FencingInfo]) -> str:
    by = later_success(each, history) if each.state == "failed" else ""
    return f" (a later attempt from {by} succeeded)" if by else ""


def later_success(each: FencingInfo, history: Sequence[FencingInfo]) -> str:
    """Return which node did later what failed here, the same rather than another; or nothing."""
    nodes = [
        other.delegate or "some node"
        for other in history
        if other.state == "confirmed"
        and (other.target, other.action) == (each.target, each.action)
        and other.at_us > each.at_us
    ]
    return each.delegate if each.delegate in nodes else next(iter(nodes), "")


def reduced(history: Sequence[FencingInfo]) -> tuple[FencingInfo, ...]:
    """Leave only the newest of each kind; failures by different nodes are different ones.

    `history` is the newest first, as everywhere.
    """
    kept: dict[tuple[object, ...], FencingInfo] = {}
    for each in history:
        kind: tuple[object, ...] = (each.target, each.action, each.state)
        if each.state == "failed":
            kind = (*kind, each.delegate)
        elif not is_over(each):
            kind = (each.keeper, each.number)
        kept.setdefault(kind, each)
    return tuple(kept.values())


def one_line(text: str) -> str:
    """Return what went wrong, which is told a line a device, as one line."""
    return "; ".join(text.splitlines())


def moment_text(at_us: int) -> str:
    """Return a moment in local time, to the microsecond, with its distance from UTC."""
    moment = datetime.fromtimestamp(at_us / 1_000_000).astimezone()
    offset = moment.strftime("%z")
    zone = "Z" if int(offset) == 0 else f" {offset[:3]}:{offset[3:5]}"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at_us % 1_000_000:06d}{zone}"


def event_element(each: FencingInfo) -> Element:
    """Return a fencing as XML."""
    attributes = {
        "action": each.action,
        "target": each.target,
        "client": each.client,
        "origin": each.origin,
        "status": _XML_STATES.get(each.state, "pending"),
    }
    if each.state == "failed" and each.reason:
        attributes["exit-reason"] = one_line(each.reason)
    if not is_over(each):
        attributes["extended-status"] = _EXTENDED.get(each.state, "1")
    if each.delegate:
        attributes["delegate"] = each.delegate
    if is_over(each):
        attributes["completed"] = moment_text(each.at_us)
    return Element("fence_event", attributes)
