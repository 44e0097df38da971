"""What tools on a remote node may have a member of the cluster ask for them (features 22.5).

Everything that a person on a member asks of the store, the controller and the fencer; nothing
that daemons say to each other, that changes who belongs to the cluster, or whose truth rests on
somebody's word alone (that a node is down).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from types import MappingProxyType

from msgspec import Struct

CALLS_MAX = 32
"""Calls of one remote node at a time, those that follow something included."""
REQUEST_BYTES_MAX = 4 * 1024 * 1024
CALL_MS_MAX = 600_000
"""How long a call may take that has one answer; a fencing may take minutes."""


class Daemon(Enum):
    """Whom a call is for; the name of its socket."""

    STORE = "cib"
    CONTROLLER = "crmd"
    FENCER = "stonithd"


class CallStatus(IntEnum):
    """How a relayed call ended: gRPC's numbers, of which these are used here."""

    OK = 0
    TIMED_OUT = 4
    NOT_PERMITTED = 7
    TOO_MUCH = 8
    NOT_OFFERED = 12
    UNREACHABLE = 14


class Relayed(Struct, frozen=True):
    """A method that is relayed. `follows`: it has many answers, and ends when the caller ends."""

    daemon: Daemon
    follows: bool = False


class RelayedCall(Struct, frozen=True, kw_only=True):
    """What a tool on a remote node asks. `timeout_ms` 0: no limit of its own."""

    number: int
    method: str = ""
    request: bytes = b""
    timeout_ms: int = 0
    given_up: bool = False
    """Nobody waits any more for the call of this number."""


class RelayedAnswer(Struct, frozen=True, kw_only=True):
    """An answer, the end of a call, or both. `status` None: more follows."""

    number: int
    message: bytes | None = None
    status: int | None = None
    details: str = ""


def _methods() -> Mapping[str, Relayed]:
    store = "Hello Query Change Record Attributes Settle History Status ListMembers"
    controller = "Hello Cleanup FailResource Explain FenceNode"
    fencer = "Hello Devices FencingHistory AgentMetadata FenceAgents"
    found = {
        f"/raftmaker.v1.{service}/{method}": Relayed(daemon)
        for daemon, service, methods in (
            (Daemon.STORE, "Store", store),
            (Daemon.CONTROLLER, "Controller", controller),
            (Daemon.FENCER, "Fencer", fencer),
        )
        for method in methods.split()
    }
    found["/raftmaker.v1.Store/Watch"] = Relayed(Daemon.STORE, follows=True)
    found["/raftmaker.v1.Controller/Progress"] = Relayed(Daemon.CONTROLLER, follows=True)
    return MappingProxyType(found)


RELAYED = _methods()
"""By the full name of the gRPC method."""
CONVERSE = "/raftmaker.v1.Store/Converse"
"""Only an economy of many calls: who is told that it is not offered makes them one by one."""
SERVICES = tuple(sorted({method.split("/")[1] for method in RELAYED}))


def turned_away(call: RelayedCall, under_way: int) -> tuple[CallStatus, str] | None:
    """Return why a call is not made, None where it is. Both ends ask: neither trusts the other.

    `under_way`: how many calls of the same remote node are.
    """
    if call.method == CONVERSE:
        return CallStatus.NOT_OFFERED, "calls from a remote node are made one by one"
    if call.method not in RELAYED:
        what = f"{call.method.rpartition('/')[2] or 'this'} is not done for a remote node"
        return CallStatus.NOT_PERMITTED, f"{what}: give the command on a member of the cluster"
    if len(call.request) > REQUEST_BYTES_MAX:
        limit = REQUEST_BYTES_MAX // 1024 // 1024
        what = f"the request has more than {limit} MiB"
        return CallStatus.TOO_MUCH, f"{what}: give the command on a member of the cluster"
    if under_way >= CALLS_MAX:
        what = f"{CALLS_MAX} calls of this remote node are under way"
        return CallStatus.TOO_MUCH, f"{what}: ask again when some have ended"
    return None


def time_for(call: RelayedCall) -> int | None:
    """Return how long a call may take, in milliseconds; None: until either end ends it."""
    relayed = RELAYED.get(call.method)
    if relayed is not None and relayed.follows:
        return call.timeout_ms or None
    return min(call.timeout_ms or CALL_MS_MAX, CALL_MS_MAX)
