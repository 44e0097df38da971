from raftmaker.wire import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Consistency(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSISTENCY_LINEARIZABLE: _ClassVar[Consistency]
    CONSISTENCY_LOCAL: _ClassVar[Consistency]

class DaemonKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DAEMON_KIND_UNSPECIFIED: _ClassVar[DaemonKind]
    DAEMON_KIND_STORE: _ClassVar[DaemonKind]
    DAEMON_KIND_CONTROLLER: _ClassVar[DaemonKind]

class Presence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRESENCE_UNSPECIFIED: _ClassVar[Presence]
    PRESENCE_MEMBER: _ClassVar[Presence]
    PRESENCE_LOST: _ClassVar[Presence]
    PRESENCE_LEFT: _ClassVar[Presence]

class ControllerPresence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTROLLER_PRESENCE_UNSPECIFIED: _ClassVar[ControllerPresence]
    CONTROLLER_PRESENCE_PRESENT: _ClassVar[ControllerPresence]
    CONTROLLER_PRESENCE_LOST: _ClassVar[ControllerPresence]

class FencePhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FENCE_PHASE_UNSPECIFIED: _ClassVar[FencePhase]
    FENCE_PHASE_INTENDED: _ClassVar[FencePhase]
    FENCE_PHASE_CONFIRMED: _ClassVar[FencePhase]
    FENCE_PHASE_FAILED: _ClassVar[FencePhase]

class MemberKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEMBER_KIND_UNSPECIFIED: _ClassVar[MemberKind]
    MEMBER_KIND_VOTER: _ClassVar[MemberKind]
    MEMBER_KIND_WITNESS: _ClassVar[MemberKind]
    MEMBER_KIND_FOLLOWER: _ClassVar[MemberKind]
CONSISTENCY_LINEARIZABLE: Consistency
CONSISTENCY_LOCAL: Consistency
DAEMON_KIND_UNSPECIFIED: DaemonKind
DAEMON_KIND_STORE: DaemonKind
DAEMON_KIND_CONTROLLER: DaemonKind
PRESENCE_UNSPECIFIED: Presence
PRESENCE_MEMBER: Presence
PRESENCE_LOST: Presence
PRESENCE_LEFT: Presence
CONTROLLER_PRESENCE_UNSPECIFIED: ControllerPresence
CONTROLLER_PRESENCE_PRESENT: ControllerPresence
CONTROLLER_PRESENCE_LOST: ControllerPresence
FENCE_PHASE_UNSPECIFIED: FencePhase
FENCE_PHASE_INTENDED: FencePhase
FENCE_PHASE_CONFIRMED: FencePhase
FENCE_PHASE_FAILED: FencePhase
MEMBER_KIND_UNSPECIFIED: MemberKind
MEMBER_KIND_VOTER: MemberKind
MEMBER_KIND_WITNESS: MemberKind
MEMBER_KIND_FOLLOWER: MemberKind

class CibVersion(_message.Message):
    __slots__ = ("admin_epoch", "epoch", "num_updates")
    ADMIN_EPOCH_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NUM_UPDATES_FIELD_NUMBER: _ClassVar[int]
    admin_epoch: int
    epoch: int
    num_updates: int
    def __init__(self, admin_epoch: _Optional[int] = ..., epoch: _Optional[int] = ..., num_updates: _Optional[int] = ...) -> None: ...

class QueryRequest(_message.Message):
    __slots__ = ("scope", "xpath", "no_children", "consistency", "facts", "user")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    XPATH_FIELD_NUMBER: _ClassVar[int]
    NO_CHILDREN_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    scope: str
    xpath: str
    no_children: bool
    consistency: Consistency
    facts: bool
    user: str
    def __init__(self, scope: _Optional[str] = ..., xpath: _Optional[str] = ..., no_children: _Optional[bool] = ..., consistency: _Optional[_Union[Consistency, str]] = ..., facts: _Optional[bool] = ..., user: _Optional[str] = ...) -> None: ...

class QueryReply(_message.Message):
    __slots__ = ("xml", "version", "index", "facts")
    XML_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    xml: _containers.RepeatedScalarFieldContainer[str]
    version: CibVersion
    index: int
    facts: Facts
    def __init__(self, xml: _Optional[_Iterable[str]] = ..., version: _Optional[_Union[CibVersion, _Mapping]] = ..., index: _Optional[int] = ..., facts: _Optional[_Union[Facts, _Mapping]] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("kind", "scope", "xpath", "xml", "all", "score")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Operation.Kind]
        KIND_CREATE: _ClassVar[Operation.Kind]
        KIND_MODIFY: _ClassVar[Operation.Kind]
        KIND_REPLACE: _ClassVar[Operation.Kind]
        KIND_DELETE: _ClassVar[Operation.Kind]
        KIND_PATCH: _ClassVar[Operation.Kind]
        KIND_ERASE: _ClassVar[Operation.Kind]
        KIND_BUMP: _ClassVar[Operation.Kind]
    KIND_UNSPECIFIED: Operation.Kind
    KIND_CREATE: Operation.Kind
    KIND_MODIFY: Operation.Kind
    KIND_REPLACE: Operation.Kind
    KIND_DELETE: Operation.Kind
    KIND_PATCH: Operation.Kind
    KIND_ERASE: Operation.Kind
    KIND_BUMP: Operation.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    XPATH_FIELD_NUMBER: _ClassVar[int]
    XML_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    kind: Operation.Kind
    scope: str
    xpath: str
    xml: str
    all: bool
    score: bool
    def __init__(self, kind: _Optional[_Union[Operation.Kind, str]] = ..., scope: _Optional[str] = ..., xpath: _Optional[str] = ..., xml: _Optional[str] = ..., all: _Optional[bool] = ..., score: _Optional[bool] = ...) -> None: ...

class ChangeRequest(_message.Message):
    __slots__ = ("operations", "origin", "base", "rehearse", "client_id", "sequence", "token", "user")
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    REHEARSE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    origin: _types_pb2.Origin
    base: CibVersion
    rehearse: bool
    client_id: str
    sequence: int
    token: _types_pb2.Token
    user: str
    def __init__(self, operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ..., origin: _Optional[_Union[_types_pb2.Origin, _Mapping]] = ..., base: _Optional[_Union[CibVersion, _Mapping]] = ..., rehearse: _Optional[bool] = ..., client_id: _Optional[str] = ..., sequence: _Optional[int] = ..., token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., user: _Optional[str] = ...) -> None: ...

class ChangeReply(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    def __init__(self, outcome: _Optional[_Union[Outcome, _Mapping]] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("code", "reports", "version", "index")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    code: int
    reports: _containers.RepeatedCompositeFieldContainer[_types_pb2.Report]
    version: CibVersion
    index: int
    def __init__(self, code: _Optional[int] = ..., reports: _Optional[_Iterable[_Union[_types_pb2.Report, _Mapping]]] = ..., version: _Optional[_Union[CibVersion, _Mapping]] = ..., index: _Optional[int] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("after",)
    AFTER_FIELD_NUMBER: _ClassVar[int]
    after: int
    def __init__(self, after: _Optional[int] = ...) -> None: ...

class WatchEvent(_message.Message):
    __slots__ = ("index", "resync", "patch", "facts")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    RESYNC_FIELD_NUMBER: _ClassVar[int]
    PATCH_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    index: int
    resync: str
    patch: str
    facts: Facts
    def __init__(self, index: _Optional[int] = ..., resync: _Optional[str] = ..., patch: _Optional[str] = ..., facts: _Optional[_Union[Facts, _Mapping]] = ...) -> None: ...

class Beat(_message.Message):
    __slots__ = ("identity", "daemon", "session", "sent_at_us", "silences", "members")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    DAEMON_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_US_FIELD_NUMBER: _ClassVar[int]
    SILENCES_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    identity: _types_pb2.Identity
    daemon: DaemonKind
    session: int
    sent_at_us: int
    silences: _containers.RepeatedCompositeFieldContainer[Silence]
    members: int
    def __init__(self, identity: _Optional[_Union[_types_pb2.Identity, _Mapping]] = ..., daemon: _Optional[_Union[DaemonKind, str]] = ..., session: _Optional[int] = ..., sent_at_us: _Optional[int] = ..., silences: _Optional[_Iterable[_Union[Silence, _Mapping]]] = ..., members: _Optional[int] = ...) -> None: ...

class Silence(_message.Message):
    __slots__ = ("node", "boot_id", "session", "node_silent", "heard_again")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    NODE_SILENT_FIELD_NUMBER: _ClassVar[int]
    HEARD_AGAIN_FIELD_NUMBER: _ClassVar[int]
    node: str
    boot_id: str
    session: int
    node_silent: bool
    heard_again: bool
    def __init__(self, node: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ..., node_silent: _Optional[bool] = ..., heard_again: _Optional[bool] = ...) -> None: ...

class BeatAck(_message.Message):
    __slots__ = ("sent_at_us", "voter", "boot_id", "daemon", "index")
    SENT_AT_US_FIELD_NUMBER: _ClassVar[int]
    VOTER_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    DAEMON_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    sent_at_us: int
    voter: str
    boot_id: str
    daemon: DaemonKind
    index: int
    def __init__(self, sent_at_us: _Optional[int] = ..., voter: _Optional[str] = ..., boot_id: _Optional[str] = ..., daemon: _Optional[_Union[DaemonKind, str]] = ..., index: _Optional[int] = ...) -> None: ...

class Datagram(_message.Message):
    __slots__ = ("beat", "answer")
    BEAT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    beat: Beat
    answer: BeatAck
    def __init__(self, beat: _Optional[_Union[Beat, _Mapping]] = ..., answer: _Optional[_Union[BeatAck, _Mapping]] = ...) -> None: ...

class NodeFacts(_message.Message):
    __slots__ = ("node", "boot_id", "session", "presence", "controller", "fencing", "controller_start", "fence_failures", "fence_action")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_FIELD_NUMBER: _ClassVar[int]
    FENCING_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_START_FIELD_NUMBER: _ClassVar[int]
    FENCE_FAILURES_FIELD_NUMBER: _ClassVar[int]
    FENCE_ACTION_FIELD_NUMBER: _ClassVar[int]
    node: str
    boot_id: str
    session: int
    presence: Presence
    controller: ControllerPresence
    fencing: FencePhase
    controller_start: int
    fence_failures: int
    fence_action: str
    def __init__(self, node: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ..., presence: _Optional[_Union[Presence, str]] = ..., controller: _Optional[_Union[ControllerPresence, str]] = ..., fencing: _Optional[_Union[FencePhase, str]] = ..., controller_start: _Optional[int] = ..., fence_failures: _Optional[int] = ..., fence_action: _Optional[str] = ...) -> None: ...

class DcLease(_message.Message):
    __slots__ = ("node", "boot_id", "session", "token")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    node: str
    boot_id: str
    session: int
    token: _types_pb2.Token
    def __init__(self, node: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ..., token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ...) -> None: ...

class Facts(_message.Message):
    __slots__ = ("cluster_id", "generation", "term", "leader", "nodes", "dc", "token", "feature_level", "members")
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    DC_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    FEATURE_LEVEL_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    cluster_id: str
    generation: int
    term: int
    leader: str
    nodes: _containers.RepeatedCompositeFieldContainer[NodeFacts]
    dc: DcLease
    token: _types_pb2.Token
    feature_level: int
    members: Members
    def __init__(self, cluster_id: _Optional[str] = ..., generation: _Optional[int] = ..., term: _Optional[int] = ..., leader: _Optional[str] = ..., nodes: _Optional[_Iterable[_Union[NodeFacts, _Mapping]]] = ..., dc: _Optional[_Union[DcLease, _Mapping]] = ..., token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., feature_level: _Optional[int] = ..., members: _Optional[_Union[Members, _Mapping]] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("name", "kind", "store", "controller", "fencer", "learner", "store_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_FIELD_NUMBER: _ClassVar[int]
    FENCER_FIELD_NUMBER: _ClassVar[int]
    LEARNER_FIELD_NUMBER: _ClassVar[int]
    STORE_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: MemberKind
    store: str
    controller: str
    fencer: str
    learner: bool
    store_id: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[MemberKind, str]] = ..., store: _Optional[str] = ..., controller: _Optional[str] = ..., fencer: _Optional[str] = ..., learner: _Optional[bool] = ..., store_id: _Optional[str] = ...) -> None: ...

class Members(_message.Message):
    __slots__ = ("number", "members", "two_node")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    TWO_NODE_FIELD_NUMBER: _ClassVar[int]
    number: int
    members: _containers.RepeatedCompositeFieldContainer[Member]
    two_node: bool
    def __init__(self, number: _Optional[int] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., two_node: _Optional[bool] = ...) -> None: ...

class AddMemberRequest(_message.Message):
    __slots__ = ("member", "two_node", "origin")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TWO_NODE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    member: Member
    two_node: bool
    origin: _types_pb2.Origin
    def __init__(self, member: _Optional[_Union[Member, _Mapping]] = ..., two_node: _Optional[bool] = ..., origin: _Optional[_Union[_types_pb2.Origin, _Mapping]] = ...) -> None: ...

class RemoveMemberRequest(_message.Message):
    __slots__ = ("name", "force", "origin")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    name: str
    force: bool
    origin: _types_pb2.Origin
    def __init__(self, name: _Optional[str] = ..., force: _Optional[bool] = ..., origin: _Optional[_Union[_types_pb2.Origin, _Mapping]] = ...) -> None: ...

class MembersReply(_message.Message):
    __slots__ = ("outcome", "members")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    members: Members
    def __init__(self, outcome: _Optional[_Union[Outcome, _Mapping]] = ..., members: _Optional[_Union[Members, _Mapping]] = ...) -> None: ...

class ListMembersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MemberStatus(_message.Message):
    __slots__ = ("name", "heard", "behind", "waits_for")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HEARD_FIELD_NUMBER: _ClassVar[int]
    BEHIND_FIELD_NUMBER: _ClassVar[int]
    WAITS_FOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    heard: bool
    behind: int
    waits_for: str
    def __init__(self, name: _Optional[str] = ..., heard: _Optional[bool] = ..., behind: _Optional[int] = ..., waits_for: _Optional[str] = ...) -> None: ...

class ListMembersReply(_message.Message):
    __slots__ = ("members", "status", "leader", "generation")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    members: Members
    status: _containers.RepeatedCompositeFieldContainer[MemberStatus]
    leader: str
    generation: int
    def __init__(self, members: _Optional[_Union[Members, _Mapping]] = ..., status: _Optional[_Iterable[_Union[MemberStatus, _Mapping]]] = ..., leader: _Optional[str] = ..., generation: _Optional[int] = ...) -> None: ...

class MayGoAloneRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LogPlace(_message.Message):
    __slots__ = ("term", "last_index", "generation", "number")
    TERM_FIELD_NUMBER: _ClassVar[int]
    LAST_INDEX_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    term: int
    last_index: int
    generation: int
    number: int
    def __init__(self, term: _Optional[int] = ..., last_index: _Optional[int] = ..., generation: _Optional[int] = ..., number: _Optional[int] = ...) -> None: ...

class MayGoAloneReply(_message.Message):
    __slots__ = ("place", "peer", "boot_id")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    place: LogPlace
    peer: str
    boot_id: str
    def __init__(self, place: _Optional[_Union[LogPlace, _Mapping]] = ..., peer: _Optional[str] = ..., boot_id: _Optional[str] = ...) -> None: ...

class GoAloneRequest(_message.Message):
    __slots__ = ("place", "proof")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    place: LogPlace
    proof: FencingProof
    def __init__(self, place: _Optional[_Union[LogPlace, _Mapping]] = ..., proof: _Optional[_Union[FencingProof, _Mapping]] = ...) -> None: ...

class GoAloneReply(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    def __init__(self, outcome: _Optional[_Union[Outcome, _Mapping]] = ...) -> None: ...

class FencingProof(_message.Message):
    __slots__ = ("target", "boot_id", "action", "devices", "at_us")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    target: str
    boot_id: str
    action: str
    devices: _containers.RepeatedScalarFieldContainer[str]
    at_us: int
    def __init__(self, target: _Optional[str] = ..., boot_id: _Optional[str] = ..., action: _Optional[str] = ..., devices: _Optional[_Iterable[str]] = ..., at_us: _Optional[int] = ...) -> None: ...

class GoOnAlone(_message.Message):
    __slots__ = ("survivor", "store_id", "number", "proof")
    SURVIVOR_FIELD_NUMBER: _ClassVar[int]
    STORE_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    survivor: str
    store_id: str
    number: int
    proof: FencingProof
    def __init__(self, survivor: _Optional[str] = ..., store_id: _Optional[str] = ..., number: _Optional[int] = ..., proof: _Optional[_Union[FencingProof, _Mapping]] = ...) -> None: ...

class RecordRequest(_message.Message):
    __slots__ = ("command",)
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    command: Command
    def __init__(self, command: _Optional[_Union[Command, _Mapping]] = ...) -> None: ...

class RecordReply(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    def __init__(self, outcome: _Optional[_Union[Outcome, _Mapping]] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("format", "cluster_id", "generation", "client_id", "sequence", "origin", "token", "change", "open_client", "close_clients", "leader_started", "open_session", "leave_session", "node_lost", "controller_lost", "renew_session", "acquire_dc", "release_dc", "fence_intent", "fence_result", "create_cluster", "check_state", "update_attributes", "write_attributes", "forget_attributes", "set_members", "go_on_alone")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    OPEN_CLIENT_FIELD_NUMBER: _ClassVar[int]
    CLOSE_CLIENTS_FIELD_NUMBER: _ClassVar[int]
    LEADER_STARTED_FIELD_NUMBER: _ClassVar[int]
    OPEN_SESSION_FIELD_NUMBER: _ClassVar[int]
    LEAVE_SESSION_FIELD_NUMBER: _ClassVar[int]
    NODE_LOST_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_LOST_FIELD_NUMBER: _ClassVar[int]
    RENEW_SESSION_FIELD_NUMBER: _ClassVar[int]
    ACQUIRE_DC_FIELD_NUMBER: _ClassVar[int]
    RELEASE_DC_FIELD_NUMBER: _ClassVar[int]
    FENCE_INTENT_FIELD_NUMBER: _ClassVar[int]
    FENCE_RESULT_FIELD_NUMBER: _ClassVar[int]
    CREATE_CLUSTER_FIELD_NUMBER: _ClassVar[int]
    CHECK_STATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    WRITE_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    FORGET_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    SET_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    GO_ON_ALONE_FIELD_NUMBER: _ClassVar[int]
    format: int
    cluster_id: str
    generation: int
    client_id: str
    sequence: int
    origin: _types_pb2.Origin
    token: _types_pb2.Token
    change: CibChange
    open_client: OpenClient
    close_clients: CloseClients
    leader_started: LeaderStarted
    open_session: OpenSession
    leave_session: LeaveSession
    node_lost: NodeLost
    controller_lost: ControllerLost
    renew_session: RenewSession
    acquire_dc: AcquireDc
    release_dc: ReleaseDc
    fence_intent: FenceIntent
    fence_result: FenceResult
    create_cluster: CreateCluster
    check_state: CheckState
    update_attributes: UpdateAttributes
    write_attributes: WriteAttributes
    forget_attributes: ForgetAttributes
    set_members: Members
    go_on_alone: GoOnAlone
    def __init__(self, format: _Optional[int] = ..., cluster_id: _Optional[str] = ..., generation: _Optional[int] = ..., client_id: _Optional[str] = ..., sequence: _Optional[int] = ..., origin: _Optional[_Union[_types_pb2.Origin, _Mapping]] = ..., token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., change: _Optional[_Union[CibChange, _Mapping]] = ..., open_client: _Optional[_Union[OpenClient, _Mapping]] = ..., close_clients: _Optional[_Union[CloseClients, _Mapping]] = ..., leader_started: _Optional[_Union[LeaderStarted, _Mapping]] = ..., open_session: _Optional[_Union[OpenSession, _Mapping]] = ..., leave_session: _Optional[_Union[LeaveSession, _Mapping]] = ..., node_lost: _Optional[_Union[NodeLost, _Mapping]] = ..., controller_lost: _Optional[_Union[ControllerLost, _Mapping]] = ..., renew_session: _Optional[_Union[RenewSession, _Mapping]] = ..., acquire_dc: _Optional[_Union[AcquireDc, _Mapping]] = ..., release_dc: _Optional[_Union[ReleaseDc, _Mapping]] = ..., fence_intent: _Optional[_Union[FenceIntent, _Mapping]] = ..., fence_result: _Optional[_Union[FenceResult, _Mapping]] = ..., create_cluster: _Optional[_Union[CreateCluster, _Mapping]] = ..., check_state: _Optional[_Union[CheckState, _Mapping]] = ..., update_attributes: _Optional[_Union[UpdateAttributes, _Mapping]] = ..., write_attributes: _Optional[_Union[WriteAttributes, _Mapping]] = ..., forget_attributes: _Optional[_Union[ForgetAttributes, _Mapping]] = ..., set_members: _Optional[_Union[Members, _Mapping]] = ..., go_on_alone: _Optional[_Union[GoOnAlone, _Mapping]] = ...) -> None: ...

class CibChange(_message.Message):
    __slots__ = ("operations", "preconditions", "status", "boot_id")
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    PRECONDITIONS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    preconditions: _containers.RepeatedCompositeFieldContainer[Precondition]
    status: bool
    boot_id: str
    def __init__(self, operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ..., preconditions: _Optional[_Iterable[_Union[Precondition, _Mapping]]] = ..., status: _Optional[bool] = ..., boot_id: _Optional[str] = ...) -> None: ...

class Precondition(_message.Message):
    __slots__ = ("path", "digest")
    PATH_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    path: str
    digest: bytes
    def __init__(self, path: _Optional[str] = ..., digest: _Optional[bytes] = ...) -> None: ...

class OpenClient(_message.Message):
    __slots__ = ("client_id",)
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    def __init__(self, client_id: _Optional[str] = ...) -> None: ...

class CloseClients(_message.Message):
    __slots__ = ("client_ids",)
    CLIENT_IDS_FIELD_NUMBER: _ClassVar[int]
    client_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, client_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class LeaderStarted(_message.Message):
    __slots__ = ("term", "leader")
    TERM_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    term: int
    leader: str
    def __init__(self, term: _Optional[int] = ..., leader: _Optional[str] = ...) -> None: ...

class OpenSession(_message.Message):
    __slots__ = ("node", "boot_id", "controller_start", "replaces")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_START_FIELD_NUMBER: _ClassVar[int]
    REPLACES_FIELD_NUMBER: _ClassVar[int]
    node: str
    boot_id: str
    controller_start: int
    replaces: int
    def __init__(self, node: _Optional[str] = ..., boot_id: _Optional[str] = ..., controller_start: _Optional[int] = ..., replaces: _Optional[int] = ...) -> None: ...

class LeaveSession(_message.Message):
    __slots__ = ("node", "boot_id", "session")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    node: str
    boot_id: str
    session: int
    def __init__(self, node: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ...) -> None: ...

class NodeLost(_message.Message):
    __slots__ = ("node", "boot_id", "session", "term")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    node: str
    boot_id: str
    session: int
    term: int
    def __init__(self, node: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ..., term: _Optional[int] = ...) -> None: ...

class ControllerLost(_message.Message):
    __slots__ = ("node", "boot_id", "session", "term")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    node: str
    boot_id: str
    session: int
    term: int
    def __init__(self, node: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ..., term: _Optional[int] = ...) -> None: ...

class RenewSession(_message.Message):
    __slots__ = ("node", "boot_id", "session")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    node: str
    boot_id: str
    session: int
    def __init__(self, node: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ...) -> None: ...

class AcquireDc(_message.Message):
    __slots__ = ("node", "boot_id", "session")
    NODE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    node: str
    boot_id: str
    session: int
    def __init__(self, node: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ...) -> None: ...

class ReleaseDc(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: _types_pb2.Token
    def __init__(self, token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ...) -> None: ...

class FenceIntent(_message.Message):
    __slots__ = ("target", "boot_id", "session", "action", "reason")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    target: str
    boot_id: str
    session: int
    action: str
    reason: str
    def __init__(self, target: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ..., action: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class FenceResult(_message.Message):
    __slots__ = ("target", "boot_id", "session", "confirmed", "device", "reason")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    target: str
    boot_id: str
    session: int
    confirmed: bool
    device: str
    reason: str
    def __init__(self, target: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ..., confirmed: _Optional[bool] = ..., device: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CreateCluster(_message.Message):
    __slots__ = ("cib",)
    CIB_FIELD_NUMBER: _ClassVar[int]
    cib: str
    def __init__(self, cib: _Optional[str] = ...) -> None: ...

class CheckState(_message.Message):
    __slots__ = ("index", "digest")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    index: int
    digest: bytes
    def __init__(self, index: _Optional[int] = ..., digest: _Optional[bytes] = ...) -> None: ...

class UpdateAttributes(_message.Message):
    __slots__ = ("changes",)
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[AttributeChange]
    def __init__(self, changes: _Optional[_Iterable[_Union[AttributeChange, _Mapping]]] = ...) -> None: ...

class AttributeChange(_message.Message):
    __slots__ = ("name", "node", "value", "summand", "delay_ms", "new_delay", "private", "set_name", "utilization")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SUMMAND_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    NEW_DELAY_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_FIELD_NUMBER: _ClassVar[int]
    SET_NAME_FIELD_NUMBER: _ClassVar[int]
    UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    value: str
    summand: int
    delay_ms: int
    new_delay: bool
    private: bool
    set_name: str
    utilization: bool
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., value: _Optional[str] = ..., summand: _Optional[int] = ..., delay_ms: _Optional[int] = ..., new_delay: _Optional[bool] = ..., private: _Optional[bool] = ..., set_name: _Optional[str] = ..., utilization: _Optional[bool] = ...) -> None: ...

class WriteAttributes(_message.Message):
    __slots__ = ("name", "changed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    name: str
    changed: int
    def __init__(self, name: _Optional[str] = ..., changed: _Optional[int] = ...) -> None: ...

class ForgetAttributes(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class AttributesRequest(_message.Message):
    __slots__ = ("name", "node", "consistency")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    consistency: Consistency
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, str]] = ...) -> None: ...

class AttributeValue(_message.Message):
    __slots__ = ("name", "node", "value", "private", "waits", "utilization")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_FIELD_NUMBER: _ClassVar[int]
    WAITS_FIELD_NUMBER: _ClassVar[int]
    UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    value: str
    private: bool
    waits: bool
    utilization: bool
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., value: _Optional[str] = ..., private: _Optional[bool] = ..., waits: _Optional[bool] = ..., utilization: _Optional[bool] = ...) -> None: ...

class AttributesReply(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[AttributeValue]
    def __init__(self, values: _Optional[_Iterable[_Union[AttributeValue, _Mapping]]] = ...) -> None: ...

class SettleRequest(_message.Message):
    __slots__ = ("index", "everywhere")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    EVERYWHERE_FIELD_NUMBER: _ClassVar[int]
    index: int
    everywhere: bool
    def __init__(self, index: _Optional[int] = ..., everywhere: _Optional[bool] = ...) -> None: ...

class SettleReply(_message.Message):
    __slots__ = ("absent",)
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    absent: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, absent: _Optional[_Iterable[str]] = ...) -> None: ...

class HistoryRequest(_message.Message):
    __slots__ = ("limit", "before", "patches", "at")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    PATCHES_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    before: int
    patches: bool
    at: int
    def __init__(self, limit: _Optional[int] = ..., before: _Optional[int] = ..., patches: _Optional[bool] = ..., at: _Optional[int] = ...) -> None: ...

class HistoryEntry(_message.Message):
    __slots__ = ("revision", "version", "origin", "patch")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    PATCH_FIELD_NUMBER: _ClassVar[int]
    revision: int
    version: CibVersion
    origin: _types_pb2.Origin
    patch: str
    def __init__(self, revision: _Optional[int] = ..., version: _Optional[_Union[CibVersion, _Mapping]] = ..., origin: _Optional[_Union[_types_pb2.Origin, _Mapping]] = ..., patch: _Optional[str] = ...) -> None: ...

class HistoryReply(_message.Message):
    __slots__ = ("entries", "cib")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    CIB_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[HistoryEntry]
    cib: str
    def __init__(self, entries: _Optional[_Iterable[_Union[HistoryEntry, _Mapping]]] = ..., cib: _Optional[str] = ...) -> None: ...

class StoreStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VoterStatus(_message.Message):
    __slots__ = ("node", "heard", "silent_us")
    NODE_FIELD_NUMBER: _ClassVar[int]
    HEARD_FIELD_NUMBER: _ClassVar[int]
    SILENT_US_FIELD_NUMBER: _ClassVar[int]
    node: str
    heard: bool
    silent_us: int
    def __init__(self, node: _Optional[str] = ..., heard: _Optional[bool] = ..., silent_us: _Optional[int] = ...) -> None: ...

class StoreStatusReply(_message.Message):
    __slots__ = ("identity", "leads", "leader", "term", "applied", "committed", "quorate", "voters", "version", "waits_for", "mend")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    LEADS_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    QUORATE_FIELD_NUMBER: _ClassVar[int]
    VOTERS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WAITS_FOR_FIELD_NUMBER: _ClassVar[int]
    MEND_FIELD_NUMBER: _ClassVar[int]
    identity: _types_pb2.Identity
    leads: bool
    leader: str
    term: int
    applied: int
    committed: int
    quorate: bool
    voters: _containers.RepeatedCompositeFieldContainer[VoterStatus]
    version: CibVersion
    waits_for: str
    mend: str
    def __init__(self, identity: _Optional[_Union[_types_pb2.Identity, _Mapping]] = ..., leads: _Optional[bool] = ..., leader: _Optional[str] = ..., term: _Optional[int] = ..., applied: _Optional[int] = ..., committed: _Optional[int] = ..., quorate: _Optional[bool] = ..., voters: _Optional[_Iterable[_Union[VoterStatus, _Mapping]]] = ..., version: _Optional[_Union[CibVersion, _Mapping]] = ..., waits_for: _Optional[str] = ..., mend: _Optional[str] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("format", "index", "cib", "facts", "clients", "attributes")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    CIB_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    CLIENTS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    format: int
    index: int
    cib: str
    facts: Facts
    clients: _containers.RepeatedCompositeFieldContainer[ClientSession]
    attributes: _containers.RepeatedCompositeFieldContainer[HeldAttribute]
    def __init__(self, format: _Optional[int] = ..., index: _Optional[int] = ..., cib: _Optional[str] = ..., facts: _Optional[_Union[Facts, _Mapping]] = ..., clients: _Optional[_Iterable[_Union[ClientSession, _Mapping]]] = ..., attributes: _Optional[_Iterable[_Union[HeldAttribute, _Mapping]]] = ...) -> None: ...

class HeldAttribute(_message.Message):
    __slots__ = ("name", "delay_ms", "private", "set_name", "utilization", "changed", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_FIELD_NUMBER: _ClassVar[int]
    SET_NAME_FIELD_NUMBER: _ClassVar[int]
    UTILIZATION_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    delay_ms: int
    private: bool
    set_name: str
    utilization: bool
    changed: int
    values: _containers.RepeatedCompositeFieldContainer[HeldValue]
    def __init__(self, name: _Optional[str] = ..., delay_ms: _Optional[int] = ..., private: _Optional[bool] = ..., set_name: _Optional[str] = ..., utilization: _Optional[bool] = ..., changed: _Optional[int] = ..., values: _Optional[_Iterable[_Union[HeldValue, _Mapping]]] = ...) -> None: ...

class HeldValue(_message.Message):
    __slots__ = ("node", "value")
    NODE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    node: str
    value: str
    def __init__(self, node: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ClientSession(_message.Message):
    __slots__ = ("client_id", "outcomes", "forgotten", "used_at_us")
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    FORGOTTEN_FIELD_NUMBER: _ClassVar[int]
    USED_AT_US_FIELD_NUMBER: _ClassVar[int]
    client_id: str
    outcomes: _containers.RepeatedCompositeFieldContainer[RememberedOutcome]
    forgotten: int
    used_at_us: int
    def __init__(self, client_id: _Optional[str] = ..., outcomes: _Optional[_Iterable[_Union[RememberedOutcome, _Mapping]]] = ..., forgotten: _Optional[int] = ..., used_at_us: _Optional[int] = ...) -> None: ...

class RememberedOutcome(_message.Message):
    __slots__ = ("sequence", "outcome")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    outcome: Outcome
    def __init__(self, sequence: _Optional[int] = ..., outcome: _Optional[_Union[Outcome, _Mapping]] = ...) -> None: ...

class Asks(_message.Message):
    __slots__ = ("asks",)
    ASKS_FIELD_NUMBER: _ClassVar[int]
    asks: _containers.RepeatedCompositeFieldContainer[Ask]
    def __init__(self, asks: _Optional[_Iterable[_Union[Ask, _Mapping]]] = ...) -> None: ...

class Ask(_message.Message):
    __slots__ = ("number", "timeout_ms", "query", "change", "record")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    number: int
    timeout_ms: int
    query: QueryRequest
    change: ChangeRequest
    record: RecordRequest
    def __init__(self, number: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., query: _Optional[_Union[QueryRequest, _Mapping]] = ..., change: _Optional[_Union[ChangeRequest, _Mapping]] = ..., record: _Optional[_Union[RecordRequest, _Mapping]] = ...) -> None: ...

class Answers(_message.Message):
    __slots__ = ("answers",)
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[Answer]
    def __init__(self, answers: _Optional[_Iterable[_Union[Answer, _Mapping]]] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("number", "query", "change", "record", "failure")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    number: int
    query: QueryReply
    change: ChangeReply
    record: RecordReply
    failure: CallFailure
    def __init__(self, number: _Optional[int] = ..., query: _Optional[_Union[QueryReply, _Mapping]] = ..., change: _Optional[_Union[ChangeReply, _Mapping]] = ..., record: _Optional[_Union[RecordReply, _Mapping]] = ..., failure: _Optional[_Union[CallFailure, _Mapping]] = ...) -> None: ...

class CallFailure(_message.Message):
    __slots__ = ("status", "details")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    status: int
    details: str
    def __init__(self, status: _Optional[int] = ..., details: _Optional[str] = ...) -> None: ...
