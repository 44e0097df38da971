"""A connection's operations: what the resource says, and how each of them ends (features 22.2)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from lrmd.operations.values import REMOTE_CONNECTION, OperationRequest, Outcome, Result
from raftmaker.runtime.endpoint import is_address
from raftmaker.runtime.settings import REMOTE_PORT
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import Token

LOST_MS = 5_000
"""Without an answer for so long a connection is lost: a daemon that is restarted answers before."""


_DECISIVE = ("start", "migrate_from", "stop")
"""What makes a connection active on a member, or ends that."""


class Phase(Enum):
    """How a controller stands to a remote node."""

    LINKED = "linked"
    LOST = "lost"
    """It is attended to no more: only a new start mends this."""
    HANDED_OVER = "handed over"
    """The connection is moving to another member, which has it already or is about to."""


class Link(Struct, frozen=True, kw_only=True):
    """A connection that was started here."""

    boot_id: str
    token: Token
    answered_ms: int
    phase: Phase = Phase.LINKED
    reason: str = ""
    """Why it was lost."""


def address_of(request: OperationRequest) -> str | None:
    """Return where the remote node listens, ``host:port``; None: the parameters name no address."""
    given = request.parameters
    # A guest node's connection, which nobody configured, has the older name.
    server = given.get("server") or given.get("addr") or str(request.resource)
    port = request.parameters.get("port") or str(REMOTE_PORT)
    host = f"[{server}]" if ":" in server and not server.startswith("[") else server
    address = f"{host}:{port}"
    return address if is_address(address) else None


def answered(link: Link, boot_id: str, at_ms: int) -> Link:
    """The remote node has answered; another boot of it is another node than was connected to."""
    if link.phase is Phase.LINKED and boot_id != link.boot_id:
        return replace(link, phase=Phase.LOST, reason="it was started anew since")
    return replace(link, answered_ms=at_ms)


def refused(link: Link, reason: str) -> Link:
    """The remote node has said no: another controller attends to it."""
    if link.phase is not Phase.LINKED:
        return link
    return replace(link, phase=Phase.LOST, reason=reason)


def silent(link: Link, reason: str, at_ms: int) -> Link:
    """The remote node has not answered; after a while the connection is lost."""
    if link.phase is not Phase.LINKED or at_ms - link.answered_ms < LOST_MS:
        return link
    return replace(link, phase=Phase.LOST, reason=reason)


def handed_over(link: Link) -> Link:
    """Another member is to take the connection: losing it to that one is no failure."""
    return replace(link, phase=Phase.HANDED_OVER) if link.phase is Phase.LINKED else link


def monitored(link: Link | None, *, is_probe: bool) -> Outcome:
    """Return what a monitor tells.

    One that recurs was ordered where the connection is active. That it is gone is a loss, never a
    clean stop: what runs on the node may go on running.
    """
    if link is None and is_probe:
        return Outcome(code=OcfCode.NOT_RUNNING)
    if link is None:
        return failure("the connection is lost: this controller could not take it up again")
    if link.phase is Phase.LOST:
        return failure(f"the connection is lost: {link.reason}")
    return Outcome(code=OcfCode.OK)


def failure(reason: str, code: OcfCode = OcfCode.ERROR) -> Outcome:
    """Return the outcome of an operation that could not be done."""
    return Outcome(code=code, status=OpStatus.DONE, exit_reason=reason)


def started(history: Iterable[Result]) -> tuple[OperationRequest, ...]:
    """Return, of an executor's history, what started each connection that is active there.

    For a controller that was restarted: its connections are taken up again.
    """
    newest: dict[str, Result] = {}
    for result in sorted(history, key=lambda one: one.serial):
        request = result.request
        if request.agent == REMOTE_CONNECTION and request.operation in _DECISIVE:
            newest[request.resource] = result
    return tuple(
        result.request
        for _, result in sorted(newest.items())
        if result.request.operation != "stop" and result.outcome.code is OcfCode.OK
    )
