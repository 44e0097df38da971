"""The kernel's table of connections says whose a connection is (features 20.11)."""

from __future__ import annotations

import os
import socket

import pytest

from raftmaker.runtime.connection_owner import owner_of_connection


@pytest.mark.parametrize(
    ("family", "host", "text"),
    [(socket.AF_INET, "127.0.0.1", "ipv4:127.0.0.1:{}"),
     (socket.AF_INET6, "::1", "ipv6:%5B::1%5D:{}"),
     (socket.AF_INET6, "::ffff:127.0.0.1", "ipv4:127.0.0.1:{}")],
)  # fmt: skip
def test_an_open_connection_is_its_process_users(
    family: socket.AddressFamily, host: str, text: str
) -> None:
    by_six = family is socket.AF_INET6 and not host.startswith("::ffff:")
    here = ("::1", socket.AF_INET6) if by_six else ("127.0.0.1", socket.AF_INET)
    with socket.create_server((here[0], 0), family=here[1]) as server:
        port = server.getsockname()[1]
        with socket.socket(family) as client:
            client.connect((host, port))
            peer = text.format(client.getsockname()[1])
            assert owner_of_connection(peer, port) == os.geteuid()
            assert owner_of_connection(peer, port + 1) is None
        server.accept()[0].close()


@pytest.mark.parametrize("peer", ["", "unix:", "ipv4:1.2.3.4:5", "ipv4:x:5", "ipv6:%5B::2%5D:9"])
def test_what_is_no_connection_of_this_machine_is_nobodys(peer: str) -> None:
    assert owner_of_connection(peer, 1) is None
