"""This node leaves in good order: resources moved by the DC, then the end of its session.

Features 24.12: the shutdown attribute, the DC's plan, ``expected="down"``, and only then the exit.
"""

from __future__ import annotations

from msgspec.structs import replace

from crmd.fsa import events
from crmd.fsa.cib import (
    attributes_with,
    merge_status,
    node_state,
    state_with,
    transient,
)
from crmd.fsa.effects import Exit, LeaveBegun, LeavingWaits
from crmd.fsa.events import Timer
from crmd.fsa.executor import active_resources
from crmd.fsa.options import duration_ms
from crmd.fsa.purpose import Announcing, LeavingSession
from crmd.fsa.state import Leaving
from crmd.fsa.turn import Turn
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import LeaveSession
from raftmaker.vocabulary.membership import Presence


def on_leave_requested(turn: Turn, event: events.LeaveRequested) -> None:
    """Begin to leave; asked again, it only answers."""
    leaving = turn.leaving
    if leaving is None:
        deadline_ms = turn.at_ms + duration_ms(turn.view.cib, "shutdown-escalation")
        leaving = Leaving(now_s=event.now_s, deadline_ms=deadline_ms)
    if leaving.is_announced:
        turn.emit(LeaveBegun(event.call))
    else:
        leaving = replace(leaving, calls=(*leaving.calls, event.call))
    turn.leaving = leaving
    if turn.isolation is not None:
        turn.isolation = replace(turn.isolation, is_stale=True)


def advance_leaving(turn: Turn) -> None:
    """Announce, wait until nothing runs here any more, leave."""
    leaving = turn.leaving
    if leaving is None or turn.has_exited:
        return
    if turn.is_due(leaving.deadline_ms, Timer.ESCALATION):
        _exit(turn, ExitCode.ERROR, "leaving took longer than shutdown-escalation")
    elif not turn.in_session or not turn.is_fresh:
        _leave_alone(turn)
    elif not leaving.is_announced:
        if not turn.is_recording(Announcing) and turn.is_due(leaving.retry_at_ms):
            wish = attributes_with(turn.node, {"shutdown": str(leaving.now_s)})
            turn.write((merge_status(state_with(turn.node, {}, wish)),), Announcing())
    elif _may_go(turn):
        _leave(turn, leaving)


def _leave(turn: Turn, leaving: Leaving) -> None:
    mine = turn.mine
    assert mine is not None
    if not turn.is_recording(LeavingSession) and turn.is_due(leaving.retry_at_ms):
        body = LeaveSession(node=turn.node, boot_id=turn.config.boot_id, session=mine.session)
        turn.record(body, LeavingSession())


def _may_go(turn: Turn) -> bool:
    """The DC has moved everything away, and what it asked for here is committed."""
    state = node_state(turn.view.cib, turn.node)
    return (
        state is not None
        and state.get("expected") == "down"
        and not turn.member.queue
        and not turn.member.orders
    )


def _leave_alone(turn: Turn) -> None:
    """Without a majority nobody can be told: go when the policy has stopped everything here."""
    isolation = turn.isolation
    if not turn.member.is_executor_up:
        _wait_for(turn, "the executor, which alone knows what runs here, is not connected")
        return
    if turn.view.cib is None:
        _leave_unseen(turn)
        return
    if isolation is None or isolation.inventory is None or isolation.request is not None:
        return
    if isolation.transition is None and not isolation.is_stale:
        _exit(turn, ExitCode.OK, "left without telling the cluster: no majority can be reached")


def _leave_unseen(turn: Turn) -> None:
    """Without ever having seen a CIB: go when nothing runs here; there is nothing to stop it by.

    What runs goes on, as its node's absence has not been settled by anybody (protocols, Without
    quorum), until a store is reached or ``shutdown-escalation`` has passed.
    """
    isolation = turn.isolation
    if isolation is None or isolation.inventory is None:
        return
    active = active_resources(isolation.inventory)
    if not active:
        _exit(turn, ExitCode.OK, "left without telling the cluster: no store was ever reached")
        return
    names = ", ".join(active)
    _wait_for(turn, f"{names} may run here, and no store was reached that says how to stop it")


def _wait_for(turn: Turn, reason: str) -> None:
    leaving = turn.leaving
    if leaving is not None and leaving.waits_for != reason:
        turn.leaving = replace(leaving, waits_for=reason)
        turn.emit(LeavingWaits(reason))


def look_for_shutdown(turn: Turn) -> None:
    """Leave also when somebody else set this node's shutdown attribute (features 15.14)."""
    if turn.leaving is not None or not turn.in_session:
        return
    wish = transient(node_state(turn.view.cib, turn.node), "shutdown")
    if wish not in ("", "0") and wish.isdigit():
        deadline_ms = turn.at_ms + duration_ms(turn.view.cib, "shutdown-escalation")
        turn.leaving = Leaving(now_s=int(wish), deadline_ms=deadline_ms, is_announced=True)


def on_announced(turn: Turn, code: ExitCode | None) -> None:
    """The wish to leave is committed; the DC acts on it."""
    leaving = turn.leaving
    if leaving is None:
        return
    if code is not ExitCode.OK:
        turn.leaving = replace(leaving, retry_at_ms=turn.at_ms + turn.config.retry_ms)
        return
    for call in leaving.calls:
        turn.emit(LeaveBegun(call))
    turn.leaving = replace(leaving, calls=(), is_announced=True)


def on_left(turn: Turn, code: ExitCode | None) -> None:
    """The session is over: the process ends."""
    leaving = turn.leaving
    if leaving is None:
        return
    facts = turn.view.facts.of(turn.node)
    if code is ExitCode.OK or (facts is not None and facts.presence is Presence.LEFT):
        _exit(turn, ExitCode.OK, "left in good order")
    else:
        turn.leaving = replace(leaving, retry_at_ms=turn.at_ms + turn.config.retry_ms)


def _exit(turn: Turn, code: ExitCode, reason: str) -> None:
    leaving = turn.leaving
    assert leaving is not None
    for call in leaving.calls:
        turn.emit(LeaveBegun(call))
    turn.leaving = replace(leaving, calls=(), has_left=True)
    turn.has_exited = True
    turn.emit(Exit(code=code, reason=reason))
