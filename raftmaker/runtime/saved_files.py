"""CIBs in files, plain or compressed as scheduler inputs are (features 4.28)."""

from __future__ import annotations

import bz2
import errno
from pathlib import Path

FILE_BYTES_MAX = 1024 * 1024 * 1024
"""A file may be larger than what the store takes in: 32 nodes with 5000 resources are 80 MB."""


def bytes_of(path: Path) -> bytes:
    """Return what a file holds; one called ``.bz2`` is unpacked. Raises OSError.

    Of a packed file no more than a CIB may have is unpacked, and a byte, which makes it too long.
    """
    data = path.read_bytes()
    if path.suffix != ".bz2":
        return data
    reader = bz2.BZ2Decompressor()
    try:
        text = reader.decompress(data, FILE_BYTES_MAX + 1)
    except OSError:
        raise OSError(errno.EINVAL, "this is no bzip2 file", str(path)) from None
    if not reader.eof and len(text) <= FILE_BYTES_MAX:
        raise OSError(errno.EINVAL, "this bzip2 file was cut off: its end is missing", str(path))
    return text
