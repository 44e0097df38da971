"""What journal and snapshots ask of the operating system; a simulator gives them another disk.

Nothing here decides anything. What `sync` and `sync_directory` have returned for survives a loss of
power; of everything else some, all or nothing may.
"""

from __future__ import annotations

import os
from pathlib import Path


class Files:
    """The file system. Every method raises `OSError` when the world fails."""

    def exists(self, path: Path) -> bool:
        """Tell whether there is a file of that name."""
        return path.exists()

    def read(self, path: Path) -> bytes:
        """Return the whole content."""
        return path.read_bytes()

    def open(self, path: Path, *, create: bool = False) -> int:
        """Open for reading and writing; `create`: make it, or empty the one that is there."""
        flags = os.O_CREAT | os.O_TRUNC if create else 0
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset` (bytes); a full disk takes a part before it refuses."""
        view = memoryview(data)
        while view:
            taken = os.pwrite(handle, view, offset)
            view, offset = view[taken:], offset + taken

    def truncate(self, handle: int, size: int) -> None:
        """Cut the file to `size` bytes."""
        os.ftruncate(handle, size)

    def sync(self, handle: int) -> None:
        """Wait until the content is on disk."""
        os.fdatasync(handle)

    def close(self, handle: int) -> None:
        """Give the handle back; this writes nothing."""
        os.close(handle)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, in the place of what had it."""
        source.replace(target)

    def sync_directory(self, directory: Path) -> None:
        """Wait until the names in the directory are on disk."""
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def replace_file(files: Files, path: Path, data: bytes) -> None:
    """Put `data` in the place of the file, whole or not at all, and on disk on return."""
    temporary = path.with_name(path.name + ".new")
    handle = files.open(temporary, create=True)
    try:
        files.write(handle, data, 0)
        files.sync(handle)
    finally:
        files.close(handle)
    files.rename(temporary, path)
    files.sync_directory(path.parent)
