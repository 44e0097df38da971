"""`apply`: one committed command, in its place in the log, makes the next state and an outcome."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from cib_store.apply.attributes import Attributes, forgotten, updated, without_ended, written
from cib_store.apply.change import CONFLICT, change_cib, finished
from cib_store.apply.dc import acquire_dc, release_dc
from cib_store.apply.fencing import fence_intent, fence_result
from cib_store.apply.members import (
    go_on_alone,
    reason_against_stranger,
    set_members,
    without_strangers,
)
from cib_store.apply.membership import (
    Recorded,
    controller_lost,
    leader_started,
    leave_session,
    node_lost,
    open_session,
    reason_against_status,
    renew_session,
)
from cib_store.apply.sessions import closed, earlier_outcome, opened, remembering
from cib_store.apply.state import State
from cib_store.document.codec import BadXml, parse
from cib_store.document.element import Element
from cib_store.document.ids import duplicate_ids
from cib_store.document.refusal import Refusal, refused
from cib_store.document.transient import without_values
from cib_store.document.version import version_of
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import (
    AcquireDc,
    CheckState,
    CibChange,
    CloseClients,
    Command,
    ControllerLost,
    CreateCluster,
    FenceIntent,
    FenceResult,
    ForgetAttributes,
    GoOnAlone,
    LeaderStarted,
    LeaveSession,
    NodeLost,
    OpenClient,
    OpenSession,
    ReleaseDc,
    RenewSession,
    SetMembers,
    UpdateAttributes,
    WriteAttributes,
)
from raftmaker.vocabulary.membership import Facts
from raftmaker.vocabulary.outcomes import Outcome

Fact = (
    LeaderStarted
    | OpenSession
    | LeaveSession
    | NodeLost
    | ControllerLost
    | RenewSession
    | AcquireDc
    | ReleaseDc
    | FenceIntent
    | FenceResult
)


def apply(state: State, index: int, command: Command) -> tuple[State, Outcome]:
    """Carry out the command at log position `index`. Deterministic; never raises.

    A command that fails changes neither CIB nor facts. A request that was executed before gets the
    outcome it had then.
    """
    state = replace(state, index=index)
    foreign = _foreign(state.facts, command)
    if foreign is not None:
        return state, _failed(state, foreign)
    earlier = earlier_outcome(state, command)
    if isinstance(earlier, Outcome):
        return state, earlier
    if earlier is not None:
        return state, _failed(state, earlier)
    after = _after(state, command)
    if isinstance(after, Refusal):
        outcome = _failed(state, after)
        if outcome.has(CONFLICT):  # nothing was executed: the proposer resolves it anew
            return state, outcome
        return remembering(state, command, outcome), outcome
    outcome = Outcome(code=ExitCode.OK, version=after.version, index=index)
    return remembering(after, command, outcome), outcome


def _failed(state: State, refusal: Refusal) -> Outcome:
    return Outcome(
        code=refusal.code, reports=refusal.reports, version=state.version, index=state.index
    )


def _foreign(facts: Facts, command: Command) -> Refusal | None:
    """Refuse what another cluster, an older generation or an older DC sent."""
    birth = isinstance(command.body, CreateCluster | LeaderStarted)
    if not facts.cluster_id and not birth:
        return refused(
            ExitCode.TEMPFAIL,
            "no-cluster",
            "",
            "the cluster is not created yet",
            "wait for its first leader",
        )
    if facts.cluster_id and command.cluster_id != facts.cluster_id:
        return refused(
            ExitCode.PROTOCOL,
            "other-cluster",
            command.cluster_id,
            f"the command is for another cluster than {facts.cluster_id}",
        )
    if command.generation < facts.generation:
        return refused(
            ExitCode.OLD,
            "older-generation",
            str(command.generation),
            f"the cluster is in generation {facts.generation}",
            "discard what this node has and join again",
        )
    if command.token is not None and command.token < facts.token:
        return refused(
            ExitCode.OLD,
            "stale-token",
            str(command.token),
            f"a newer DC has token {facts.token}",
            "this DC is over",
        )
    return None


def _after(state: State, command: Command) -> State | Refusal:
    body = command.body
    match body:
        case CibChange():
            late = reason_against_status(state.facts, command.origin.node, body.boot_id)
            if body.status and late is not None:
                return late
            cib = change_cib(state.cib, body, command.origin)
            return cib if isinstance(cib, Refusal) else _with_cib(state, cib)
        case OpenClient():
            return opened(state, body, command.origin.at_us)
        case CloseClients():
            return closed(state, body)
        case CreateCluster():
            return _created(state, body, command)
        case SetMembers():
            changed = set_members(state.facts, state.cib, body.members, command.generation)
            return _with_members(state, changed, command)
        case GoOnAlone():
            alone = go_on_alone(state.facts, state.cib, body, command.generation)
            return _with_members(state, alone, command)
        case CheckState():  # compared by the replica, which alone can stop
            return state
        case UpdateAttributes() | WriteAttributes() | ForgetAttributes():
            return _with_attributes(state, body, command)
        case _:
            recorded = _recorded(state.facts, state.cib, body, command.origin.at_us)
            if isinstance(recorded, Refusal):
                return recorded
            finish = finished(state.cib, recorded.cib, command.origin)
            if isinstance(finish, Refusal):
                return finish
            held = without_ended(state.attributes, state.facts, recorded.facts)
            return _with_cib(replace(state, facts=recorded.facts, attributes=held), finish)


def _with_members(state: State, recorded: Recorded, command: Command) -> State:
    finish = finished(state.cib, recorded.cib, command.origin)
    held = without_ended(state.attributes, state.facts, recorded.facts)
    after = replace(state, facts=recorded.facts, attributes=held)
    # The log goes by the members already; a CIB that still needs a node that is gone keeps it.
    return after if isinstance(finish, Refusal) else _with_cib(after, finish)


def _with_cib(state: State, cib: Element) -> State:
    return state if cib is state.cib else replace(state, cib=cib)


def _with_attributes(
    state: State, body: UpdateAttributes | WriteAttributes | ForgetAttributes, command: Command
) -> State | Refusal:
    now = Attributes(state.cib, state.attributes)
    match body:
        case UpdateAttributes():
            after = updated(now, body.changes, state.index)
        case WriteAttributes():
            after = written(now, body)
        case ForgetAttributes():
            cib = without_values(state.cib, body.node)
            after = Attributes(cib, forgotten(state.attributes, body.node))
    if isinstance(after, Refusal):
        return after
    finish = finished(state.cib, after.cib, command.origin)
    if isinstance(finish, Refusal):
        return finish
    return _with_cib(replace(state, attributes=after.held), finish)


def _recorded(facts: Facts, cib: Element, body: Fact, at_us: int) -> Recorded | Refusal:
    match body:
        case LeaderStarted():
            return leader_started(facts, cib, body)
        case OpenSession():
            stranger = reason_against_stranger(facts, body.node)
            return stranger or open_session(facts, cib, body, at_us)
        case LeaveSession():
            return _forgetting(leave_session(facts, cib, body))
        case NodeLost():
            return node_lost(facts, cib, body)
        case ControllerLost():
            return controller_lost(facts, cib, body)
        case RenewSession():
            return renew_session(facts, cib, body, at_us)
        case AcquireDc():
            return acquire_dc(facts, cib, body)
        case ReleaseDc():
            return release_dc(facts, cib, body)
        case FenceIntent():
            return fence_intent(facts, cib, body)
        case FenceResult():
            return _forgetting(fence_result(facts, cib, body))
        case _:
            assert_never(body)


def _forgetting(recorded: Recorded | Refusal) -> Recorded | Refusal:
    """Forget a node that was removed from the cluster, now that it is down."""
    if isinstance(recorded, Refusal):
        return recorded
    return without_strangers(recorded.facts, recorded.cib)


def _created(state: State, body: CreateCluster, command: Command) -> State | Refusal:
    """Bring the cluster to life; asked again, it lives already and nothing changes."""
    if state.facts.cluster_id:
        return state
    if not command.cluster_id:
        return refused(
            ExitCode.INVALID_PARAM, "no-cluster-id", "", "a cluster needs an id", "choose one"
        )
    try:
        cib = parse(body.cib)
    except BadXml as error:
        return refused(ExitCode.DATAERR, "bad-xml", "/cib", str(error), "mend the XML")
    configuration = cib.child("configuration")
    twice = duplicate_ids(configuration) if configuration is not None else ()
    if twice:
        return Refusal(ExitCode.CONFIG, twice)
    finish = finished(state.cib, cib, command.origin)
    if isinstance(finish, Refusal):
        return finish
    facts = replace(state.facts, cluster_id=command.cluster_id, generation=command.generation)
    assert version_of(finish) >= version_of(state.cib)
    return replace(state, cib=finish, facts=facts)
