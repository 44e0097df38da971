"""Client sessions: a request asked twice is executed once (protocols, Commands)."""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.apply.state import OUTCOMES_KEPT, ClientSession, State
from cib_store.document.refusal import Refusal, refused
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CloseClients, Command, OpenClient
from raftmaker.vocabulary.outcomes import Outcome


def earlier_outcome(state: State, command: Command) -> Outcome | Refusal | None:
    """Return the outcome that the request had, a refusal of its session, or None: execute it."""
    if not command.sequence:
        return None
    session = state.clients.get(command.client_id)
    if session is None:
        return refused(
            ExitCode.DISCONNECT,
            "session-expired",
            command.client_id,
            "the client session is not known; nothing was executed",
            "open a new session, look whether the earlier request was done, and ask again",
        )
    known = session.outcomes.get(command.sequence)
    if known is not None:
        return known
    if command.sequence <= session.forgotten:
        return refused(
            ExitCode.DISCONNECT,
            "sequence-forgotten",
            command.client_id,
            f"the outcome of request {command.sequence} is not kept any more",
            "look whether it was done, and ask with a new number",
        )
    return None


def remembering(state: State, command: Command, outcome: Outcome) -> State:
    """Return the state in which the client's request has this outcome."""
    session = state.clients.get(command.client_id) if command.sequence else None
    if session is None:
        return state
    outcomes = {**session.outcomes, command.sequence: outcome}
    forgotten = session.forgotten
    while len(outcomes) > OUTCOMES_KEPT:
        oldest = min(outcomes)
        del outcomes[oldest]
        forgotten = max(forgotten, oldest)
    session = ClientSession(
        outcomes=outcomes,
        forgotten=forgotten,
        used_at_us=max(session.used_at_us, command.origin.at_us),
    )
    return replace(state, clients={**state.clients, command.client_id: session})


def opened(state: State, body: OpenClient, at_us: int) -> State | Refusal:
    """Begin a session. A second opening of the same one changes nothing."""
    if not body.client_id:
        return refused(
            ExitCode.INVALID_PARAM, "no-client-id", "", "a client session needs an id", "choose one"
        )
    if body.client_id in state.clients:
        return state
    clients = {**state.clients, body.client_id: ClientSession(used_at_us=at_us)}
    return replace(state, clients=clients)


def closed(state: State, body: CloseClients) -> State:
    """End sessions; those that are not there are passed over."""
    ended = frozenset(body.client_ids)
    clients = {name: session for name, session in state.clients.items() if name not in ended}
    return state if len(clients) == len(state.clients) else replace(state, clients=clients)
