"""What the fencer keeps on disk: the highest token and the history, each in one checksummed file.

A file is replaced as a whole and atomically. The token is synced before it counts. A damaged token
file is a refusal to start: fencing for a DC that was superseded must not become possible again. A
damaged history is put aside, since nothing decides by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from raftmaker.runtime.checked_file import number_of, read_checked, write_checked
from raftmaker.runtime.errors import Fatal
from raftmaker.vocabulary.ids import NodeName, ResourceId, Token
from stonithd.fencing.history import FencingRecord, FencingState
from stonithd.fencing.setup import FenceAction


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
            data = read_checked(self._token)
            return Token(number_of(data["generation"]), number_of(data["counter"]))
        except FileNotFoundError:
            return Token()
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(
                f"{self._token} is damaged ({error}); when no other node is DC now, remove it"
                " and start raftmaker-stonithd again"
            ) from None

    def keep_token(self, token: Token) -> None:
        """Write the token, synced to the disk. Raises OSError."""
        body = {"generation": token.generation, "counter": token.counter}
        write_checked(self._token, body, lasting=True)

    def history(self, node: NodeName) -> tuple[FencingRecord, ...]:
        """Return the kept records, oldest first; none where there are none or they are damaged.

        `node` is this one.
        """
        try:
            entries = read_checked(self._history)["records"]
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
        body = {"records": [_entry(one) for one in records]}
        write_checked(self._history, body, lasting=False)


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
        number=number_of(entry["number"]),
        target=NodeName(str(entry["target"])),
        action=FenceAction(entry["action"]),
        client=str(entry["client"]),
        origin=NodeName(str(entry.get("origin", ""))),
        keeper=NodeName(str(entry.get("keeper", node))),
        delegate=NodeName(str(entry["delegate"])),
        state=FencingState(entry["state"]),
        devices=tuple(ResourceId(str(name)) for name in devices),
        at_us=number_of(entry["at_us"]),
        reason=str(entry["reason"]),
    )
