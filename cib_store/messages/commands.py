"""Commands on the wire and in the log. Version 1 of the format; another one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, assert_never

from google.protobuf.message import DecodeError

from cib_store.messages.attributes import change_message, change_of
from cib_store.messages.members import members_message, members_of
from cib_store.messages.outcomes import origin_message, origin_of, token_message, token_of
from raftmaker.vocabulary.commands import (
    AcquireDc,
    Body,
    CheckState,
    CibChange,
    CibOperation,
    CloseClients,
    Command,
    ControllerLost,
    CreateCluster,
    FenceIntent,
    FenceResult,
    FencingProof,
    ForgetAttributes,
    GoOnAlone,
    LeaderStarted,
    LeaveSession,
    NodeLost,
    OpenClient,
    OpenSession,
    OperationKind,
    Precondition,
    ReleaseDc,
    RenewSession,
    SetMembers,
    UpdateAttributes,
    WriteAttributes,
)
from raftmaker.vocabulary.ids import BootId, ClientId, ClusterId, NodeName, Session, Term
from raftmaker.wire import store_pb2 as pb

FORMAT = 1
_KINDS: Mapping[OperationKind, pb.Operation.Kind] = {
    OperationKind.CREATE: pb.Operation.KIND_CREATE,
    OperationKind.MODIFY: pb.Operation.KIND_MODIFY,
    OperationKind.REPLACE: pb.Operation.KIND_REPLACE,
    OperationKind.DELETE: pb.Operation.KIND_DELETE,
    OperationKind.PATCH: pb.Operation.KIND_PATCH,
    OperationKind.ERASE: pb.Operation.KIND_ERASE,
    OperationKind.BUMP: pb.Operation.KIND_BUMP,
}
_KINDS_OF = {value: key for key, value in _KINDS.items()}


class _Fields(TypedDict):
    """The fields of an operation's message."""

    kind: pb.Operation.Kind
    scope: str
    xpath: str
    xml: str
    all: bool
    score: bool


class BadCommand(ValueError):
    """The bytes are no command that this version knows; the message says why."""


def encode(command: Command) -> bytes:
    """Write a log entry."""
    return command_message(command).SerializeToString(deterministic=True)


def decode(data: bytes) -> Command:
    """Read a log entry. Raises `BadCommand`."""
    return command_of(_parsed(data))


def is_loss(data: bytes) -> bool:
    """Tell whether a log entry declares a loss, and read no more of it. Raises `BadCommand`."""
    return _parsed(data).WhichOneof("body") in ("node_lost", "controller_lost")


def _parsed(data: bytes) -> pb.Command:
    message = pb.Command()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise BadCommand("the entry is no command") from None
    return message


def command_message(command: Command) -> pb.Command:
    """Write a command."""
    message = pb.Command(
        format=FORMAT,
        cluster_id=command.cluster_id,
        generation=command.generation,
        client_id=command.client_id,
        sequence=command.sequence,
        origin=origin_message(command.origin),
        token=None if command.token is None else token_message(command.token),
    )
    put_body(message, command.body)
    return message


def command_of(message: pb.Command) -> Command:
    """Read a command. Raises `BadCommand` for an unknown format, body, or operation."""
    if message.format != FORMAT:
        raise BadCommand(f"command format {message.format} is not known, only {FORMAT}")
    return Command(
        body=body_of(message),
        cluster_id=ClusterId(message.cluster_id),
        generation=message.generation,
        client_id=ClientId(message.client_id),
        sequence=message.sequence,
        origin=origin_of(message.origin),
        token=token_of(message.token) if message.HasField("token") else None,
    )


def operation_message(operation: CibOperation) -> pb.Operation:
    """Write an operation."""
    return pb.Operation(**_fields(operation))


def _fields(operation: CibOperation) -> _Fields:
    return {
        "kind": _KINDS[operation.kind],
        "scope": operation.scope,
        "xpath": operation.path,
        "xml": operation.xml,
        "all": operation.all,
        "score": operation.score,
    }


def operation_of(message: pb.Operation) -> CibOperation:
    """Read an operation; `path` holds the XPath as it came. Raises `BadCommand`."""
    if message.kind not in _KINDS_OF:
        raise BadCommand(f"operation kind {message.kind} is not known")
    return CibOperation(
        kind=_KINDS_OF[message.kind],
        scope=message.scope,
        path=message.xpath,
        xml=message.xml,
        all=message.all,
        score=message.score,
    )


