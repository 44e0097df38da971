from raftmaker.wire import types_pb2 as _types_pb2
from raftmaker.wire import executor_pb2 as _executor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Throttle(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    THROTTLE_UNSPECIFIED: _ClassVar[Throttle]
    THROTTLE_NONE: _ClassVar[Throttle]
    THROTTLE_LOW: _ClassVar[Throttle]
    THROTTLE_MEDIUM: _ClassVar[Throttle]
    THROTTLE_HIGH: _ClassVar[Throttle]
    THROTTLE_EXTREME: _ClassVar[Throttle]
THROTTLE_UNSPECIFIED: Throttle
THROTTLE_NONE: Throttle
THROTTLE_LOW: Throttle
THROTTLE_MEDIUM: Throttle
THROTTLE_HIGH: Throttle
THROTTLE_EXTREME: Throttle

class JoinRequest(_message.Message):
    __slots__ = ("dc", "token", "boot_id", "session")
    DC_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    dc: _types_pb2.Identity
    token: _types_pb2.Token
    boot_id: str
    session: int
    def __init__(self, dc: _Optional[_Union[_types_pb2.Identity, _Mapping]] = ..., token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ...) -> None: ...

class JoinReply(_message.Message):
    __slots__ = ("identity", "executor", "number", "load")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    EXECUTOR_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    identity: _types_pb2.Identity
    executor: _executor_pb2.ExecutorState
    number: int
    load: NodeLoad
    def __init__(self, identity: _Optional[_Union[_types_pb2.Identity, _Mapping]] = ..., executor: _Optional[_Union[_executor_pb2.ExecutorState, _Mapping]] = ..., number: _Optional[int] = ..., load: _Optional[_Union[NodeLoad, _Mapping]] = ...) -> None: ...

class NodeLoad(_message.Message):
    __slots__ = ("mode", "cores", "action_limit")
    MODE_FIELD_NUMBER: _ClassVar[int]
    CORES_FIELD_NUMBER: _ClassVar[int]
    ACTION_LIMIT_FIELD_NUMBER: _ClassVar[int]
    mode: Throttle
    cores: int
    action_limit: int
    def __init__(self, mode: _Optional[_Union[Throttle, str]] = ..., cores: _Optional[int] = ..., action_limit: _Optional[int] = ...) -> None: ...

class LoadReport(_message.Message):
    __slots__ = ("load",)
    LOAD_FIELD_NUMBER: _ClassVar[int]
    load: NodeLoad
    def __init__(self, load: _Optional[_Union[NodeLoad, _Mapping]] = ...) -> None: ...

class LoadReportReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OrderRequest(_message.Message):
    __slots__ = ("boot_id", "operation", "join_number", "remote_node")
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    JOIN_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REMOTE_NODE_FIELD_NUMBER: _ClassVar[int]
    boot_id: str
    operation: _executor_pb2.ExecuteRequest
    join_number: int
    remote_node: str
    def __init__(self, boot_id: _Optional[str] = ..., operation: _Optional[_Union[_executor_pb2.ExecuteRequest, _Mapping]] = ..., join_number: _Optional[int] = ..., remote_node: _Optional[str] = ...) -> None: ...

class OrderReply(_message.Message):
    __slots__ = ("call_id",)
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    def __init__(self, call_id: _Optional[int] = ...) -> None: ...

class ProgressRequest(_message.Message):
    __slots__ = ("once", "node")
    ONCE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    once: bool
    node: str
    def __init__(self, once: _Optional[bool] = ..., node: _Optional[str] = ...) -> None: ...

class ProgressReply(_message.Message):
    __slots__ = ("state", "dc", "token", "quorate", "actions_total", "actions_done", "running", "settled_index", "transition")
    STATE_FIELD_NUMBER: _ClassVar[int]
    DC_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    QUORATE_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_DONE_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    SETTLED_INDEX_FIELD_NUMBER: _ClassVar[int]
    TRANSITION_FIELD_NUMBER: _ClassVar[int]
    state: str
    dc: str
    token: _types_pb2.Token
    quorate: bool
    actions_total: int
    actions_done: int
    running: _containers.RepeatedScalarFieldContainer[str]
    settled_index: int
    transition: int
    def __init__(self, state: _Optional[str] = ..., dc: _Optional[str] = ..., token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., quorate: _Optional[bool] = ..., actions_total: _Optional[int] = ..., actions_done: _Optional[int] = ..., running: _Optional[_Iterable[str]] = ..., settled_index: _Optional[int] = ..., transition: _Optional[int] = ...) -> None: ...

class FenceNodeRequest(_message.Message):
    __slots__ = ("target", "action", "origin", "timeout_ms", "delay_ms")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    target: str
    action: str
    origin: _types_pb2.Origin
    timeout_ms: int
    delay_ms: int
    def __init__(self, target: _Optional[str] = ..., action: _Optional[str] = ..., origin: _Optional[_Union[_types_pb2.Origin, _Mapping]] = ..., timeout_ms: _Optional[int] = ..., delay_ms: _Optional[int] = ...) -> None: ...

class FenceNodeReply(_message.Message):
    __slots__ = ("confirmed", "devices", "reason")
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    confirmed: bool
    devices: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    def __init__(self, confirmed: _Optional[bool] = ..., devices: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ...) -> None: ...

class ConfirmDownRequest(_message.Message):
    __slots__ = ("target", "origin")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    target: str
    origin: _types_pb2.Origin
    def __init__(self, target: _Optional[str] = ..., origin: _Optional[_Union[_types_pb2.Origin, _Mapping]] = ...) -> None: ...

class CleanupRequest(_message.Message):
    __slots__ = ("resource", "node", "operation", "interval_ms", "refresh", "origin")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    resource: str
    node: str
    operation: str
    interval_ms: int
    refresh: bool
    origin: _types_pb2.Origin
    def __init__(self, resource: _Optional[str] = ..., node: _Optional[str] = ..., operation: _Optional[str] = ..., interval_ms: _Optional[int] = ..., refresh: _Optional[bool] = ..., origin: _Optional[_Union[_types_pb2.Origin, _Mapping]] = ...) -> None: ...

class CleanupReply(_message.Message):
    __slots__ = ("cleaned",)
    CLEANED_FIELD_NUMBER: _ClassVar[int]
    cleaned: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, cleaned: _Optional[_Iterable[str]] = ...) -> None: ...

