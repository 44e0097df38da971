from raftmaker.wire import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EnrolmentRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENROLMENT_ROLE_UNSPECIFIED: _ClassVar[EnrolmentRole]
    ENROLMENT_ROLE_VOTER: _ClassVar[EnrolmentRole]
    ENROLMENT_ROLE_WITNESS: _ClassVar[EnrolmentRole]
    ENROLMENT_ROLE_FOLLOWER: _ClassVar[EnrolmentRole]
    ENROLMENT_ROLE_REMOTE: _ClassVar[EnrolmentRole]
ENROLMENT_ROLE_UNSPECIFIED: EnrolmentRole
ENROLMENT_ROLE_VOTER: EnrolmentRole
ENROLMENT_ROLE_WITNESS: EnrolmentRole
ENROLMENT_ROLE_FOLLOWER: EnrolmentRole
ENROLMENT_ROLE_REMOTE: EnrolmentRole

class JoinToken(_message.Message):
    __slots__ = ("cluster_id", "cluster_name", "node", "addresses", "authority", "id", "secret", "role")
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    cluster_id: str
    cluster_name: str
    node: str
    addresses: _containers.RepeatedScalarFieldContainer[str]
    authority: bytes
    id: bytes
    secret: bytes
    role: EnrolmentRole
    def __init__(self, cluster_id: _Optional[str] = ..., cluster_name: _Optional[str] = ..., node: _Optional[str] = ..., addresses: _Optional[_Iterable[str]] = ..., authority: _Optional[bytes] = ..., id: _Optional[bytes] = ..., secret: _Optional[bytes] = ..., role: _Optional[_Union[EnrolmentRole, str]] = ...) -> None: ...

class SeedPeer(_message.Message):
    __slots__ = ("name", "store", "controller", "fencer", "role")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    CONTROLLER_FIELD_NUMBER: _ClassVar[int]
    FENCER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    store: _containers.RepeatedScalarFieldContainer[str]
    controller: _containers.RepeatedScalarFieldContainer[str]
    fencer: _containers.RepeatedScalarFieldContainer[str]
    role: EnrolmentRole
    def __init__(self, name: _Optional[str] = ..., store: _Optional[_Iterable[str]] = ..., controller: _Optional[_Iterable[str]] = ..., fencer: _Optional[_Iterable[str]] = ..., role: _Optional[_Union[EnrolmentRole, str]] = ...) -> None: ...

class EnrolRequest(_message.Message):
    __slots__ = ("identity", "peer", "certificate_request")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    identity: _types_pb2.Identity
    peer: SeedPeer
    certificate_request: bytes
    def __init__(self, identity: _Optional[_Union[_types_pb2.Identity, _Mapping]] = ..., peer: _Optional[_Union[SeedPeer, _Mapping]] = ..., certificate_request: _Optional[bytes] = ...) -> None: ...

class EnrolReply(_message.Message):
    __slots__ = ("code", "reason", "certificate", "authority", "authority_key", "cluster_key", "cluster_name", "peers")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_KEY_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_KEY_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_NAME_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    certificate: bytes
    authority: bytes
    authority_key: bytes
    cluster_key: bytes
    cluster_name: str
    peers: _containers.RepeatedCompositeFieldContainer[SeedPeer]
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., certificate: _Optional[bytes] = ..., authority: _Optional[bytes] = ..., authority_key: _Optional[bytes] = ..., cluster_key: _Optional[bytes] = ..., cluster_name: _Optional[str] = ..., peers: _Optional[_Iterable[_Union[SeedPeer, _Mapping]]] = ...) -> None: ...
