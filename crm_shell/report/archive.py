"""A report as one compressed archive or as a folder, for its owner's eyes alone."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from crm_shell.report.gathering import Part

PART_BYTES_MAX = 80 << 20
"""More is read of no file that another node sends."""


def write_archive(path: Path, name: str, parts: Iterable[Part], *, at: int) -> None:
    """Write a ``tar.bz2`` whose files stand in the folder `name`. Raises `OSError`.

    `at`: the time of its files, in seconds since 1970.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:
        send(file, ((f"{name}/{part}", text) for part, text in parts), at=at)


def send(file: IO[bytes], parts: Iterable[Part], *, at: int = 0) -> None:
    """Write the parts as a ``tar.bz2`` into an open file, a pipe too. Raises `OSError`."""
    with tarfile.open(fileobj=file, mode="w|bz2") as archive:
        for part, text in parts:
            data = text.encode()
            info = tarfile.TarInfo(part)
            info.size, info.mtime, info.mode = len(data), at, 0o600
            archive.addfile(info, io.BytesIO(data))


def received(file: IO[bytes]) -> list[Part]:
    """Return the parts of what `send` has written. Raises `ValueError` for anything else.

    It comes from another machine: a name that leads out of its folder, or no plain file, is none.
    """
    found: list[Part] = []
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r|bz2") as archive:
            for each in archive:
                path = PurePosixPath(each.name)
                if not each.isfile() or path.is_absolute() or ".." in path.parts:
                    raise ValueError(f"{each.name!r} is no file of a report")
                if each.size > PART_BYTES_MAX:
                    raise ValueError(f"{each.name} has {each.size} bytes")
                content = archive.extractfile(each)
                assert content is not None
                found.append((str(path), content.read().decode("utf-8", "replace")))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"no archive of a report: {error}") from None
    return found


def write_folder(path: Path, parts: Iterable[Part]) -> None:
    """Write the files into a folder, which must not be there yet. Raises `OSError`."""
    path.mkdir(mode=0o700)
    for part, text in parts:
        file = path / part
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(text)
