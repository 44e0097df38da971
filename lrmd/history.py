"""The executor's memory on disk: it survives the daemon, and belongs to one boot of the node.

History, call ids and operations are in an SQLite file in the run directory, keyed by boot id; with
a new boot id it starts empty. A killed daemon loses nothing of what the kernel was given, and the
end of the machine ends the boot, so nothing there needs fsync. The highest token is in the state
directory, with fsync: it outlives the boot (protocols, DC).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from lrmd.codec import ocf_code, request_message, request_of, result_message, result_of
from lrmd.operations.state import Operation, Phase, ResourceHistory, State
from lrmd.operations.values import Outcome, Result
from raftmaker.runtime.checked_file import number_of, read_checked, write_checked
from raftmaker.runtime.errors import Fatal
from raftmaker.vocabulary.codes import OpStatus
from raftmaker.vocabulary.ids import BootId, ClusterId, ResourceId, Token
from raftmaker.wire import executor_pb2 as pb

FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS operation (
    call_id INTEGER PRIMARY KEY, request BLOB NOT NULL, phase TEXT NOT NULL,
    due_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL, started_wall_us INTEGER NOT NULL,
    reported_code INTEGER, reported_status INTEGER,
    cancelled INTEGER NOT NULL, forgotten INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS history (
    resource TEXT NOT NULL, slot TEXT NOT NULL, position INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (resource, slot, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unconfirmed (serial INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""


class Opened(Struct, frozen=True, kw_only=True):
    """An open memory and what was in it. `problem` says why an old one was put aside, if it was."""

    memory: Memory
    state: State
    problem: str = ""


class Memory:
    """Stores states; only what changed since the last one is written."""

    def __init__(self, database: sqlite3.Connection, token: TokenFile, state: State) -> None:
        """Begin with the state that is stored already."""
        self._database = database
        self._token = token
        self._stored = state

    def save(self, state: State) -> None:
        """Store a state: all of it or, when we are killed meanwhile, nothing."""
        old, self._stored = self._stored, state
        if state.token != old.token:
            self._token.write(state.token)
        database = self._database
        with _transaction(database):
            if (state.last_call_id, state.last_serial) != (old.last_call_id, old.last_serial):
                _set(database, "last_call_id", str(state.last_call_id))
                _set(database, "last_serial", str(state.last_serial))
            _save_operations(database, old, state)
            _save_history(database, old, state)
            _save_unconfirmed(database, old, state)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


class TokenFile:
    """The highest token seen, of one cluster."""

    def __init__(self, path: Path, cluster: ClusterId) -> None:
        """Name the file."""
        self._path = path
        self._cluster = cluster

    def read(self) -> Token:
        """Return the token; that of another cluster counts as none. Raises `Fatal` if damaged."""
        try:
            data = read_checked(self._path, or_unchecked=True)
            if data["cluster"] != self._cluster:
                return Token()
            return Token(number_of(data["generation"]), number_of(data["counter"]))
        except FileNotFoundError:
            return Token()
        except (ValueError, KeyError) as error:
            raise Fatal(
                f"{self._path} is damaged ({error}), so the highest DC token is not known; remove"
                " the file when no other partition of this cluster can be running, and start the"
                " daemon again"
            ) from None

    def write(self, token: Token) -> None:
        """Replace the file; on return it is on the disk."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        body = {
            "cluster": self._cluster,
            "generation": token.generation,
            "counter": token.counter,
        }
        write_checked(self._path, body, lasting=True)


def open_memory(*, run_dir: Path, state_dir: Path, boot_id: BootId, cluster: ClusterId) -> Opened:
    """Open the memory of this boot, or begin an empty one.

    A damaged file is put aside: with an empty history the DC probes what runs here, which is safe.
    Raises `Fatal` when the token cannot be read, and OSError when nothing can be written.
    """
    path = run_dir / "lrmd" / "operations.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    token = TokenFile(state_dir / "lrmd-token.json", cluster)
    highest = token.read()
    problem = ""
    try:
        database = _open(path, boot_id)
        state = _load(database, highest)
    except (sqlite3.DatabaseError, ValueError) as error:
        problem = f"{path} is damaged ({error}); kept as {path.name}.damaged"
        path.replace(path.with_name(path.name + ".damaged"))
        _remove(path)
        database = _open(path, boot_id)
        state = State(token=highest)
    return Opened(memory=Memory(database, token, state), state=state, problem=problem)