def _put_change(message: pb.CibChange, change: CibChange) -> None:
    message.status, message.boot_id = change.status, change.boot_id
    for operation in change.operations:  # in its place: a large one is copied once
        message.operations.add(**_fields(operation))
    for condition in change.preconditions:
        message.preconditions.add(path=condition.path, digest=condition.digest)
    message.SetInParent()


def _change_of(message: pb.CibChange) -> CibChange:
    return CibChange(
        operations=tuple(operation_of(operation) for operation in message.operations),
        preconditions=tuple(
            Precondition(path=condition.path, digest=condition.digest)
            for condition in message.preconditions
        ),
        status=message.status,
        boot_id=BootId(message.boot_id),
    )


def put_body(message: pb.Command, body: Body) -> None:
    """Write what a command does into it."""
    match body:
        case CibChange():
            _put_change(message.change, body)
        case OpenClient():
            message.open_client.client_id = body.client_id
        case CloseClients():
            message.close_clients.client_ids.extend(body.client_ids)
            message.close_clients.SetInParent()
        case LeaderStarted():
            message.leader_started.CopyFrom(pb.LeaderStarted(term=body.term, leader=body.leader))
        case OpenSession():
            message.open_session.CopyFrom(
                pb.OpenSession(
                    node=body.node,
                    boot_id=body.boot_id,
                    controller_start=body.controller_start,
                    replaces=body.replaces,
                )
            )
        case CreateCluster():
            message.create_cluster.CopyFrom(pb.CreateCluster(cib=body.cib))
        case CheckState():
            check = pb.CheckState(index=body.index, digest=body.digest)
            message.check_state.CopyFrom(check)
        case SetMembers():
            message.set_members.CopyFrom(members_message(body.members))
        case GoOnAlone():
            message.go_on_alone.CopyFrom(
                pb.GoOnAlone(
                    survivor=body.survivor,
                    store_id=body.store_id,
                    number=body.number,
                    proof=proof_message(body.proof),
                )
            )
        case ReleaseDc():
            message.release_dc.CopyFrom(pb.ReleaseDc(token=token_message(body.token)))
        case FenceIntent() | FenceResult():
            _put_fencing(message, body)
        case UpdateAttributes() | WriteAttributes() | ForgetAttributes():
            _put_attributes(message, body)
        case _:
            _put_session(message, body)


def _put_fencing(message: pb.Command, body: FenceIntent | FenceResult) -> None:
    match body:
        case FenceIntent():
            message.fence_intent.CopyFrom(
                pb.FenceIntent(
                    target=body.target,
                    boot_id=body.boot_id,
                    session=body.session,
                    action=body.action,
                    reason=body.reason,
                )
            )
        case FenceResult():
            message.fence_result.CopyFrom(
                pb.FenceResult(
                    target=body.target,
                    boot_id=body.boot_id,
                    session=body.session,
                    confirmed=body.confirmed,
                    device=body.device,
                    reason=body.reason,
                )
            )
        case _:
            assert_never(body)


def _put_attributes(
    message: pb.Command, body: UpdateAttributes | WriteAttributes | ForgetAttributes
) -> None:
    match body:
        case UpdateAttributes():
            message.update_attributes.changes.extend(change_message(one) for one in body.changes)
            message.update_attributes.SetInParent()
        case WriteAttributes():
            message.write_attributes.CopyFrom(
                pb.WriteAttributes(name=body.name, changed=body.changed)
            )
        case ForgetAttributes():
            message.forget_attributes.node = body.node


_OfSession = LeaveSession | NodeLost | ControllerLost | RenewSession | AcquireDc


def _put_session(message: pb.Command, body: _OfSession) -> None:
    node, boot, session = body.node, body.boot_id, body.session
    match body:
        case LeaveSession():
            message.leave_session.CopyFrom(
                pb.LeaveSession(node=node, boot_id=boot, session=session)
            )
        case RenewSession():
            message.renew_session.CopyFrom(
                pb.RenewSession(node=node, boot_id=boot, session=session)
            )
        case AcquireDc():
            message.acquire_dc.CopyFrom(pb.AcquireDc(node=node, boot_id=boot, session=session))
        case NodeLost():
            message.node_lost.CopyFrom(
                pb.NodeLost(node=node, boot_id=boot, session=session, term=body.term)
            )
        case ControllerLost():
            message.controller_lost.CopyFrom(
                pb.ControllerLost(node=node, boot_id=boot, session=session, term=body.term)
            )
        case _:
            assert_never(body)


