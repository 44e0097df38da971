"""A voter as PySyncObj names it, with a hash that is the same in every process.

PySyncObj keeps nodes in sets and sends in their order. Strings hash differently in each process, so
without this a simulated run could not be repeated in another one.
"""

from __future__ import annotations

from zlib import crc32

from pysyncobj.node import Node as _Node


class Node(_Node):  # type: ignore[misc]  # pysyncobj has no types
    """Equal to every node of the same name."""

    def __init__(self, name: str) -> None:
        """Hash the name once: the engine looks nodes up all the time."""
        super().__init__(name, number=crc32(str(name).encode()))

    def __eq__(self, other: object) -> bool:
        """Compare names."""
        return self is other or (isinstance(other, _Node) and bool(self.id == other.id))

    def __hash__(self) -> int:
        """Hash the name, in every process alike."""
        return int(self.number)
