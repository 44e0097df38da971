"""The state's name and what followers see; both follow from the state alone (features 24.10)."""

from __future__ import annotations

from collections.abc import Iterable

from crmd.fsa.effects import ReportProgress
from crmd.fsa.joins import outstanding
from crmd.fsa.lease import holder_of_lease, may_be_elected
from crmd.fsa.membership import is_joined
from crmd.fsa.purpose import LeavingSession
from crmd.fsa.state import Dc, JoinPhase, Name
from crmd.fsa.turn import Turn
from crmd.scheduler.graph import ActionKind
from crmd.transition.values import TransitionState


def name_of(turn: Turn) -> Name:
    """Return the name of the state that this node's controller is in."""
    if turn.has_exited or turn.is_recording(LeavingSession):
        return Name.S_STOPPING
    if turn.isolation is not None:
        return Name.S_ISOLATED
    if not turn.in_session:
        return Name.S_STARTING
    if turn.dc is not None:
        return _name_of_dc(turn, turn.dc)
    if holder_of_lease(turn) is None:
        return Name.S_ELECTION if may_be_elected(turn) else Name.S_PENDING
    return Name.S_NOT_DC if is_joined(turn) else Name.S_PENDING


def _name_of_dc(turn: Turn, dc: Dc) -> Name:
    if dc.transition is not None:
        return Name.S_TRANSITION_ENGINE
    waiting = outstanding(turn)
    if any(phase is not JoinPhase.WRITING for phase in waiting) or not dc.joiners:
        return Name.S_INTEGRATION
    if waiting:
        return Name.S_FINALIZE_JOIN
    if dc.schedule_request is not None or dc.is_stale:
        return Name.S_POLICY_ENGINE
    return Name.S_IDLE


def progress_of(turn: Turn, name: Name) -> ReportProgress:
    """Return what followers see."""
    lease = holder_of_lease(turn)
    dc = turn.dc
    isolated = turn.isolation.transition if turn.isolation is not None else None
    transition = dc.transition if dc is not None else isolated
    return ReportProgress(
        state=name.value,
        dc=lease.node if lease is not None else "",
        token=turn.view.facts.token,
        quorate=turn.is_fresh,
        actions_total=_count(transition),
        actions_done=transition.done_count if transition is not None else 0,
        running=tuple(_running(transition)),
        settled_index=dc.settled_index if dc is not None else 0,
        transition=dc.transition_count if dc is not None else 0,
    )


def _count(transition: TransitionState | None) -> int:
    return len(transition.actions) if transition is not None else 0


def _running(transition: TransitionState | None) -> Iterable[str]:
    for action in sorted(transition.running) if transition is not None else ():
        assert transition is not None
        named = transition.actions[action]
        what = named.resource.id if named.resource is not None else ""
        where = named.on_node or ""
        if named.kind is ActionKind.CLUSTER and named.operation == "stonith":
            yield f"{'unfence' if named.is_unfencing else 'fence'} {where}"
        else:
            yield " ".join(part for part in (named.operation, what, f"on {where}") if part)
