"""The worker's side of `raftmaker.runtime.worker`; it imports little: a worker starts soon."""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Callable

LENGTH = struct.Struct(">Q")
"""Goes before each pickle, in both directions."""


def serve_calls(
    answer: Callable[[object], object], afterwards: Callable[[], None] = lambda: None
) -> int:
    """Be a worker: answer values from standard input until it closes; return the exit code.

    `afterwards` is called after each answer was sent.
    """
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what is printed by mistake must not damage the answers
    while True:
        head = source.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return 0
        (length,) = LENGTH.unpack(head)
        data = pickle.dumps(
            answer(pickle.loads(source.read(length))), protocol=pickle.HIGHEST_PROTOCOL
        )
        sink.write(LENGTH.pack(len(data)) + data)
        sink.flush()
        del data
        afterwards()
