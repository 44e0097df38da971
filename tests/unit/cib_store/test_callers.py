"""Whose certificate is a daemon's: that of a member, as the members are now."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from cib_store.access.caller import REMOTE_ROLE, Caller
from cib_store.callers import Callers
from raftmaker.runtime.front import Front
from raftmaker.runtime.logs import Log
from raftmaker.runtime.relaying import BEHALF_KEY
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.settings import decode
from raftmaker.vocabulary.ids import NodeName


class _Call:
    """What gRPC tells of a call over TLS."""

    def __init__(self, name: str, behalf: str = "") -> None:
        self._name, self._behalf = name, behalf

    def invocation_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return ((BEHALF_KEY, self._behalf.encode()),) if self._behalf else ()

    def peer(self) -> str:
        return "ipv4:10.0.0.9:4711"

    def auth_context(self) -> dict[str, list[bytes]]:
        return {
            "transport_security_type": [b"ssl"],
            "x509_subject_alternative_name": [self._name.encode()],
        }


def callers_of_a(tmp_path: Path) -> tuple[Callers, Roster]:
    peer = {"name": "a", "store": "127.0.0.1:1", "controller": "127.0.0.1:2",
            "fencer": "127.0.0.1:3"}  # fmt: skip
    data = {
        "cluster": {"id": "c1"},
        "node": {"name": "a"},
        "directories": {"state": str(tmp_path), "run": str(tmp_path)},
        "peers": [peer],
    }
    settings = decode(data, tmp_path / "raftmaker.toml")
    roster = Roster(settings)
    front = Front(tmp_path / "front.sock", tmp_path / "cib.sock", Log("test"))
    return Callers(settings, front, roster), roster


def test_whom_a_member_calls_for_is_that_remote_node_and_never_more(tmp_path: Path) -> None:
    """features 20.12: user = the node's name, a privileged one's too; nobody else's word."""
    callers, _ = callers_of_a(tmp_path)

    def caller(name: str, behalf: str) -> Caller:
        return asyncio.run(callers.of(_Call(name, behalf)))  # type: ignore[arg-type]  # as gRPC's

    for node in ("far", "root", "hacluster"):
        assert caller("a", node) == Caller(user=node, node=node, roles=frozenset({REMOTE_ROLE}))
    assert caller("stranger", "far") == Caller(user="stranger")


def test_a_member_is_known_as_soon_as_it_is_added(tmp_path: Path) -> None:
    """features 20.2: its beats and facts count at once, and no more once it is removed."""
    callers, roster = callers_of_a(tmp_path)

    def is_daemon(name: str) -> bool:
        return asyncio.run(callers.of(_Call(name))).is_exempt  # type: ignore[arg-type]  # as gRPC's

    assert is_daemon("a")
    assert not is_daemon("b")
    (first,) = roster.members.members
    both = (first, replace(first, name=NodeName("b")))
    roster.take_over(replace(roster.members, number=5, members=both))
    assert is_daemon("b")
    roster.take_over(replace(roster.members, number=6, members=(first,)))
    assert not is_daemon("b")
