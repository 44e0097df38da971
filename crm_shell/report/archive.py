"""A report as one compressed archive or as a folder, for its owner's eyes alone."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path

from crm_shell.report.gathering import Part


def write_archive(path: Path, name: str, parts: Iterable[Part], *, at: int) -> None:
    """Write a ``tar.bz2`` whose files stand in the folder `name`. Raises `OSError`.

    `at`: the time of its files, in seconds since 1970.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:bz2") as archive:
        for part, text in parts:
            data = text.encode()
            info = tarfile.TarInfo(f"{name}/{part}")
            info.size, info.mtime, info.mode = len(data), at, 0o600
            archive.addfile(info, io.BytesIO(data))


def write_folder(path: Path, parts: Iterable[Part]) -> None:
    """Write the files into a folder, which must not be there yet. Raises `OSError`."""
    path.mkdir(mode=0o700)
    for part, text in parts:
        file = path / part
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(text)
