"""Who belongs to the cluster, as this process knows it now, and where their daemons are.

It begins with what the node's store wrote down last, or with the peers of `raftmaker.toml` before
the cluster's first start, and follows the committed members as the process hears of them. Only the
store writes the file; the others read it once, to find a store that tells them more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from msgspec import to_builtins
from msgspec.structs import replace

from raftmaker.runtime.endpoint import Endpoint, Target
from raftmaker.runtime.settings import Peer, Settings
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import Member, MemberKind, Members

FILE = "members.json"
_FORMAT = 1


class Roster:
    """The members as this process knows them; `follow` is told of newer ones."""

    def __init__(self, settings: Settings) -> None:
        """Begin with the file in the state directory, or with the settings' peers."""
        self._settings = settings
        self._path = settings.state_dir / FILE
        self._told: list[Callable[[], None]] = []
        self.members = _stored(self._path) or seed_of(settings)

    @property
    def node(self) -> NodeName:
        """This node."""
        return self._settings.node

    @property
    def peers(self) -> tuple[Peer, ...]:
        """All members, this node too while it is one."""
        return tuple(self._peer(member) for member in self.members.members)

    @property
    def voters(self) -> tuple[Peer, ...]:
        """Those that vote now."""
        return tuple(self._peer(member) for member in self.members.voters)

    @property
    def nodes(self) -> tuple[NodeName, ...]:
        """The names of those that may run resources."""
        return tuple(member.name for member in self.members.nodes)

    def peer(self, name: NodeName) -> Peer:
        """Return a member. Raises KeyError where there is none of that name."""
        member = self.members.of(name)
        if member is None:
            raise KeyError(name)
        return self._peer(member)

    @property
    def stores(self) -> tuple[Target, ...]:
        """Where stores are reached: this node's first, then those of the voters."""
        others = (peer.store for peer in self.voters if peer.name != self.node)
        return (self._settings.socket("cib"), *others)

    def on_change(self, told: Callable[[], None]) -> None:
        """Have `told` called whenever the members are others than before."""
        self._told.append(told)

    def follow(self, members: Members) -> bool:
        """Take over newer members; tell whether they are newer."""
        if members.number <= self.members.number:
            return False
        self.take_over(members)
        return True

    def take_over(self, members: Members) -> None:
        """Go by these members, whatever was known before."""
        self.members = members
        for told in self._told:
            told()

    def store(self) -> None:
        """Write the members down for the next start, whole or not at all. Raises OSError."""
        body = {"format": _FORMAT, **to_builtins(self.members)}
        temporary = self._path.with_name(f"{FILE}.{os.getpid()}.new")
        with temporary.open("w") as file:
            json.dump(body, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)

    def endpoint(self, name: NodeName, address: str) -> Endpoint:
        """Return an endpoint that shows this node's credentials; `address` as members have it."""
        credentials = self._settings.me.store.credentials
        first, *others = address.split(",")
        return Endpoint(node=name, address=first, others=tuple(others), credentials=credentials)

    def _peer(self, member: Member) -> Peer:
        return Peer(
            name=member.name,
            store=self.endpoint(member.name, member.store),
            controller=self.endpoint(member.name, member.controller),
            fencer=self.endpoint(member.name, member.fencer),
            kind=member.kind,
        )


def seed_of(settings: Settings) -> Members:
    """Return the members as the settings file has them: number 0."""
    peers = sorted(settings.peers, key=lambda peer: peer.name)
    return Members(
        members=tuple(
            Member(
                name=peer.name,
                kind=peer.kind,
                store=",".join(peer.store.addresses),
                controller=",".join(peer.controller.addresses),
                fencer=",".join(peer.fencer.addresses),
            )
            for peer in peers
        )
    )


def _stored(path: Path) -> Members | None:
    """Read the file; one that cannot be read is as good as none, for a store tells it anew."""
    try:
        body = json.loads(path.read_text())
        if body.pop("format") != _FORMAT:
            return None
        members = tuple(_member(each) for each in body.pop("members"))
        return replace(Members(**body), members=members)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _member(body: dict[str, str]) -> Member:
    member = Member(**body)  # type: ignore[arg-type]  # a wrong key is a TypeError, and caught
    return replace(member, name=NodeName(member.name), kind=MemberKind(body["kind"]))