def body_of(message: pb.Command) -> Body:
    """Read what a command does. Raises `BadCommand` when it says nothing that is known."""
    match message.WhichOneof("body"):
        case "change":
            return _change_of(message.change)
        case "open_client":
            return OpenClient(ClientId(message.open_client.client_id))
        case "close_clients":
            return CloseClients(tuple(ClientId(one) for one in message.close_clients.client_ids))
        case "leader_started":
            started = message.leader_started
            return LeaderStarted(Term(started.term), NodeName(started.leader))
        case "create_cluster":
            return CreateCluster(message.create_cluster.cib)
        case "check_state":
            return CheckState(index=message.check_state.index, digest=message.check_state.digest)
        case "set_members":
            return _members_of(message.set_members)
        case "go_on_alone":
            alone = message.go_on_alone
            return GoOnAlone(
                survivor=NodeName(alone.survivor),
                store_id=alone.store_id,
                number=alone.number,
                proof=proof_of(alone.proof),
            )
        case "release_dc":
            return ReleaseDc(token_of(message.release_dc.token))
        case "open_session":
            opened = message.open_session
            return OpenSession(
                node=NodeName(opened.node),
                boot_id=BootId(opened.boot_id),
                controller_start=opened.controller_start,
                replaces=Session(opened.replaces),
            )
        case "update_attributes":
            return UpdateAttributes(tuple(map(change_of, message.update_attributes.changes)))
        case "write_attributes":
            return WriteAttributes(message.write_attributes.name, message.write_attributes.changed)
        case "forget_attributes":
            return ForgetAttributes(NodeName(message.forget_attributes.node))
        case "fence_intent":
            return _intent_of(message.fence_intent)
        case "fence_result":
            return _result_of(message.fence_result)
        case _:
            return _session_of(message)


def proof_message(proof: FencingProof) -> pb.FencingProof:
    """Write what a device confirmed."""
    return pb.FencingProof(
        target=proof.target,
        boot_id=proof.boot_id,
        action=proof.action,
        devices=proof.devices,
        at_us=proof.at_us,
    )


def proof_of(message: pb.FencingProof) -> FencingProof:
    """Read it."""
    return FencingProof(
        target=NodeName(message.target),
        boot_id=BootId(message.boot_id),
        action=message.action,
        devices=tuple(message.devices),
        at_us=message.at_us,
    )


def _members_of(message: pb.Members) -> SetMembers:
    try:
        return SetMembers(members_of(message))
    except KeyError:
        raise BadCommand("a member is of a kind that is not known") from None


def _intent_of(message: pb.FenceIntent) -> FenceIntent:
    return FenceIntent(
        target=NodeName(message.target),
        boot_id=BootId(message.boot_id),
        session=Session(message.session),
        action=message.action,
        reason=message.reason,
    )


def _result_of(message: pb.FenceResult) -> FenceResult:
    return FenceResult(
        target=NodeName(message.target),
        boot_id=BootId(message.boot_id),
        session=Session(message.session),
        confirmed=message.confirmed,
        device=message.device,
        reason=message.reason,
    )


class _Named(TypedDict):
    node: NodeName
    boot_id: BootId
    session: Session


_NamedMessage = pb.LeaveSession | pb.RenewSession | pb.AcquireDc | pb.NodeLost | pb.ControllerLost


def _named(message: _NamedMessage) -> _Named:
    return _Named(
        node=NodeName(message.node),
        boot_id=BootId(message.boot_id),
        session=Session(message.session),
    )


def _session_of(message: pb.Command) -> Body:
    match message.WhichOneof("body"):
        case "leave_session":
            return LeaveSession(**_named(message.leave_session))
        case "renew_session":
            return RenewSession(**_named(message.renew_session))
        case "acquire_dc":
            return AcquireDc(**_named(message.acquire_dc))
        case "node_lost":
            return NodeLost(**_named(message.node_lost), term=Term(message.node_lost.term))
        case "controller_lost":
            lost = message.controller_lost
            return ControllerLost(**_named(lost), term=Term(lost.term))
        case other:
            raise BadCommand(f"the command's body is not known ({other or 'none'})")
