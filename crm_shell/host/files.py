"""The files that make this host a node, and whether it is one already.

While `init` or `join` is under way ``raftmaker.toml.unfinished`` lies beside the settings: with it,
the same command goes on where it was interrupted. Without it, settings are those of a node, and are
only replaced when that is asked for; then the old files are kept under another name.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from msgspec import Struct

from raftmaker.runtime.errors import HaError
from raftmaker.runtime.settings import DEFAULT_FILE, Settings, decode_file
from raftmaker.vocabulary.codes import ExitCode

PORTS = {"store": 5405, "controller": 5407, "fencer": 5408}
TLS = "tls"


class AlreadyNode(HaError):
    """This host belongs to a cluster; the message says which, and what to do."""

    exit_code = ExitCode.EXISTS


class Places(Struct, frozen=True, kw_only=True):
    """Where a node's files are."""

    config: Path
    state: Path

    @property
    def tls(self) -> Path:
        """Its certificate and keys."""
        return self.config.parent / TLS

    @property
    def marker(self) -> Path:
        """There while `init` or `join` is not finished."""
        return self.config.with_name(self.config.name + ".unfinished")

    @property
    def witness(self) -> Path:
        """There on a witness; the units of all daemons but the store look for it."""
        return self.config.with_name("witness")


def places_of(config: Path | None) -> Places:
    """Return the usual places, or those beside another settings file."""
    path = config or Path(os.environ.get("RAFTMAKER_CONFIG") or DEFAULT_FILE)
    if path == DEFAULT_FILE:
        return Places(config=path, state=Path("/var/lib/raftmaker"))
    return Places(config=path.absolute(), state=path.absolute().parent / "state")


def unfinished(places: Places, kind: str) -> dict[str, str] | None:
    """Return what an interrupted `kind` (init, join) noted; None where none was.

    Raises `AlreadyNode` for a host that is a node, or is in the middle of the other kind.
    """
    try:
        noted: dict[str, str] = json.loads(places.marker.read_text("utf-8"))
    except FileNotFoundError:
        if places.config.exists():
            raise AlreadyNode(_belongs(places)) from None
        return None
    except (OSError, ValueError) as error:
        raise AlreadyNode(f"{places.marker}: {error}; begin anew with --force") from None
    if noted.get("kind") != kind:
        raise AlreadyNode(
            f"'crm cluster {noted.get('kind')}' was begun on this host and not finished:"
            " repeat it, or begin anew with --force"
        )
    return noted


def _belongs(places: Places) -> str:
    mend = "leave it as it is, or give it up with --force (its files are kept under another name)"
    try:
        settings = decode_file(places.config)
    except HaError:
        return f"{places.config} is there already: {mend}"
    return (
        f"this host is node {settings.node} of cluster {settings.cluster_name}"
        f" ({settings.cluster}) already: {mend}"
    )


def note(places: Places, **values: str) -> None:
    """Note that an `init` or `join` is under way."""
    places.config.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    _write(places.marker, json.dumps(values))


def finished(places: Places) -> None:
    """Note that it is done."""
    places.marker.unlink(missing_ok=True)


def put_aside(places: Places, now_s: float) -> tuple[Path, ...]:
    """Rename what a former cluster left, and return the new names."""
    suffix = time.strftime(".replaced-%Y%m%d-%H%M%S", time.localtime(now_s))
    moved = []
    for path in (places.config, places.tls, places.state, places.marker, places.witness):
        if path.exists():
            kept = path.with_name(path.name + suffix)
            path.rename(kept)
            moved.append(kept)
    return tuple(moved)


def write_settings(places: Places, text: str) -> None:
    """Write ``raftmaker.toml``, which holds no secret: all who use tools read it."""
    places.config.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    _write(places.config, text)


def settings_there(places: Places) -> Settings | None:
    """Return the settings that are there, without credentials; None where there are none."""
    return decode_file(places.config) if places.config.exists() else None


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o644)
    temporary.replace(path)
