"""Whoever connects and says nothing is kept by the kernel; nothing else of the process changes."""

from __future__ import annotations

import os
import select
import socket

from raftmaker.runtime.listening import accept_only_speakers


def test_a_connection_is_taken_up_when_its_other_end_speaks() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        port = listener.getsockname()[1]
        before = sorted(os.listdir("/proc/self/fd"))
        assert accept_only_speakers((port,), 30) == 1
        assert sorted(os.listdir("/proc/self/fd")) == before
        assert not other.getsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT)
        with socket.create_connection(("127.0.0.1", port)) as silent:
            assert select.select([listener], [], [], 0.3)[0] == []
            silent.sendall(b"hello")
            assert select.select([listener], [], [], 30)[0] == [listener]
