"""Commands of the replicated log as values; the wire form is `Command` in proto/store.proto.

A command names everything it depends on (boot id, session, term, token), so that a late one is
recognised and changes nothing. Time and ids are chosen by the proposer: `apply` reads no clock.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from raftmaker.vocabulary.ids import BootId, ClientId, ClusterId, NodeName, Session, Term, Token
from raftmaker.vocabulary.members import Members


class OperationKind(Enum):
    """Operations on the CIB (features 4.2-4.7)."""

    CREATE = "create"
    MODIFY = "modify"
    REPLACE = "replace"
    DELETE = "delete"
    PATCH = "patch"
    ERASE = "erase"
    BUMP = "bump"


class CibOperation(Struct, frozen=True, kw_only=True):
    """One operation. In the log `path` is an element path, never a general XPath."""

    kind: OperationKind
    scope: str = ""
    path: str = ""
    xml: str = ""
    all: bool = False
    score: bool = False


class Precondition(Struct, frozen=True, kw_only=True):
    """The element at `path` still has this SHA-256 digest; empty: it does not exist."""

    path: str
    digest: bytes


class CibChange(Struct, frozen=True, kw_only=True):
    """Change the CIB: all operations or none. `status`: outside history and epoch.

    `boot_id`: the writing controller's; refused when that boot is not its node's any more.
    """

    operations: tuple[CibOperation, ...]
    preconditions: tuple[Precondition, ...] = ()
    status: bool = False
    boot_id: BootId = BootId("")


class OpenClient(Struct, frozen=True):
    """Begin a client session, within which sequence numbers make a retry run once."""

    client_id: ClientId


class CloseClients(Struct, frozen=True):
    """End client sessions; their later requests get SESSION_EXPIRED and are not executed."""

    client_ids: tuple[ClientId, ...]


class LeaderStarted(Struct, frozen=True):
    """A Raft leader starts its term; facts that carry another term are refused from here on."""

    term: Term
    leader: NodeName


class OpenSession(Struct, frozen=True, kw_only=True):
    """A node's controller starts. A new boot id: everything of the old boot is gone.

    `replaces` is the session of the boot before it, 0 where there was none: so the late command of
    a boot that is itself over does not put an end to the present one.
    """

    node: NodeName
    boot_id: BootId
    controller_start: int
    replaces: Session = Session(0)


class LeaveSession(Struct, frozen=True, kw_only=True):
    """A node leaves in good order: its resources are stopped."""

    node: NodeName
    boot_id: BootId
    session: Session


class NodeLost(Struct, frozen=True, kw_only=True):
    """A majority of voters hears nothing of the node; counted by the leader of `term`."""

    node: NodeName
    boot_id: BootId
    session: Session
    term: Term


class ControllerLost(Struct, frozen=True, kw_only=True):
    """A majority of voters hears nothing of the node's controller, but of its store."""

    node: NodeName
    boot_id: BootId
    session: Session
    term: Term


class RenewSession(Struct, frozen=True, kw_only=True):
    """A lost or reported node is heard again: the next session. Refused after a fence intent."""

    node: NodeName
    boot_id: BootId
    session: Session


class AcquireDc(Struct, frozen=True, kw_only=True):
    """Ask to be DC: granted when nobody is, or the holder's session has ended."""

    node: NodeName
    boot_id: BootId
    session: Session


class ReleaseDc(Struct, frozen=True):
    """Give the lease back before a clean stop."""

    token: Token


class FenceIntent(Struct, frozen=True, kw_only=True):
    """The node is to be fenced; committed before any device runs."""

    target: NodeName
    boot_id: BootId
    session: Session
    action: str
    reason: str = ""


class FenceResult(Struct, frozen=True, kw_only=True):
    """How fencing ended; only a confirmed one allows anything of the node's to start elsewhere."""

    target: NodeName
    boot_id: BootId
    session: Session
    confirmed: bool
    device: str = ""
    reason: str = ""


class CreateCluster(Struct, frozen=True):
    """The cluster's birth, with its first CIB as XML."""

    cib: str


class CheckState(Struct, frozen=True, kw_only=True):
    """The state that the leader had at log position `index`; a replica with another one stops."""

    index: int
    digest: bytes


class Sum(Struct, frozen=True):
    """Add this to the present value, as scores are added (features 15.8)."""

    summand: int


class AttributeChange(Struct, frozen=True, kw_only=True):
    """Change one transient attribute of one node (features 15.6-15.8).

    `value`: the new one, a sum with the present one, or None to remove it. `node` empty: only the
    delay changes. `delay_ms` None: a new attribute is written at once, a known one keeps its delay.
    """

    name: str
    node: NodeName
    value: str | Sum | None
    delay_ms: int | None = None
    new_delay: bool = False
    """Let `delay_ms` take the place of a known attribute's delay."""
    private: bool = False
    set_name: str = ""
    utilization: bool = False


class UpdateAttributes(Struct, frozen=True):
    """Change transient attributes, all or none."""

    changes: tuple[AttributeChange, ...]


class WriteAttributes(Struct, frozen=True):
    """Write what waits into the CIB: the attribute `name`, or all where it is empty.

    `changed`: only if this is still its newest change; 0: whatever waits.
    """

    name: str = ""
    changed: int = 0


class ForgetAttributes(Struct, frozen=True):
    """Remove every transient attribute of a node (features 24.16, peer-remove)."""

    node: NodeName


class SetMembers(Struct, frozen=True):
    """Who belongs to the cluster from here on; the log itself goes by it once it is written."""

    members: Members


class FencingProof(Struct, frozen=True, kw_only=True):
    """What fence devices confirmed where no quorum could be asked (protocols, Two nodes).

    `at_us`: when, by the survivor's wall clock, in microseconds since 1970.
    """

    target: NodeName
    boot_id: BootId
    action: str
    devices: tuple[str, ...]
    at_us: int = 0


class GoOnAlone(Struct, frozen=True, kw_only=True):
    """One of two voters goes on in a generation of its own; the first entry of that (25.11).

    The members are those of then, with `survivor` and its store as the only voter; `number` is
    theirs.
    """

    survivor: NodeName
    store_id: str
    number: int
    proof: FencingProof


Body = (
    CibChange
    | OpenClient
    | CloseClients
    | LeaderStarted
    | OpenSession
    | LeaveSession
    | NodeLost
    | ControllerLost
    | RenewSession
    | AcquireDc
    | ReleaseDc
    | FenceIntent
    | FenceResult
    | CreateCluster
    | CheckState
    | UpdateAttributes
    | WriteAttributes
    | ForgetAttributes
    | SetMembers
    | GoOnAlone
)


class Origin(Struct, frozen=True, kw_only=True):
    """Who wants a change, why, and the proposer's wall clock in microseconds since 1970."""

    node: NodeName = NodeName("")
    client: str = ""
    user: str = ""
    message: str = ""
    at_us: int = 0


class Command(Struct, frozen=True, kw_only=True):
    """One entry of the replicated log. `token` is set when a DC writes; `sequence` 0: untracked."""

    body: Body
    cluster_id: ClusterId
    generation: int
    client_id: ClientId = ClientId("")
    sequence: int = 0
    origin: Origin = Origin()
    token: Token | None = None
