"""Between the wire's messages and this package's values."""

from __future__ import annotations

from raftmaker.client.values import (
    Cib,
    CibVersion,
    Fenced,
    Fencing,
    Outcome,
    Progress,
    StoreStatus,
    Voter,
)
from raftmaker.runtime.errors import HaError, Rejected
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind
from raftmaker.vocabulary.reports import Report
from raftmaker.wire import controller_pb2 as controller
from raftmaker.wire import fencer_pb2 as fencer
from raftmaker.wire import store_pb2 as store
from raftmaker.wire import types_pb2 as types

_KINDS = {
    OperationKind.CREATE: store.Operation.KIND_CREATE,
    OperationKind.MODIFY: store.Operation.KIND_MODIFY,
    OperationKind.REPLACE: store.Operation.KIND_REPLACE,
    OperationKind.DELETE: store.Operation.KIND_DELETE,
    OperationKind.PATCH: store.Operation.KIND_PATCH,
    OperationKind.ERASE: store.Operation.KIND_ERASE,
    OperationKind.BUMP: store.Operation.KIND_BUMP,
}


def version(wire: store.CibVersion) -> CibVersion:
    """Return a version."""
    return CibVersion(wire.admin_epoch, wire.epoch, wire.num_updates)


def wire_version(value: CibVersion) -> store.CibVersion:
    """Return a version as a message."""
    return store.CibVersion(
        admin_epoch=value.admin_epoch, epoch=value.epoch, num_updates=value.num_updates
    )


def operation(value: CibOperation) -> store.Operation:
    """Return an operation as a message; its path travels as an XPath."""
    return store.Operation(
        kind=_KINDS[value.kind],
        scope=value.scope,
        xpath=value.path,
        xml=value.xml,
        all=value.all,
        score=value.score,
    )


def cib(reply: store.QueryReply, node: str) -> Cib:
    """Return a CIB. Raises `HaError` when the store has none yet."""
    if not reply.xml:
        raise HaError("the store has no CIB yet: the cluster is being created, ask again")
    return Cib(
        xml=reply.xml[0],
        version=version(reply.version),
        index=reply.index,
        leader=reply.facts.leader,
        dc=reply.facts.dc.node if reply.facts.HasField("dc") else "",
        node=node,
    )


def report(wire: types.Report) -> Report:
    """Return a report."""
    return Report(
        code=wire.code,
        where=wire.where,
        what=wire.what,
        mend=wire.mend,
        is_error=wire.severity != types.SEVERITY_WARNING,
    )


def outcome(wire: store.Outcome) -> Outcome:
    """Return how a change ended. Raises `Rejected` when it was refused."""
    reports = tuple(report(each) for each in wire.reports)
    if wire.code != ExitCode.OK:
        try:
            code = ExitCode(wire.code)
        except ValueError:
            code = ExitCode.ERROR
        raise Rejected(code, reports)
    return Outcome(version=version(wire.version), index=wire.index, warnings=reports)


def progress(wire: controller.ProgressReply) -> Progress:
    """Return what a controller does."""
    return Progress(
        state=wire.state,
        dc=wire.dc,
        quorate=wire.quorate,
        actions_total=wire.actions_total,
        actions_done=wire.actions_done,
        running=tuple(wire.running),
        settled_index=wire.settled_index,
        transition=wire.transition,
    )


def fenced(wire: controller.FenceNodeReply) -> Fenced:
    """Return how a fencing ended."""
    return Fenced(confirmed=wire.confirmed, devices=tuple(wire.devices), reason=wire.reason)


def fencing(wire: fencer.Fencing) -> Fencing:
    """Return an entry of the fencing history."""
    return Fencing(
        target=wire.target,
        action=wire.action,
        client=wire.client,
        delegate=wire.delegate,
        state=wire.state,
        devices=tuple(wire.devices),
        at_us=wire.at_us,
        reason=wire.reason,
    )


def store_status(wire: store.StoreStatusReply) -> StoreStatus:
    """Return a replica's description."""
    return StoreStatus(
        node=wire.identity.node,
        leads=wire.leads,
        leader=wire.leader,
        term=wire.term,
        applied=wire.applied,
        committed=wire.committed,
        quorate=wire.quorate,
        voters=tuple(
            Voter(node=each.node, heard=each.heard, silent_us=each.silent_us)
            for each in wire.voters
        ),
        version=version(wire.version),
    )
