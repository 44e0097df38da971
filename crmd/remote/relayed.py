"""Which calls of a remote node are made here: bounded in number, whatever that node counts."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from raftmaker.vocabulary.relayed import (
    CallStatus,
    RelayedAnswer,
    RelayedCall,
    turned_away,
)


class Relaying(Struct, frozen=True, kw_only=True):
    """The calls that are under way for one remote node, by their numbers."""

    under_way: tuple[int, ...] = ()


def taken(state: Relaying, call: RelayedCall) -> tuple[Relaying, RelayedAnswer | None]:
    """A call has come; return also how it ends at once, None: it is to be made."""
    refusal = turned_away(call, len(state.under_way))
    if refusal is None and call.number in state.under_way:
        refusal = (CallStatus.NOT_PERMITTED, f"call {call.number} is under way already")
    if refusal is not None:
        status, details = refusal
        return state, RelayedAnswer(number=call.number, status=status, details=details)
    return replace(state, under_way=(*state.under_way, call.number)), None


def stopped(state: Relaying, number: int) -> Relaying:
    """A call has ended, or nobody waits for it any more."""
    return replace(state, under_way=tuple(one for one in state.under_way if one != number))