class FailResourceRequest(_message.Message):
    __slots__ = ("resource", "node", "origin")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    resource: str
    node: str
    origin: _types_pb2.Origin
    def __init__(self, resource: _Optional[str] = ..., node: _Optional[str] = ..., origin: _Optional[_Union[_types_pb2.Origin, _Mapping]] = ...) -> None: ...

class FailResourceReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LeaveRequest(_message.Message):
    __slots__ = ("origin",)
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    origin: _types_pb2.Origin
    def __init__(self, origin: _Optional[_Union[_types_pb2.Origin, _Mapping]] = ...) -> None: ...

class LeaveReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("resource", "node")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    resource: str
    node: str
    def __init__(self, resource: _Optional[str] = ..., node: _Optional[str] = ...) -> None: ...

class ExplainReply(_message.Message):
    __slots__ = ("explanations",)
    EXPLANATIONS_FIELD_NUMBER: _ClassVar[int]
    explanations: _containers.RepeatedCompositeFieldContainer[Explanation]
    def __init__(self, explanations: _Optional[_Iterable[_Union[Explanation, _Mapping]]] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("resource", "now_on", "chosen", "role", "verdict", "promotion", "within", "obstacles", "nodes")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    NOW_ON_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_FIELD_NUMBER: _ClassVar[int]
    WITHIN_FIELD_NUMBER: _ClassVar[int]
    OBSTACLES_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    resource: str
    now_on: _containers.RepeatedScalarFieldContainer[str]
    chosen: str
    role: str
    verdict: str
    promotion: str
    within: str
    obstacles: _containers.RepeatedCompositeFieldContainer[Obstacle]
    nodes: _containers.RepeatedCompositeFieldContainer[NodeView]
    def __init__(self, resource: _Optional[str] = ..., now_on: _Optional[_Iterable[str]] = ..., chosen: _Optional[str] = ..., role: _Optional[str] = ..., verdict: _Optional[str] = ..., promotion: _Optional[str] = ..., within: _Optional[str] = ..., obstacles: _Optional[_Iterable[_Union[Obstacle, _Mapping]]] = ..., nodes: _Optional[_Iterable[_Union[NodeView, _Mapping]]] = ...) -> None: ...

class Obstacle(_message.Message):
    __slots__ = ("what", "command")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    what: str
    command: str
    def __init__(self, what: _Optional[str] = ..., command: _Optional[str] = ...) -> None: ...

class NodeView(_message.Message):
    __slots__ = ("node", "score", "chosen", "contributions", "obstacles", "promotion")
    NODE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    OBSTACLES_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_FIELD_NUMBER: _ClassVar[int]
    node: str
    score: str
    chosen: bool
    contributions: _containers.RepeatedCompositeFieldContainer[Contribution]
    obstacles: _containers.RepeatedCompositeFieldContainer[Obstacle]
    promotion: str
    def __init__(self, node: _Optional[str] = ..., score: _Optional[str] = ..., chosen: _Optional[bool] = ..., contributions: _Optional[_Iterable[_Union[Contribution, _Mapping]]] = ..., obstacles: _Optional[_Iterable[_Union[Obstacle, _Mapping]]] = ..., promotion: _Optional[str] = ...) -> None: ...

class Contribution(_message.Message):
    __slots__ = ("origin", "detail", "added", "before", "was_candidate", "after")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    WAS_CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    origin: str
    detail: str
    added: int
    before: int
    was_candidate: bool
    after: int
    def __init__(self, origin: _Optional[str] = ..., detail: _Optional[str] = ..., added: _Optional[int] = ..., before: _Optional[int] = ..., was_candidate: _Optional[bool] = ..., after: _Optional[int] = ...) -> None: ...
