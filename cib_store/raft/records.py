"""The records of the journal: how one is written, read, and what one that is not whole says.

A record is ``length, crc32, index, term, on disk, command``; "on disk" is how far the journal was
on disk when it was written.

What a loss of power leaves of a write is a beginning of it, or some of its sectors and zeros for
the others. What decays has other bits than were written. So a record that fails its checksum, and
is neither cut short nor has an empty sector, was whole once; and so was one that a single other
bit would make whole, whatever it looks like. It is told by these, since nothing else speaks for
the last record of a journal: nobody has written anything since.
"""

from __future__ import annotations

import struct
import zlib

Entry = tuple[bytes, int, int]
"""As PySyncObj has it: command, index, term."""

RECORD_BYTES_MAX = 128 * 1024 * 1024
HEAD = struct.Struct("<IIQQQ")
_START = struct.Struct("<II")
SECTOR = 512
_POLYNOMIAL = 0xEDB88320
_LENGTH_BITS = 32
_BITS_LOOKED_AT = 1 << 26
"""Some seconds; an empty sector within a whole record is for small ones, at their edges."""


def encode(entry: Entry, on_disk: int) -> bytes:
    """Return the record of an entry."""
    command, index, term = entry
    body = HEAD.pack(len(command), 0, index, term, on_disk)[_START.size :] + command
    return _START.pack(len(command), zlib.crc32(body)) + body


def size_of(entry: Entry) -> int:
    """Return how many bytes the record of an entry has."""
    return HEAD.size + len(entry[0])


def decode(data: bytes, offset: int) -> tuple[Entry, int] | None:
    """Return a whole record's entry, and how far the journal was on disk before it."""
    if offset + HEAD.size > len(data):
        return None
    length, checksum, index, term, on_disk = HEAD.unpack_from(data, offset)
    body = _body(data, offset, length)
    if body is None or zlib.crc32(body) != checksum:
        return None
    return (bytes(body[HEAD.size - _START.size :]), index, term), on_disk


def was_whole(data: bytes, offset: int) -> bool:
    """Tell whether what fails to be a record here was one: it has decayed, and was not torn."""
    if offset + HEAD.size > len(data):
        return False
    length: int
    checksum: int
    length, checksum = _START.unpack_from(data, offset)
    for bit in range(_LENGTH_BITS):
        body = _body(data, offset, length ^ 1 << bit)
        if body is not None and zlib.crc32(body) == checksum:
            return True
    body = _body(data, offset, length)
    if body is None:
        return length > RECORD_BYTES_MAX
    if not _has_empty_sector(data, offset, offset + _START.size + len(body)):
        return True
    wrong = zlib.crc32(body) ^ checksum
    return wrong.bit_count() == 1 or _is_one_bit(wrong, 8 * len(body))


def _body(data: bytes, offset: int, length: int) -> memoryview | None:
    """Return what the checksum is of; None: there cannot be so much."""
    end = offset + HEAD.size + length
    if length > RECORD_BYTES_MAX or end > len(data):
        return None
    return memoryview(data)[offset + _START.size : end]


def _has_empty_sector(data: bytes, start: int, end: int) -> bool:
    """Tell whether one of the sectors that these bytes lie in has nothing but zeros of them."""
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        if not any(data[start:stop]):
            return True
        start = stop
    return False


def _is_one_bit(wrong: int, bits: int) -> bool:
    """Tell whether one of the last `bits` bits, if it is another one, changes a CRC-32 so.

    The checksum is linear: the effect of a bit does not depend on the others, and is that of the
    bit after it, shifted once more.
    """
    effect = 1
    for _ in range(min(bits, _BITS_LOOKED_AT)):
        effect = effect >> 1 ^ (_POLYNOMIAL if effect & 1 else 0)
        if effect == wrong:
            return True
    return False
