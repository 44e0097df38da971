from raftmaker.wire import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FenceRequest(_message.Message):
    __slots__ = ("token", "target", "boot_id", "session", "action", "timeout_ms", "delay_ms", "client", "incident", "device", "afresh", "origin", "known_index")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    INCIDENT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    AFRESH_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    KNOWN_INDEX_FIELD_NUMBER: _ClassVar[int]
    token: _types_pb2.Token
    target: str
    boot_id: str
    session: int
    action: str
    timeout_ms: int
    delay_ms: int
    client: str
    incident: str
    device: str
    afresh: bool
    origin: str
    known_index: int
    def __init__(self, token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ..., target: _Optional[str] = ..., boot_id: _Optional[str] = ..., session: _Optional[int] = ..., action: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., delay_ms: _Optional[int] = ..., client: _Optional[str] = ..., incident: _Optional[str] = ..., device: _Optional[str] = ..., afresh: _Optional[bool] = ..., origin: _Optional[str] = ..., known_index: _Optional[int] = ...) -> None: ...

class FenceReply(_message.Message):
    __slots__ = ("confirmed", "devices", "reason", "took_ms")
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TOOK_MS_FIELD_NUMBER: _ClassVar[int]
    confirmed: bool
    devices: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    took_ms: int
    def __init__(self, confirmed: _Optional[bool] = ..., devices: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ..., took_ms: _Optional[int] = ...) -> None: ...

class RaiseFencingTokenRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: _types_pb2.Token
    def __init__(self, token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ...) -> None: ...

class RaiseFencingTokenReply(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: _types_pb2.Token
    def __init__(self, token: _Optional[_Union[_types_pb2.Token, _Mapping]] = ...) -> None: ...

class DevicesRequest(_message.Message):
    __slots__ = ("target",)
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: str
    def __init__(self, target: _Optional[str] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("id", "agent", "targets", "host_check", "usable", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    HOST_CHECK_FIELD_NUMBER: _ClassVar[int]
    USABLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    agent: str
    targets: _containers.RepeatedScalarFieldContainer[str]
    host_check: str
    usable: bool
    reason: str
    def __init__(self, id: _Optional[str] = ..., agent: _Optional[str] = ..., targets: _Optional[_Iterable[str]] = ..., host_check: _Optional[str] = ..., usable: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class DevicesReply(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[Device]
    def __init__(self, devices: _Optional[_Iterable[_Union[Device, _Mapping]]] = ...) -> None: ...

class ProbeRequest(_message.Message):
    __slots__ = ("device", "action", "target", "timeout_ms")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    device: str
    action: str
    target: str
    timeout_ms: int
    def __init__(self, device: _Optional[str] = ..., action: _Optional[str] = ..., target: _Optional[str] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class ProbeReply(_message.Message):
    __slots__ = ("code", "status", "output")
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    code: int
    status: int
    output: str
    def __init__(self, code: _Optional[int] = ..., status: _Optional[int] = ..., output: _Optional[str] = ...) -> None: ...

class FencingHistoryRequest(_message.Message):
    __slots__ = ("target", "local")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    target: str
    local: bool
    def __init__(self, target: _Optional[str] = ..., local: _Optional[bool] = ...) -> None: ...

class Fencing(_message.Message):
    __slots__ = ("target", "action", "client", "delegate", "state", "devices", "at_us", "reason", "origin", "keeper", "number")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    DELEGATE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    KEEPER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    target: str
    action: str
    client: str
    delegate: str
    state: str
    devices: _containers.RepeatedScalarFieldContainer[str]
    at_us: int
    reason: str
    origin: str
    keeper: str
    number: int
    def __init__(self, target: _Optional[str] = ..., action: _Optional[str] = ..., client: _Optional[str] = ..., delegate: _Optional[str] = ..., state: _Optional[str] = ..., devices: _Optional[_Iterable[str]] = ..., at_us: _Optional[int] = ..., reason: _Optional[str] = ..., origin: _Optional[str] = ..., keeper: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class FollowFencingsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class NoteFencingRequest(_message.Message):
    __slots__ = ("fencing",)
    FENCING_FIELD_NUMBER: _ClassVar[int]
    fencing: Fencing
    def __init__(self, fencing: _Optional[_Union[Fencing, _Mapping]] = ...) -> None: ...

class NoteFencingReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ClearFencingHistoryRequest(_message.Message):
    __slots__ = ("target", "local")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    target: str
    local: bool
    def __init__(self, target: _Optional[str] = ..., local: _Optional[bool] = ...) -> None: ...

class ClearFencingHistoryReply(_message.Message):
    __slots__ = ("missed",)
    MISSED_FIELD_NUMBER: _ClassVar[int]
    missed: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, missed: _Optional[_Iterable[str]] = ...) -> None: ...

class ValidateAgentRequest(_message.Message):
    __slots__ = ("agent", "parameters", "device", "timeout_ms")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    AGENT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    agent: str
    parameters: _containers.ScalarMap[str, str]
    device: str
    timeout_ms: int
    def __init__(self, agent: _Optional[str] = ..., parameters: _Optional[_Mapping[str, str]] = ..., device: _Optional[str] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class FencingHistoryReply(_message.Message):
    __slots__ = ("fencings",)
    FENCINGS_FIELD_NUMBER: _ClassVar[int]
    fencings: _containers.RepeatedCompositeFieldContainer[Fencing]
    def __init__(self, fencings: _Optional[_Iterable[_Union[Fencing, _Mapping]]] = ...) -> None: ...

class AgentMetadataRequest(_message.Message):
    __slots__ = ("agent",)
    AGENT_FIELD_NUMBER: _ClassVar[int]
    agent: str
    def __init__(self, agent: _Optional[str] = ...) -> None: ...

class AgentMetadataReply(_message.Message):
    __slots__ = ("xml",)
    XML_FIELD_NUMBER: _ClassVar[int]
    xml: str
    def __init__(self, xml: _Optional[str] = ...) -> None: ...

class FenceAgentsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FenceAgentsReply(_message.Message):
    __slots__ = ("agents",)
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, agents: _Optional[_Iterable[str]] = ...) -> None: ...
