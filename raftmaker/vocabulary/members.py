"""Who belongs to the cluster, with addresses: committed, the same for all (protocols, Identity).

`raftmaker.toml` only seeds the first start. Voters and witnesses vote once they hold everything
that is committed; until then they are learners. Followers never vote.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from raftmaker.vocabulary.ids import NodeName


class MemberKind(Enum):
    """What part a member takes."""

    VOTER = "voter"
    WITNESS = "witness"
    """Votes, runs the store alone, and is no node that could run anything."""
    FOLLOWER = "follower"
    """Does not vote; its store follows a voter's."""


class Member(Struct, frozen=True, kw_only=True):
    """One member; addresses are ``host:port``, several of one daemon are separated by commas.

    A witness has the address of its store alone.

    `learner`: it is to vote and does not yet. `store_id`: which store on its disk may vote; empty:
    the one that took part in founding the cluster.
    """

    name: NodeName
    kind: MemberKind = MemberKind.VOTER
    store: str
    controller: str = ""
    fencer: str = ""
    learner: bool = False
    store_id: str = ""

    @property
    def votes(self) -> bool:
        """Whether a majority is counted with it now."""
        return self.kind is not MemberKind.FOLLOWER and not self.learner


class Members(Struct, frozen=True, kw_only=True):
    """All members, sorted by name. `number` grows by one with every change.

    `two_node`: two voters without a third were asked for.
    """

    number: int = 0
    members: tuple[Member, ...] = ()
    two_node: bool = False

    def of(self, name: NodeName) -> Member | None:
        """Return the member of that name."""
        for member in self.members:
            if member.name == name:
                return member
        return None

    @property
    def names(self) -> tuple[NodeName, ...]:
        """The names of all."""
        return tuple(member.name for member in self.members)

    @property
    def voters(self) -> tuple[Member, ...]:
        """Those that vote now."""
        return tuple(member for member in self.members if member.votes)

    @property
    def nodes(self) -> tuple[Member, ...]:
        """Those that are nodes of the cluster: they have a controller and may run resources."""
        return tuple(each for each in self.members if each.kind is not MemberKind.WITNESS)
