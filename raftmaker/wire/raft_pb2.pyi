from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RaftCard(_message.Message):
    __slots__ = ("store_id", "founder", "generation", "number", "knows_you")
    STORE_ID_FIELD_NUMBER: _ClassVar[int]
    FOUNDER_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    KNOWS_YOU_FIELD_NUMBER: _ClassVar[int]
    store_id: str
    founder: bool
    generation: int
    number: int
    knows_you: bool
    def __init__(self, store_id: _Optional[str] = ..., founder: _Optional[bool] = ..., generation: _Optional[int] = ..., number: _Optional[int] = ..., knows_you: _Optional[bool] = ...) -> None: ...

class RaftSeat(_message.Message):
    __slots__ = ("name", "address", "votes", "store_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    VOTES_FIELD_NUMBER: _ClassVar[int]
    STORE_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    address: str
    votes: bool
    store_id: str
    def __init__(self, name: _Optional[str] = ..., address: _Optional[str] = ..., votes: _Optional[bool] = ..., store_id: _Optional[str] = ...) -> None: ...

class RaftConfiguration(_message.Message):
    __slots__ = ("number", "generation", "seats")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    SEATS_FIELD_NUMBER: _ClassVar[int]
    number: int
    generation: int
    seats: _containers.RepeatedCompositeFieldContainer[RaftSeat]
    def __init__(self, number: _Optional[int] = ..., generation: _Optional[int] = ..., seats: _Optional[_Iterable[_Union[RaftSeat, _Mapping]]] = ...) -> None: ...

class RaftReconfiguration(_message.Message):
    __slots__ = ("configuration", "entry")
    CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    configuration: RaftConfiguration
    entry: bytes
    def __init__(self, configuration: _Optional[_Union[RaftConfiguration, _Mapping]] = ..., entry: _Optional[bytes] = ...) -> None: ...

class RaftEntry(_message.Message):
    __slots__ = ("command", "index", "term")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    command: bytes
    index: int
    term: int
    def __init__(self, command: _Optional[bytes] = ..., index: _Optional[int] = ..., term: _Optional[int] = ...) -> None: ...

class RaftMessage(_message.Message):
    __slots__ = ("sent_term", "append", "snapshot_part", "progress", "request_vote", "vote", "pre_vote", "pre_vote_answer", "forward", "forwarded")
    SENT_TERM_FIELD_NUMBER: _ClassVar[int]
    APPEND_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_PART_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_VOTE_FIELD_NUMBER: _ClassVar[int]
    VOTE_FIELD_NUMBER: _ClassVar[int]
    PRE_VOTE_FIELD_NUMBER: _ClassVar[int]
    PRE_VOTE_ANSWER_FIELD_NUMBER: _ClassVar[int]
    FORWARD_FIELD_NUMBER: _ClassVar[int]
    FORWARDED_FIELD_NUMBER: _ClassVar[int]
    sent_term: int
    append: RaftAppend
    snapshot_part: RaftSnapshotPart
    progress: RaftProgress
    request_vote: RaftBallot
    vote: RaftVote
    pre_vote: RaftBallot
    pre_vote_answer: RaftPreVoteAnswer
    forward: RaftForward
    forwarded: RaftForwarded
    def __init__(self, sent_term: _Optional[int] = ..., append: _Optional[_Union[RaftAppend, _Mapping]] = ..., snapshot_part: _Optional[_Union[RaftSnapshotPart, _Mapping]] = ..., progress: _Optional[_Union[RaftProgress, _Mapping]] = ..., request_vote: _Optional[_Union[RaftBallot, _Mapping]] = ..., vote: _Optional[_Union[RaftVote, _Mapping]] = ..., pre_vote: _Optional[_Union[RaftBallot, _Mapping]] = ..., pre_vote_answer: _Optional[_Union[RaftPreVoteAnswer, _Mapping]] = ..., forward: _Optional[_Union[RaftForward, _Mapping]] = ..., forwarded: _Optional[_Union[RaftForwarded, _Mapping]] = ...) -> None: ...

class RaftAppend(_message.Message):
    __slots__ = ("term", "commit_index", "previous_index", "previous_term", "entries")
    TERM_FIELD_NUMBER: _ClassVar[int]
    COMMIT_INDEX_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_INDEX_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_TERM_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    term: int
    commit_index: int
    previous_index: int
    previous_term: int
    entries: _containers.RepeatedCompositeFieldContainer[RaftEntry]
    def __init__(self, term: _Optional[int] = ..., commit_index: _Optional[int] = ..., previous_index: _Optional[int] = ..., previous_term: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[RaftEntry, _Mapping]]] = ...) -> None: ...

class RaftSnapshotPart(_message.Message):
    __slots__ = ("term", "commit_index", "data", "first", "last")
    TERM_FIELD_NUMBER: _ClassVar[int]
    COMMIT_INDEX_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    term: int
    commit_index: int
    data: bytes
    first: bool
    last: bool
    def __init__(self, term: _Optional[int] = ..., commit_index: _Optional[int] = ..., data: _Optional[bytes] = ..., first: _Optional[bool] = ..., last: _Optional[bool] = ...) -> None: ...

class RaftProgress(_message.Message):
    __slots__ = ("next_index", "reset", "success")
    NEXT_INDEX_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    next_index: int
    reset: bool
    success: bool
    def __init__(self, next_index: _Optional[int] = ..., reset: _Optional[bool] = ..., success: _Optional[bool] = ...) -> None: ...

class RaftBallot(_message.Message):
    __slots__ = ("term", "last_log_index", "last_log_term", "round")
    TERM_FIELD_NUMBER: _ClassVar[int]
    LAST_LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    LAST_LOG_TERM_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    term: int
    last_log_index: int
    last_log_term: int
    round: int
    def __init__(self, term: _Optional[int] = ..., last_log_index: _Optional[int] = ..., last_log_term: _Optional[int] = ..., round: _Optional[int] = ...) -> None: ...

class RaftVote(_message.Message):
    __slots__ = ("term",)
    TERM_FIELD_NUMBER: _ClassVar[int]
    term: int
    def __init__(self, term: _Optional[int] = ...) -> None: ...

class RaftPreVoteAnswer(_message.Message):
    __slots__ = ("round", "granted")
    ROUND_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    round: int
    granted: bool
    def __init__(self, round: _Optional[int] = ..., granted: _Optional[bool] = ...) -> None: ...

class RaftForward(_message.Message):
    __slots__ = ("command", "request_id")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    command: bytes
    request_id: int
    def __init__(self, command: _Optional[bytes] = ..., request_id: _Optional[int] = ...) -> None: ...

class RaftForwarded(_message.Message):
    __slots__ = ("request_id", "error", "log_index", "log_term")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    LOG_INDEX_FIELD_NUMBER: _ClassVar[int]
    LOG_TERM_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    error: int
    log_index: int
    log_term: int
    def __init__(self, request_id: _Optional[int] = ..., error: _Optional[int] = ..., log_index: _Optional[int] = ..., log_term: _Optional[int] = ...) -> None: ...
