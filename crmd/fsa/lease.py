"""Who is DC: session, election, and the lease (protocols, DC; features 24.5-24.7).

Invariant: a lease is used only by the process that acquired it, and only while its contact to a
majority has not been interrupted since; otherwise it is given back and acquired anew.
"""

from __future__ import annotations

from msgspec.structs import replace

from crmd.fsa.events import Timer
from crmd.fsa.options import duration_ms
from crmd.fsa.purpose import AcquiringDc, OpeningSession, ReleasingDc, Stamping
from crmd.fsa.stamps import stamps
from crmd.fsa.state import Dc
from crmd.fsa.turn import Turn
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import AcquireDc, CibChange, OpenSession, ReleaseDc
from raftmaker.vocabulary.ids import BootId, NodeName, Session, Token
from raftmaker.vocabulary.membership import DcLease, FencePhase, NodeFacts, Presence


def holder_of_lease(turn: Turn) -> DcLease | None:
    """Return the lease while its holder is a present member in the same session."""
    lease = turn.view.facts.dc
    if lease is None:
        return None
    facts = turn.view.facts.of(lease.node)
    if facts is None or not facts.is_present:
        return None
    same = (facts.boot_id, facts.session) == (lease.boot_id, lease.session)
    return lease if same else None


def holds_lease(turn: Turn) -> bool:
    """Tell whether the valid lease is this process's own."""
    lease = holder_of_lease(turn)
    return (
        lease is not None
        and lease.node == turn.node
        and lease.boot_id == turn.config.boot_id
        and lease.token != turn.standing.stale_lease
        and turn.in_session
    )


def was_fenced(turn: Turn) -> bool:
    """Tell whether the cluster believes that this very boot of the node is down."""
    facts = turn.view.facts.of(turn.node)
    return (
        facts is not None
        and facts.boot_id == turn.config.boot_id
        and facts.fencing is FencePhase.CONFIRMED
        and facts.presence is not Presence.MEMBER
    )


def look_at_lease(turn: Turn) -> None:
    """Take note of what a new view says about leases."""
    lease = turn.view.facts.dc
    if not turn.standing.is_open and lease is not None and lease.node == turn.node:
        # An earlier process's lease: what it ordered is not known here.
        turn.standing = replace(turn.standing, stale_lease=lease.token)
    if turn.standing.first_token is None:
        # What a cluster that was switched off left behind proves no living DC.
        turn.standing = replace(turn.standing, first_token=turn.view.facts.token)
    holder = holder_of_lease(turn)
    if holder is not None and holder.token != turn.standing.first_token:
        turn.standing = replace(turn.standing, has_seen_dc=True)


def give_up_lease(turn: Turn) -> None:
    """Stop being DC at once; a lease that is still committed is given back in due time."""
    dc = turn.dc
    if dc is None:
        return
    turn.standing = replace(turn.standing, stale_lease=dc.token)
    turn.dc = None
    waiting = [call for fencing in dc.fencings.values() for call in fencing.calls]
    waiting.extend(one.call for one in dc.unfencings.values() if one.call is not None)
    waiting.extend(one.call for one in dc.orders.values() if one.call is not None)
    waiting.extend(cleanup.call for cleanup in dc.cleanups.values())
    for call in waiting:
        turn.refuse(call, ExitCode.TEMPFAIL, "the DC has changed meanwhile: look, and ask again")


def may_ask(turn: Turn) -> bool:
    """Tell whether a fact may be asked for: the view contains the last one, and no pause is on."""
    if turn.view.index < turn.standing.asked_index:
        return False
    outdated = turn.standing.outdated_view
    if outdated is not None and turn.view.index > outdated:
        return True
    return turn.is_due(turn.standing.retry_at_ms)


def on_asked(turn: Turn, code: ExitCode | None, index: int, seen: int | None = None) -> None:
    """A fact for this node's standing is committed; refused or of unknown fate: pause a little.

    `seen`: the view that it relied on. At a cold start a store first shows what its disk knows to
    be committed; the rest follows when there is a leader, and a fact that relied on less is OLD.
    """
    if code is ExitCode.OK:
        turn.standing = replace(turn.standing, asked_index=max(index, turn.standing.asked_index))
    else:
        pause_ms = turn.at_ms + turn.config.retry_ms
        outdated = seen if code is ExitCode.OLD else None
        turn.standing = replace(turn.standing, retry_at_ms=pause_ms, outdated_view=outdated)


