from raftmaker.wire import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KeepSecretRequest(_message.Message):
    __slots__ = ("resource", "parameter", "value")
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    resource: str
    parameter: str
    value: str
    def __init__(self, resource: _Optional[str] = ..., parameter: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class KeepSecretReply(_message.Message):
    __slots__ = ("identity",)
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    identity: _types_pb2.Identity
    def __init__(self, identity: _Optional[_Union[_types_pb2.Identity, _Mapping]] = ...) -> None: ...

class RelayedCall(_message.Message):
    __slots__ = ("number", "method", "request", "timeout_ms", "given_up")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    GIVEN_UP_FIELD_NUMBER: _ClassVar[int]
    number: int
    method: str
    request: bytes
    timeout_ms: int
    given_up: bool
    def __init__(self, number: _Optional[int] = ..., method: _Optional[str] = ..., request: _Optional[bytes] = ..., timeout_ms: _Optional[int] = ..., given_up: _Optional[bool] = ...) -> None: ...

class RelayedAnswer(_message.Message):
    __slots__ = ("number", "router", "message", "end")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    number: int
    router: str
    message: bytes
    end: RelayedEnd
    def __init__(self, number: _Optional[int] = ..., router: _Optional[str] = ..., message: _Optional[bytes] = ..., end: _Optional[_Union[RelayedEnd, _Mapping]] = ...) -> None: ...

class RelayedEnd(_message.Message):
    __slots__ = ("status", "details")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    status: int
    details: str
    def __init__(self, status: _Optional[int] = ..., details: _Optional[str] = ...) -> None: ...

class DelegatedRun(_message.Message):
    __slots__ = ("call_id", "request")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    request: ExecuteRequest
    def __init__(self, call_id: _Optional[int] = ..., request: _Optional[_Union[ExecuteRequest, _Mapping]] = ...) -> None: ...

class DelegatedOutcome(_message.Message):
    __slots__ = ("call_id", "code", "status", "exit_reason")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EXIT_REASON_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    code: int
    status: int
    exit_reason: str
    def __init__(self, call_id: _Optional[int] = ..., code: _Optional[int] = ..., status: _Optional[int] = ..., exit_reason: _Optional[str] = ...) -> None: ...

class AttendRequest(_message.Message):
    __slots__ = ("token", "router", "begin")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    token: _types_pb2.Token
    router: str
    begin: bool
    def __init__(self, token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., router: _Optional[str] = ..., begin: _Optional[bool] = ...) -> None: ...

class AttendReply(_message.Message):
    __slots__ = ("boot_id", "leaving")
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    LEAVING_FIELD_NUMBER: _ClassVar[int]
    boot_id: str
    leaving: bool
    def __init__(self, boot_id: _Optional[str] = ..., leaving: _Optional[bool] = ...) -> None: ...

class ReleaseRequest(_message.Message):
    __slots__ = ("router",)
    ROUTER_FIELD_NUMBER: _ClassVar[int]
    router: str
    def __init__(self, router: _Optional[str] = ...) -> None: ...

class ReleaseReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Agent(_message.Message):
    __slots__ = ("standard", "provider", "type")
    STANDARD_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    standard: str
    provider: str
    type: str
    def __init__(self, standard: _Optional[str] = ..., provider: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class ExecuteRequest(_message.Message):
    __slots__ = ("token", "resource", "agent", "operation", "interval_ms", "timeout_ms", "start_delay_ms", "parameters", "meta", "transition_key", "expected_code", "incident", "user_data")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class MetaEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class UserDataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    START_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    TRANSITION_KEY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_CODE_FIELD_NUMBER: _ClassVar[int]
    INCIDENT_FIELD_NUMBER: _ClassVar[int]
    USER_DATA_FIELD_NUMBER: _ClassVar[int]
    token: _types_pb2.Token
    resource: str
    agent: Agent
    operation: str
    interval_ms: int
    timeout_ms: int
    start_delay_ms: int
    parameters: _containers.ScalarMap[str, str]
    meta: _containers.ScalarMap[str, str]
    transition_key: str
    expected_code: int
    incident: str
    user_data: _containers.ScalarMap[str, str]
    def __init__(self, token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., resource: _Optional[str] = ..., agent: _Optional[_Union[Agent, _Mapping]] = ..., operation: _Optional[str] = ..., interval_ms: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., start_delay_ms: _Optional[int] = ..., parameters: _Optional[_Mapping[str, str]] = ..., meta: _Optional[_Mapping[str, str]] = ..., transition_key: _Optional[str] = ..., expected_code: _Optional[int] = ..., incident: _Optional[str] = ..., user_data: _Optional[_Mapping[str, str]] = ...) -> None: ...

class RunByHandReply(_message.Message):
    __slots__ = ("code", "status", "exit_reason", "output")
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EXIT_REASON_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    code: int
    status: int
    exit_reason: str
    output: str
    def __init__(self, code: _Optional[int] = ..., status: _Optional[int] = ..., exit_reason: _Optional[str] = ..., output: _Optional[str] = ...) -> None: ...

class ExecuteReply(_message.Message):
    __slots__ = ("call_id",)
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    def __init__(self, call_id: _Optional[int] = ...) -> None: ...

class CancelRequest(_message.Message):
    __slots__ = ("token", "resource", "operation", "interval_ms", "remote_node")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    REMOTE_NODE_FIELD_NUMBER: _ClassVar[int]
    token: _types_pb2.Token
    resource: str
    operation: str
    interval_ms: int
    remote_node: str
    def __init__(self, token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., resource: _Optional[str] = ..., operation: _Optional[str] = ..., interval_ms: _Optional[int] = ..., remote_node: _Optional[str] = ...) -> None: ...

class CancelReply(_message.Message):
    __slots__ = ("found",)
    FOUND_FIELD_NUMBER: _ClassVar[int]
    found: bool
    def __init__(self, found: _Optional[bool] = ...) -> None: ...

class ForgetRequest(_message.Message):
    __slots__ = ("token", "resource", "operation", "interval_ms", "failure", "remote_node")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    REMOTE_NODE_FIELD_NUMBER: _ClassVar[int]
    token: _types_pb2.Token
    resource: str
    operation: str
    interval_ms: int
    failure: Failure
    remote_node: str
    def __init__(self, token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., resource: _Optional[str] = ..., operation: _Optional[str] = ..., interval_ms: _Optional[int] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., remote_node: _Optional[str] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("call_id", "changed_s")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGED_S_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    changed_s: int
    def __init__(self, call_id: _Optional[int] = ..., changed_s: _Optional[int] = ...) -> None: ...

class ForgetReply(_message.Message):
    __slots__ = ("found",)
    FOUND_FIELD_NUMBER: _ClassVar[int]
    found: bool
    def __init__(self, found: _Optional[bool] = ...) -> None: ...

class RaiseTokenRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: _types_pb2.Token
    def __init__(self, token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ...) -> None: ...

class StateRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExecutorState(_message.Message):
    __slots__ = ("boot_id", "incarnation", "token", "history", "pending", "confirmed_serial")
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_SERIAL_FIELD_NUMBER: _ClassVar[int]
    boot_id: str
    incarnation: str
    token: _types_pb2.Token
    history: _containers.RepeatedCompositeFieldContainer[Result]
    pending: _containers.RepeatedCompositeFieldContainer[Pending]
    confirmed_serial: int
    def __init__(self, boot_id: _Optional[str] = ..., incarnation: _Optional[str] = ..., token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., history: _Optional[_Iterable[_Union[Result, _Mapping]]] = ..., pending: _Optional[_Iterable[_Union[Pending, _Mapping]]] = ..., confirmed_serial: _Optional[int] = ...) -> None: ...

class Pending(_message.Message):
    __slots__ = ("call_id", "request", "running")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    request: ExecuteRequest
    running: bool
    def __init__(self, call_id: _Optional[int] = ..., request: _Optional[_Union[ExecuteRequest, _Mapping]] = ..., running: _Optional[bool] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("call_id", "request", "code", "status", "exit_reason", "last_change_us", "queue_ms", "exec_ms", "serial", "output", "cleared")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EXIT_REASON_FIELD_NUMBER: _ClassVar[int]
    LAST_CHANGE_US_FIELD_NUMBER: _ClassVar[int]
    QUEUE_MS_FIELD_NUMBER: _ClassVar[int]
    EXEC_MS_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CLEARED_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    request: ExecuteRequest
    code: int
    status: int
    exit_reason: str
    last_change_us: int
    queue_ms: int
    exec_ms: int
    serial: int
    output: str
    cleared: bool
    def __init__(self, call_id: _Optional[int] = ..., request: _Optional[_Union[ExecuteRequest, _Mapping]] = ..., code: _Optional[int] = ..., status: _Optional[int] = ..., exit_reason: _Optional[str] = ..., last_change_us: _Optional[int] = ..., queue_ms: _Optional[int] = ..., exec_ms: _Optional[int] = ..., serial: _Optional[int] = ..., output: _Optional[str] = ..., cleared: _Optional[bool] = ...) -> None: ...

class ResultsRequest(_message.Message):
    __slots__ = ("after",)
    AFTER_FIELD_NUMBER: _ClassVar[int]
    after: int
    def __init__(self, after: _Optional[int] = ...) -> None: ...

class ConfirmRequest(_message.Message):
    __slots__ = ("serial",)
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    serial: int
    def __init__(self, serial: _Optional[int] = ...) -> None: ...

class ConfirmReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MetadataRequest(_message.Message):
    __slots__ = ("agent",)
    AGENT_FIELD_NUMBER: _ClassVar[int]
    agent: Agent
    def __init__(self, agent: _Optional[_Union[Agent, _Mapping]] = ...) -> None: ...

class MetadataReply(_message.Message):
    __slots__ = ("xml",)
    XML_FIELD_NUMBER: _ClassVar[int]
    xml: str
    def __init__(self, xml: _Optional[str] = ...) -> None: ...

class AgentsRequest(_message.Message):
    __slots__ = ("standard", "provider")
    STANDARD_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    standard: str
    provider: str
    def __init__(self, standard: _Optional[str] = ..., provider: _Optional[str] = ...) -> None: ...

class AgentsReply(_message.Message):
    __slots__ = ("agents",)
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedCompositeFieldContainer[Agent]
    def __init__(self, agents: _Optional[_Iterable[_Union[Agent, _Mapping]]] = ...) -> None: ...

class AlertRequest(_message.Message):
    __slots__ = ("event", "runs")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    event: str
    runs: _containers.RepeatedCompositeFieldContainer[AlertRun]
    def __init__(self, event: _Optional[str] = ..., runs: _Optional[_Iterable[_Union[AlertRun, _Mapping]]] = ...) -> None: ...

class AlertRun(_message.Message):
    __slots__ = ("alert", "path", "timeout_ms", "variables")
    class VariablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ALERT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    alert: str
    path: str
    timeout_ms: int
    variables: _containers.ScalarMap[str, str]
    def __init__(self, alert: _Optional[str] = ..., path: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., variables: _Optional[_Mapping[str, str]] = ...) -> None: ...

class AlertReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
