"""How long the DC waits before it plans again what was just refused (features 16.31).

A refusal leaves nothing in the CIB, so the scheduler orders the very same again. While nothing new
happens the pause between two attempts grows; whatever is new ends it, so no recovery waits for it.
"""

from __future__ import annotations

from msgspec.structs import replace

from crmd.fsa.effects import SendCancel, SendForget, SendOrder
from crmd.fsa.state import Refusal
from crmd.fsa.turn import Turn, with_item
from raftmaker.vocabulary.ids import NodeName

FIRST_MS = 200
"""The pause after the first refusal: no longer than a member is given before it is joined anew."""
LONGEST_MS = 5_000


def pause_ms(times: int) -> int:
    """Return the pause after an order was refused so many times with nothing new in between."""
    assert times > 0
    return int(min(FIRST_MS * 2 ** min(times - 1, 10), LONGEST_MS))


def refused_order(effect: SendOrder | SendCancel | SendForget) -> Refusal:
    """Return what is counted of an order: what, for which resource, where; not when."""
    words: tuple[str, ...]
    match effect:
        case SendOrder(operation=asked):
            words = (asked.operation, asked.resource, str(asked.interval_ms))
        case SendCancel():
            words = ("cancel", effect.resource, effect.operation, str(effect.interval_ms))
        case SendForget():
            words = ("forget", effect.resource, effect.operation, str(effect.interval_ms))
    return Refusal(effect.node, " ".join((*words, effect.remote)))


def note_refusal(turn: Turn, refusal: Refusal) -> None:
    """Count it, and plan nothing before its pause is over or something new happens."""
    dc = turn.dc
    if dc is None:
        return
    times = dc.refusals.get(refusal, 0) + 1
    turn.dc = replace(
        dc,
        refusals=with_item(dc.refusals, refusal, times),
        refused_until_ms=max(dc.refused_until_ms, turn.at_ms + pause_ms(times)),
    )


def forget_refusals(turn: Turn) -> None:
    """Something is new: what was refused may be taken now, or is not to be done any more."""
    dc = turn.dc
    if dc is not None and dc.refusals:
        turn.dc = replace(dc, refusals={}, refused_until_ms=0)


def has_refused(turn: Turn, member: NodeName) -> bool:
    """Tell whether this member refused an order, and nothing new has happened since."""
    return turn.dc is not None and any(one.member == member for one in turn.dc.refusals)


def note_executor(turn: Turn, member: NodeName, incarnation: str) -> None:
    """Note with which executor a member has joined: another one may take what was refused."""
    dc = turn.dc
    if dc is None or dc.executors.get(member) == incarnation:
        return
    turn.dc = replace(dc, executors=with_item(dc.executors, member, incarnation))
    forget_refusals(turn)