def successor(turn: Turn) -> str:
    """Say what took this process's place, if something did; then it must end."""
    facts = turn.view.facts.of(turn.node)
    if facts is None or not turn.standing.is_open:
        return ""
    if facts.boot_id != turn.config.boot_id:
        return f"another start of node {turn.node} has taken its place (boot {facts.boot_id})"
    if facts.controller_start > turn.config.controller_start:
        return "a later controller of this node has taken its place"
    return ""


def advance_session(turn: Turn) -> None:
    """Ask for this process's session until the facts show it."""
    mine = turn.mine
    if mine is not None and mine.presence is not Presence.LEFT:
        if not turn.standing.is_open:
            turn.standing = replace(turn.standing, is_open=True, found=turn.view.facts.nodes)
        return
    if was_fenced(turn) or turn.standing.is_open or turn.is_recording(OpeningSession):
        return
    if turn.view.is_watched and turn.is_fresh and may_ask(turn):
        before = turn.view.facts.of(turn.node)
        body = OpenSession(
            node=turn.node,
            boot_id=turn.config.boot_id,
            controller_start=turn.config.controller_start,
            replaces=before.session if before is not None else Session(0),
        )
        turn.record(body, OpeningSession(turn.view.index))


def advance_lease(turn: Turn) -> None:
    """Give back what must not be used, and acquire the lease when it is vacant."""
    lease = holder_of_lease(turn)
    stale = turn.standing.stale_lease
    if not turn.in_session:
        return
    if lease is not None and lease.node == turn.node and lease.token == stale:
        _release(turn, lease)
    elif lease is None:
        _acquire(turn)
    elif turn.standing.waits_since_ms is not None:
        turn.standing = replace(turn.standing, waits_since_ms=None)


def _release(turn: Turn, lease: DcLease) -> None:
    if not turn.is_recording(ReleasingDc) and may_ask(turn):
        turn.record(ReleaseDc(lease.token), ReleasingDc(lease.token))


def _acquire(turn: Turn) -> None:
    mine = turn.mine
    assert mine is not None
    if turn.standing.waits_since_ms is None:
        turn.standing = replace(turn.standing, waits_since_ms=turn.at_ms)
    if not may_be_elected(turn) or turn.is_recording(AcquiringDc):
        return
    if turn.is_due(turn.standing.no_election_before_ms) and may_ask(turn):
        body = AcquireDc(node=turn.node, boot_id=turn.config.boot_id, session=mine.session)
        turn.record(body, AcquiringDc())


def may_be_elected(turn: Turn) -> bool:
    """Tell whether this node may try to become DC (features 2.3; protocols, DC)."""
    if not turn.is_fresh or not turn.member.is_executor_up or not turn.in_session:
        return False
    present = [facts.node for facts in turn.view.facts.nodes if facts.is_present]
    if turn.leaving is not None and len(present) > 1:
        return False
    if turn.standing.has_seen_dc or set(turn.nodes) <= _have_come(turn):
        return True
    since = turn.standing.waits_since_ms
    if since is None:
        return False
    deadline_ms = since + duration_ms(turn.view.cib, "dc-deadtime")
    return turn.is_due(deadline_ms, Timer.DC_DEADTIME)


def _have_come(turn: Turn) -> set[NodeName]:
    """Return this node and the present ones that started after it.

    What a cluster that was switched off left behind shows a node as present until its silence is
    noticed: a DC elected meanwhile would have it fenced while it boots. Whose start was committed
    first sees all others come after it.
    """
    known = {_start_of(facts) for facts in turn.standing.found}
    return {turn.node} | {
        facts.node
        for facts in turn.view.facts.nodes
        if facts.is_present and _start_of(facts) not in known
    }


def _start_of(facts: NodeFacts) -> tuple[NodeName, BootId, Session, int]:
    return facts.node, facts.boot_id, facts.session, facts.controller_start


def advance_dc(turn: Turn) -> None:
    """Begin or end to be DC, as the facts say."""
    lease = holder_of_lease(turn)
    if not holds_lease(turn) or lease is None:
        give_up_lease(turn)
    elif turn.dc is None or turn.dc.token != lease.token:
        turn.dc = Dc(token=lease.token)
        _stamp(turn, lease.token)


def _stamp(turn: Turn, token: Token) -> None:
    """Write what the DC is, where the CIB says something else: once a lease."""
    cib, config = turn.view.cib, turn.config
    if cib is None:
        return
    wanted = stamps(cib, software=config.software, cluster_name=config.cluster_name)
    if wanted:
        turn.record(CibChange(operations=wanted), Stamping(), token)
