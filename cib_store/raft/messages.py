"""PySyncObj's messages (dictionaries) to and from the wire; nothing is pickled.

A message that the wire cannot hold is a bug of ours and raises; one that comes in and is not well
formed is dropped by the caller (`decode` returns None).
"""

from __future__ import annotations

from typing import Any

from raftmaker.wire import raft_pb2 as pb

Message = dict[str, Any]


def encode(message: Message) -> pb.RaftMessage:
    """Return the wire form of a message; `sent_term` must be set."""
    wire = pb.RaftMessage(sent_term=message["sent_term"])
    match message["type"]:
        case "append_entries" if "prevLogIdx" in message:
            _put_append(wire.append, message)
        case "append_entries":
            wire.snapshot_part.CopyFrom(_snapshot_part(message))
        case "next_node_idx":
            wire.progress.next_index = message["next_node_idx"]
            wire.progress.reset = message["reset"]
            wire.progress.success = message["success"]
        case "request_vote":
            wire.request_vote.CopyFrom(_ballot(message))
        case "response_vote":
            wire.vote.term = message["term"]
        case "pre_vote":
            wire.pre_vote.CopyFrom(_ballot(message))
        case "pre_vote_answer":
            wire.pre_vote_answer.round = message["round"]
            wire.pre_vote_answer.granted = message["granted"]
        case "apply_command":
            wire.forward.command = message["command"]
            if "request_id" in message:
                wire.forward.request_id = message["request_id"]
        case "apply_command_response":
            wire.forwarded.CopyFrom(_forwarded(message))
        case other:
            raise ValueError(f"the wire has no form for {other!r}")
    return wire


def _put_append(append: pb.RaftAppend, message: Message) -> None:
    append.term = message["term"]
    append.commit_index = message["commit_index"]
    append.previous_index = message["prevLogIdx"] or 0
    append.previous_term = message["prevLogTerm"] or 0
    for command, index, term in message["entries"]:  # in its place: a large one is copied once
        append.entries.add(command=command, index=index, term=term)
    append.SetInParent()


def _snapshot_part(message: Message) -> pb.RaftSnapshotPart:
    part = pb.RaftSnapshotPart(term=message["term"], commit_index=message["commit_index"])
    if message["serialized"] is not None:
        part.data, part.first, part.last = message["serialized"]
    return part


def _ballot(message: Message) -> pb.RaftBallot:
    return pb.RaftBallot(
        term=message["term"],
        last_log_index=message["last_log_index"],
        last_log_term=message["last_log_term"],
        round=message.get("round", 0),
    )


def _forwarded(message: Message) -> pb.RaftForwarded:
    wire = pb.RaftForwarded(request_id=message["request_id"])
    if message.get("error") is not None:
        wire.error = message["error"]
    else:
        wire.log_index, wire.log_term = message["log_idx"], message["log_term"]
    return wire


def decode(wire: pb.RaftMessage) -> Message | None:
    """Return the engine's form of a message, or None when it says nothing that is known."""
    body: Message
    match wire.WhichOneof("body"):
        case "append":
            body = {
                "type": "append_entries",
                "term": wire.append.term,
                "commit_index": wire.append.commit_index,
                "prevLogIdx": wire.append.previous_index or None,
                "prevLogTerm": wire.append.previous_term,
                "entries": [(e.command, e.index, e.term) for e in wire.append.entries],
            }
        case "snapshot_part":
            part = wire.snapshot_part
            body = {
                "type": "append_entries",
                "term": part.term,
                "commit_index": part.commit_index,
                "serialized": (part.data, part.first, part.last) if part.HasField("data") else None,
            }
        case "progress":
            body = {
                "type": "next_node_idx",
                "next_node_idx": wire.progress.next_index,
                "reset": wire.progress.reset,
                "success": wire.progress.success,
            }
        case "request_vote":
            body = _asked("request_vote", wire.request_vote)
        case "pre_vote":
            body = _asked("pre_vote", wire.pre_vote) | {"round": wire.pre_vote.round}
        case "vote":
            body = {"type": "response_vote", "term": wire.vote.term}
        case "pre_vote_answer":
            answer = wire.pre_vote_answer
            body = {"type": "pre_vote_answer", "round": answer.round, "granted": answer.granted}
        case "forward":
            body = {"type": "apply_command", "command": wire.forward.command}
            if wire.forward.HasField("request_id"):
                body["request_id"] = wire.forward.request_id
        case "forwarded":
            body = _outcome(wire.forwarded)
        case _:
            return None
    return body | {"sent_term": wire.sent_term}


def _asked(kind: str, ballot: pb.RaftBallot) -> Message:
    return {
        "type": kind,
        "term": ballot.term,
        "last_log_index": ballot.last_log_index,
        "last_log_term": ballot.last_log_term,
    }


def _outcome(wire: pb.RaftForwarded) -> Message:
    body: Message = {"type": "apply_command_response", "request_id": wire.request_id}
    if wire.HasField("error"):
        return body | {"error": wire.error}
    return body | {"log_idx": wire.log_index, "log_term": wire.log_term}
