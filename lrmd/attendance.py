"""Which controller attends to a remote node: the newest that was ordered to (features 22.8).

Pure: each question returns the new state and why it is refused, empty when it is not.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from raftmaker.vocabulary.ids import Token


class Attendance(Struct, frozen=True, kw_only=True):
    """Who attends, under which DC's token."""

    router: str = ""
    """The controller's node; empty: nobody."""
    token: Token = Token()
    is_leaving: bool = False
    """This node was asked to stop, and waits for its resources to be moved (features 22.13)."""


def attended(
    state: Attendance, router: str, token: Token, highest: Token, *, begin: bool
) -> tuple[Attendance, str]:
    """A controller attends. `highest`: the highest token that the executor has seen.

    Who begins takes the place of whoever attended before, unless it comes with an older token.
    """
    if token < max(highest, state.token) and begin:
        return state, f"a DC with a higher token was seen: {max(highest, state.token)}"
    if begin:
        return replace(state, router=router, token=token), ""
    if state.router not in ("", router):
        return state, f"{state.router} attends to this node now"
    if not state.router and state.token != Token():
        # Released: whoever was replaced before that must not come back by a mere ping.
        return state, "nobody attends to this node: its connection was stopped"
    # Who attended is forgotten (`lrmd.attending`): whoever goes on attending does.
    return replace(state, router=router, token=max(token, state.token)), ""


def released(state: Attendance, router: str) -> Attendance:
    """A controller attends no more; one that was replaced has no say."""
    return replace(state, router="") if state.router == router else state


def leaving(state: Attendance) -> Attendance:
    """The daemon was asked to stop."""
    return replace(state, is_leaving=True)


def may_end(state: Attendance) -> bool:
    """Tell whether a daemon that was asked to stop may: nobody attends to it."""
    return state.is_leaving and not state.router
