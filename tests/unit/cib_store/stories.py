"""Short ways to write a sequence of commands and look at what became of the state."""

from __future__ import annotations

from cib_store.apply import State, apply
from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.document.path import find
from cib_store.document.sections import empty_cib
from raftmaker.vocabulary.commands import (
    AcquireDc,
    Body,
    CibChange,
    CibOperation,
    Command,
    CreateCluster,
    LeaderStarted,
    OpenSession,
    OperationKind,
    Origin,
)
from raftmaker.vocabulary.ids import BootId, ClientId, ClusterId, NodeName, Session, Term, Token
from raftmaker.vocabulary.outcomes import Outcome

CLUSTER = ClusterId("c1")
A, B, C = NodeName("a"), NodeName("b"), NodeName("c")
BOOT = BootId("boot-1")


def command(
    body: Body, *, client: str = "", sequence: int = 0, token: Token | None = None, node: str = ""
) -> Command:
    return Command(
        body=body,
        cluster_id=CLUSTER,
        generation=1,
        client_id=ClientId(client),
        sequence=sequence,
        token=token,
        origin=Origin(node=NodeName(node), client="test", user="me", at_us=1_700_000_000_000_000),
    )


def then(state: State, body: Body | Command) -> tuple[State, Outcome]:
    order = body if isinstance(body, Command) else command(body)
    return apply(state, state.index + 1, order)


def told(state: State, *bodies: Body | Command) -> State:
    """Apply all; every one must succeed."""
    for body in bodies:
        state, outcome = then(state, body)
        assert outcome.succeeded, outcome
    return state


def born() -> State:
    cib = empty_cib({"validate-with": "pacemaker-4.0"}, {"cluster-name": "demo"})
    return told(State(), LeaderStarted(Term(1), A), CreateCluster(render(cib)))


def opened(*nodes: NodeName) -> State:
    return told(born(), *(opening(node) for node in nodes))


def opening(node: NodeName, boot: BootId = BOOT, start: int = 1, replaces: int = 0) -> OpenSession:
    return OpenSession(node=node, boot_id=boot, controller_start=start, replaces=Session(replaces))


def with_dc(state: State, node: NodeName = A) -> State:
    facts = state.facts.of(node)
    assert facts is not None
    return told(state, AcquireDc(node=node, boot_id=facts.boot_id, session=facts.session))


def write(kind: OperationKind, xml: str = "", *, scope: str = "", path: str = "") -> CibChange:
    return CibChange(operations=(CibOperation(kind=kind, xml=xml, scope=scope, path=path),))


def node_state(state: State, node: NodeName) -> Element:
    found = find(state.cib, f"/cib/status/node_state[@id='{node}']")
    assert found is not None
    return found


FIRST = Session(1)
