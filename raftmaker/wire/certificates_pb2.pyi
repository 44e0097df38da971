from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ShowCertificatesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShowCertificatesReply(_message.Message):
    __slots__ = ("authorities", "certificate")
    AUTHORITIES_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    authorities: bytes
    certificate: bytes
    def __init__(self, authorities: _Optional[bytes] = ..., certificate: _Optional[bytes] = ...) -> None: ...

class TrustRequest(_message.Message):
    __slots__ = ("authorities", "signature", "authority_key")
    AUTHORITIES_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_KEY_FIELD_NUMBER: _ClassVar[int]
    authorities: bytes
    signature: bytes
    authority_key: bytes
    def __init__(self, authorities: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., authority_key: _Optional[bytes] = ...) -> None: ...

class TrustReply(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class CertificateRequestRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CertificateRequestReply(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: bytes
    def __init__(self, request: _Optional[bytes] = ...) -> None: ...

class InstallCertificateRequest(_message.Message):
    __slots__ = ("certificate",)
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    certificate: bytes
    def __init__(self, certificate: _Optional[bytes] = ...) -> None: ...

class InstallCertificateReply(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...
