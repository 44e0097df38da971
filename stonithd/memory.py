"""What the fencer keeps on disk: the highest token and the history, each in one checksummed file.

A file is replaced as a whole and atomically. The token is synced before it counts. A damaged token
file is a refusal to start: fencing for a DC that was superseded must not become possible again. A
damaged history is put aside, since nothing decides by it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from raftmaker.runtime.errors import Fatal
from raftmaker.vocabulary.ids import NodeName, ResourceId, Token
from stonithd.fencing.history import FencingRecord, FencingState
from stonithd.fencing.setup import FenceAction

FORMAT = 1


class Damaged(Fatal):
    """A file cannot be trusted; the message names it and says what a person has to decide."""


class Memory:
    """The two files in one directory."""

    def __init__(self, directory: Path) -> None:
        """Make the directory where it is missing. Raises OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        self._token = directory / "token.json"
        self._history = directory / "history.json"

    def token(self) -> Token:
        """Return the highest token that was kept. Raises `Damaged`."""
        try:
            data = _read(self._token)
            return Token(_number(data["generation"]), _number(data["counter"]))
        except FileNotFoundError:
            return Token()
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(
                f"{self._token} is damaged ({error}); when no other node is DC now, remove it"
                " and start raftmaker-stonithd again"
            ) from None

    def keep_token(self, token: Token) -> None:
        """Write the token, synced to the disk. Raises OSError."""
        _write(self._token, {"generation": token.generation, "counter": token.counter}, synced=True)

    def history(self, node: NodeName) -> tuple[FencingRecord, ...]:
        """Return the kept records, oldest first; none where there are none or they are damaged.

        `node` is this one.
        """
        try:
            entries = _read(self._history)["records"]
            if not isinstance(entries, list):
                raise TypeError("records is no list")
            return tuple(_record(entry, node) for entry in entries)
        except FileNotFoundError:
            return ()
        except (ValueError, KeyError, TypeError):
            self._history.replace(self._history.with_suffix(".damaged"))
            return ()

    def keep_history(self, records: Sequence[FencingRecord]) -> None:
        """Write the records. Raises OSError."""
        _write(self._history, {"records": [_entry(one) for one in records]}, synced=False)


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no number")
    return value


def _read(path: Path) -> dict[str, object]:
    whole = json.loads(path.read_text("utf-8"))
    body = whole["body"]
    if whole["format"] != FORMAT:
        raise ValueError(f"format {whole['format']} is not known")
    if whole["sha256"] != _digest(body):
        raise ValueError("the checksum is wrong")
    if not isinstance(body, dict):
        raise TypeError("the body is no table")
    return body


def _write(path: Path, body: object, *, synced: bool) -> None:
    text = json.dumps({"format": FORMAT, "sha256": _digest(body), "body": body})
    temporary = path.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        if synced:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)
    if synced:
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _entry(record: FencingRecord) -> dict[str, object]:
    state = record.state
    if state is FencingState.DUPLICATE:
        state = FencingState.RUNNING  # an older fencer that reads the file knows no other word
    return {
        "number": record.number,
        "target": record.target,
        "action": record.action.value,
        "client": record.client,
        "origin": record.origin,
        "keeper": record.keeper,
        "delegate": record.delegate,
        "state": state.value,
        "devices": list(record.devices),
        "at_us": record.at_us,
        "reason": record.reason,
    }


def _record(entry: dict[str, object], node: NodeName) -> FencingRecord:
    """Read an entry; one without a keeper was written before peers were heard of."""
    devices = entry["devices"]
    if not isinstance(devices, list):
        raise TypeError("devices is no list")
    return FencingRecord(
        number=_number(entry["number"]),
        target=NodeName(str(entry["target"])),
        action=FenceAction(entry["action"]),
        client=str(entry["client"]),
        origin=NodeName(str(entry.get("origin", ""))),
        keeper=NodeName(str(entry.get("keeper", node))),
        delegate=NodeName(str(entry["delegate"])),
        state=FencingState(entry["state"]),
        devices=tuple(ResourceId(str(name)) for name in devices),
        at_us=_number(entry["at_us"]),
        reason=str(entry["reason"]),
    )
