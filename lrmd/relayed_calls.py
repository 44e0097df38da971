"""The calls of a remote node's tools, and which member makes them: pure (features 22.5).

A call is given to the member whose stream is open when it comes. With that stream it ends, since
whether it was carried out is not known then: none is made twice.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from raftmaker.vocabulary.relayed import CallStatus, RelayedAnswer, RelayedCall, turned_away


class Calls(Struct, frozen=True, kw_only=True):
    """What is under way. Numbers are never used again, so that a late answer finds nobody."""

    stream: int = 0
    """The number of the newest stream that a member opened."""
    member: str = ""
    """Whose it is; empty: none is open."""
    newest: int = 0
    under_way: tuple[int, ...] = ()


def opened(calls: Calls, member: str) -> tuple[Calls, tuple[int, ...]]:
    """A member opens a stream; return also the calls that end with the one before."""
    ended = calls.under_way
    return replace(calls, stream=calls.stream + 1, member=member, under_way=()), ended


def closed(calls: Calls, stream: int) -> tuple[Calls, tuple[int, ...]]:
    """A stream has ended; return also the calls that end with it. One of before is no matter."""
    if stream != calls.stream or not calls.member:
        return calls, ()
    return replace(calls, member="", under_way=()), calls.under_way


def asked(calls: Calls, call: RelayedCall) -> tuple[Calls, RelayedCall | RelayedAnswer]:
    """A tool asks; return what goes to the member, or how the call ends at once."""
    refusal = turned_away(call, len(calls.under_way))
    if refusal is None and not calls.member:
        refusal = (CallStatus.UNREACHABLE, "no member of the cluster is connected to this node")
    if refusal is not None:
        status, details = refusal
        return calls, RelayedAnswer(number=0, status=status, details=details)
    number = calls.newest + 1
    under_way = (*calls.under_way, number)
    return replace(calls, newest=number, under_way=under_way), replace(call, number=number)


def ended(calls: Calls, number: int) -> Calls:
    """A call has ended, or its caller waits no more."""
    return replace(calls, under_way=tuple(one for one in calls.under_way if one != number))


def broken_off(number: int, member: str) -> RelayedAnswer:
    """Return the end of a call whose stream has ended."""
    details = f"the connection of {member} to this node has ended: whether it was done is not known"
    return RelayedAnswer(number=number, status=CallStatus.UNREACHABLE, details=details)