def _open(path: Path, boot_id: BootId) -> sqlite3.Connection:
    database = _connect(path)
    wanted = {"format": str(FORMAT), "boot_id": boot_id}
    found = dict(database.execute("SELECT name, value FROM meta").fetchall())
    if found and any(found.get(name) != value for name, value in wanted.items()):
        database.close()
        _remove(path)
        database = _connect(path)
        found = {}
    if not found:
        with _transaction(database):
            for name, value in wanted.items():
                _set(database, name, value)
    return database


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")
    database.executescript(_TABLES)
    return database


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _set(database: sqlite3.Connection, name: str, value: str) -> None:
    database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def _save_operations(database: sqlite3.Connection, old: State, new: State) -> None:
    for call_id in old.operations.keys() - new.operations.keys():
        database.execute("DELETE FROM operation WHERE call_id = ?", (call_id,))
    for call_id, one in new.operations.items():
        if old.operations.get(call_id) is one:
            continue
        database.execute(
            "INSERT OR REPLACE INTO operation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                call_id,
                request_message(one.request).SerializeToString(),
                one.phase.value,
                one.due_ms,
                one.started_ms,
                one.started_wall_us,
                None if one.reported is None else int(one.reported.code),
                None if one.reported is None else int(one.reported.status),
                one.cancelled,
                one.forgotten,
            ),
        )


def _save_history(database: sqlite3.Connection, old: State, new: State) -> None:
    for resource in old.history.keys() | new.history.keys():
        entry = new.history.get(resource)
        if old.history.get(resource) is entry:
            continue
        database.execute("DELETE FROM history WHERE resource = ?", (resource,))
        if entry is None:
            continue
        slots = (("last", entry.last), ("failure", entry.failure))
        rows = [(slot, 0, result) for slot, result in slots if result is not None]
        rows += [("recurring", number, result) for number, result in enumerate(entry.recurring)]
        for slot, position, result in rows:
            database.execute(
                "INSERT INTO history VALUES (?, ?, ?, ?)", (resource, slot, position, _body(result))
            )


def _save_unconfirmed(database: sqlite3.Connection, old: State, new: State) -> None:
    if old.unconfirmed is new.unconfirmed:
        return
    before = {result.serial for result in old.unconfirmed}
    after = {result.serial for result in new.unconfirmed}
    for serial in before - after:
        database.execute("DELETE FROM unconfirmed WHERE serial = ?", (serial,))
    for result in new.unconfirmed:
        if result.serial not in before:
            database.execute(
                "INSERT INTO unconfirmed VALUES (?, ?)", (result.serial, _body(result))
            )


def _body(result: Result) -> bytes:
    return result_message(result).SerializeToString()


def _result(body: bytes) -> Result:
    return result_of(pb.Result.FromString(body))


def _load(database: sqlite3.Connection, token: Token) -> State:
    meta = dict(database.execute("SELECT name, value FROM meta").fetchall())
    bodies = database.execute("SELECT body FROM unconfirmed ORDER BY serial").fetchall()
    operations = (_operation(row) for row in database.execute("SELECT * FROM operation"))
    return State(
        token=token,
        last_call_id=int(meta.get("last_call_id", 0)),
        last_serial=int(meta.get("last_serial", 0)),
        operations={operation.call_id: operation for operation in operations},
        history=_load_history(database),
        unconfirmed=tuple(_result(body) for (body,) in bodies),
    )


def _operation(row: tuple[int, bytes, str, int, int, int, int | None, int, int, int]) -> Operation:
    call_id, request, phase, due_ms, started_ms, wall_us, code, status, cancelled, forgotten = row
    reported = None
    if code is not None:
        reported = Outcome(code=ocf_code(code), status=OpStatus(status))
    return Operation(
        call_id=call_id,
        request=request_of(pb.ExecuteRequest.FromString(request)),
        phase=Phase(phase),
        due_ms=due_ms,
        started_ms=started_ms,
        started_wall_us=wall_us,
        reported=reported,
        cancelled=bool(cancelled),
        forgotten=bool(forgotten),
    )


def _load_history(database: sqlite3.Connection) -> dict[ResourceId, ResourceHistory]:
    found: dict[ResourceId, dict[str, list[Result]]] = {}
    rows = database.execute(
        "SELECT resource, slot, body FROM history ORDER BY resource, slot, position"
    )
    for resource, slot, body in rows:
        found.setdefault(ResourceId(resource), {}).setdefault(slot, []).append(_result(body))
    return {
        resource: ResourceHistory(
            last=next(iter(slots.get("last", ())), None),
            failure=next(iter(slots.get("failure", ())), None),
            recurring=tuple(slots.get("recurring", ())),
        )
        for resource, slots in found.items()
    }
