from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_ERROR: _ClassVar[Severity]
    SEVERITY_WARNING: _ClassVar[Severity]
SEVERITY_UNSPECIFIED: Severity
SEVERITY_ERROR: Severity
SEVERITY_WARNING: Severity

class Identity(_message.Message):
    __slots__ = ("protocol", "protocol_min", "cluster_id", "generation", "node", "boot_id", "program", "version", "feature_level")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_MIN_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURE_LEVEL_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    protocol_min: int
    cluster_id: str
    generation: int
    node: str
    boot_id: str
    program: str
    version: str
    feature_level: int
    def __init__(self, protocol: _Optional[int] = ..., protocol_min: _Optional[int] = ..., cluster_id: _Optional[str] = ..., generation: _Optional[int] = ..., node: _Optional[str] = ..., boot_id: _Optional[str] = ..., program: _Optional[str] = ..., version: _Optional[str] = ..., feature_level: _Optional[int] = ...) -> None: ...

class HelloRequest(_message.Message):
    __slots__ = ("identity",)
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    identity: Identity
    def __init__(self, identity: _Optional[_Union[Identity, _Mapping]] = ...) -> None: ...

class HelloReply(_message.Message):
    __slots__ = ("identity",)
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    identity: Identity
    def __init__(self, identity: _Optional[_Union[Identity, _Mapping]] = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ("generation", "counter")
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    generation: int
    counter: int
    def __init__(self, generation: _Optional[int] = ..., counter: _Optional[int] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("code", "severity", "where", "what", "mend")
    CODE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    MEND_FIELD_NUMBER: _ClassVar[int]
    code: str
    severity: Severity
    where: str
    what: str
    mend: str
    def __init__(self, code: _Optional[str] = ..., severity: _Optional[_Union[Severity, str]] = ..., where: _Optional[str] = ..., what: _Optional[str] = ..., mend: _Optional[str] = ...) -> None: ...

class Origin(_message.Message):
    __slots__ = ("node", "client", "user", "message", "at_us")
    NODE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    node: str
    client: str
    user: str
    message: str
    at_us: int
    def __init__(self, node: _Optional[str] = ..., client: _Optional[str] = ..., user: _Optional[str] = ..., message: _Optional[str] = ..., at_us: _Optional[int] = ...) -> None: ...
