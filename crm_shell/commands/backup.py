"""``crm cluster backup`` and ``restore``: the CIB in one checked file (features 4.27)."""

from __future__ import annotations

import os
from pathlib import Path

from cib_store.document.codec import BadXml, parse, render
from cib_store.document.element import Element
from crm_shell.commands.session import Command, Failed, Session, arguments
from crm_shell.edit import operations
from raftmaker.vocabulary.codes import ExitCode

_TAG = "raftmaker-backup"
_FORMAT = "1"


async def _backup(session: Session, args: list[str]) -> int:
    arguments(args, 1, 1, "backup FILE")
    cib = await session.cib()
    facts = cib.facts
    text = render(cib.document)
    head = {
        "format": _FORMAT,
        "cluster": str(facts.cluster_id),
        "generation": str(facts.generation),
        "version": str(cib.version),
        "sha256": _digest(cib.document),
    }
    whole = f"{render(Element(_TAG, head)).rstrip().removesuffix('/>')}>\n{text}</{_TAG}>\n"
    path = Path(args[0])
    try:
        _write(path, whole.encode())
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}", code=ExitCode.CANTCREAT) from None
    session.console.answer(f"{path}: CIB {cib.version}", {"file": str(path), **head})
    return 0


def _digest(cib: Element) -> str:
    return cib.digest.hex()


def _write(path: Path, data: bytes) -> None:
    """Put the file in place whole or not at all; for the owner alone, as it may hold secrets."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


async def _restore(session: Session, args: list[str]) -> int:
    arguments(args, 1, 1, "restore FILE")
    backup = _read(Path(args[0]))
    now = await session.cib()
    wanted = backup.children[0].child("configuration")
    assert wanted is not None, "looked at when it was read"
    if backup.get("cluster") != now.facts.cluster_id:
        session.console.warn(f"this is a backup of another cluster: {backup.get('cluster')}")
    changes = operations(now.configuration, wanted)
    if not changes:
        session.console.answer("the configuration is as it was backed up", {"changed": False})
        return 0
    if not session.confirm(f"Replace the configuration with that of {backup.get('version')}?"):
        return 0
    message = f"restore of {backup.get('version')}"
    await session.change(changes, message=message, base=now.version)
    session.draft = None
    session.console.answer("", {"changed": True})
    return 0


def _read(path: Path) -> Element:
    try:
        backup = parse(path.read_bytes())
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}", code=ExitCode.NOINPUT) from None
    except BadXml as error:
        raise Failed(f"{path}: {error}", code=ExitCode.DATAERR) from None
    if backup.tag != _TAG or backup.get("format") != _FORMAT or len(backup.children) != 1:
        raise Failed(
            f"{path}: this is no backup of format {_FORMAT} made by 'crm cluster backup'",
            code=ExitCode.DATAERR,
        )
    cib = backup.children[0]
    if _digest(cib) != backup.get("sha256") or cib.child("configuration") is None:
        raise Failed(
            f"{path}: the file was changed or damaged since it was written (its checksum differs)",
            code=ExitCode.DATAERR,
        )
    return backup


BACKUP = (
    Command(
        name="backup", usage="backup FILE", run=_backup, completes=("file",),
        summary="Write the CIB to a file, with a checksum",
        details="The file is readable by you alone: parameters may hold passwords.",
    ),
    Command(
        name="restore", usage="restore FILE", run=_restore, completes=("file",),
        summary="Make the configuration that of a backup",
        details="The status is the living cluster's own and stays. It is a change like any other:"
        " 'crm configure rollback' takes it back.",
    ),
)  # fmt: skip
