"""Which members may follow which, and what a leader does about learners and lost disks (pure).

A voter is a learner first: it gets everything that is committed and then votes. Two voters tolerate
no loss, so the second of a cluster stays a learner until a third is ready too, or two were asked
for. A voter whose store is not the one that was admitted has lost its disk: it is made a learner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from cib_store.apply.members import is_down
from cib_store.document.refusal import Refusal
from cib_store.raft.configuration import CLOSE, Card, Configuration, Seat, SeatStatus
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import Member, MemberKind, Members
from raftmaker.vocabulary.membership import Facts, Presence
from raftmaker.vocabulary.reports import Report

VOTERS_MAX = 7
_OTHER = "choose another, or look at 'crm cluster members'"


def configuration_of(members: Members, generation: int) -> Configuration:
    """Return who takes part in the log: all but the followers, which are fed by watches."""
    return Configuration(
        number=members.number,
        generation=max(1, generation),
        seats=tuple(
            Seat(
                name=member.name,
                address=member.store,
                votes=member.votes,
                store_id=member.store_id,
            )
            for member in members.members
            if member.kind is not MemberKind.FOLLOWER
        ),
    )


def added(members: Members, new: Member, *, two_node: bool) -> Members | Refusal:
    """Return the members with one more; a voter begins as a learner.

    Asked again for a member that is there already as wanted, they are returned as they are.
    """
    there = members.of(new.name)
    wanted = replace(new, learner=new.kind is not MemberKind.FOLLOWER, store_id="")
    if there is not None:
        same = replace(wanted, learner=there.learner, store_id=there.store_id)
        if there != same:
            return _refused("member-exists", new.name, _differences(there, same), _REMOVE)
        return _numbered(members, members.members, two_node=two_node or members.two_node)
    reports = [*_address_faults(members, new)]
    voters = sum(each.kind is not MemberKind.FOLLOWER for each in members.members)
    if new.kind is not MemberKind.FOLLOWER and voters >= VOTERS_MAX:
        what = f"there are {voters} voters already, and {VOTERS_MAX} is the most"
        reports.append(_report("too-many-voters", new.name, what, "add it with --follower"))
    if reports:
        return Refusal(ExitCode.INVALID_PARAM, tuple(reports))
    both = sorted((*members.members, wanted), key=lambda each: each.name)
    return _numbered(members, both, two_node=two_node or members.two_node)


_REMOVE = "remove it first to change what it is"


def _differences(there: Member, same: Member) -> str:
    fields = ("kind", "store", "controller", "fencer")
    pairs = [(name, getattr(there, name), getattr(same, name)) for name in fields]
    told = [f"{name} {_text(old)}, not {_text(new)}" for name, old, new in pairs if old != new]
    return f"{there.name} is a member already, with {'; '.join(told)}"


def _text(value: object) -> object:
    return value.value if isinstance(value, MemberKind) else value or "none"


def _address_faults(members: Members, new: Member) -> Iterable[Report]:
    taken = {
        address: each.name
        for each in members.members
        for address in (each.store, each.controller, each.fencer)
        if address
    }
    needed = ["store"] if new.kind is MemberKind.WITNESS else ["store", "controller", "fencer"]
    for name in needed:
        address = getattr(new, name)
        if not address:
            yield _report("no-address", new.name, f"it has no {name} address", f"give --{name}")
        elif address in taken:
            what = f"{address} is an address of {taken[address]} already"
            yield _report("address-taken", new.name, what, "give another address")


def removed(members: Members, name: NodeName, facts: Facts, *, force: bool) -> Members | Refusal:
    """Return the members without one."""
    there = members.of(name)
    if there is None:
        known = ", ".join(members.names)
        return _refused("no-such-member", name, f"{name} is no member; members: {known}", _OTHER)
    if [member.name for member in members.voters] == [name]:
        what = f"{name} is the last voter: without one nothing can be committed"
        return _refused("last-voter", name, what, "add another first, or take the cluster down")
    node = facts.of(name)
    if node is not None and not is_down(node) and not force:
        what = f"{name} takes part in the cluster: what it runs would have to be fenced"
        return _refused(
            "member-is-active",
            name,
            what,
            f"stop the cluster there first ('crm cluster stop' on {name}), or add --force",
        )
    if there.votes and len(members.voters) == 2:
        # It must know that it has no vote, or it could go on alone: so it is a learner first.
        return _with(members, replace(there, learner=True, store_id=""))
    rest = [member for member in members.members if member.name != name]
    return _numbered(members, rest, two_node=members.two_node)


def upkeep(members: Members, peers: Sequence[SeatStatus], facts: Facts) -> Members | None:
    """Return what the leader changes of itself next; None: everything is as it should be.

    First whoever lost its disk loses its vote, and of two voters the one whose node left in good
    order; then founders' stores are written down, then one learner that has caught up gets its
    vote.
    """
    cards = {peer.name: peer.card for peer in peers if peer.card is not None}
    seats = {seat.name: seat for seat in configuration_of(members, 1).seats}
    for member in members.voters:
        card = cards.get(member.name)
        if card is not None and not seats[member.name].admits(card) and len(members.voters) > 1:
            return _with(members, replace(member, learner=True, store_id=""))
    left = _left_of_two(members, facts)
    if left is not None:
        return _with(members, replace(left, learner=True, store_id=""))
    written = tuple(_with_founder(member, cards) for member in members.members)
    if written != members.members:
        return _numbered(members, written, two_node=members.two_node)
    for peer in _ready(members, peers, facts):
        learner = members.of(peer)
        assert learner is not None
        return _with(members, replace(learner, learner=False, store_id=cards[peer].store_id))
    return None


def _left_of_two(members: Members, facts: Facts) -> Member | None:
    """Return the one of two voters without a third that left, and is to let the other go on."""
    voters = members.voters
    if len(voters) != 2 or not members.two_node:
        return None
    left = [voter for voter in voters if _presence(facts, voter.name) is Presence.LEFT]
    return left[0] if len(left) == 1 else None


def has_to_wait(facts: Facts, me: NodeName) -> bool:
    """Tell whether this node's store, which ends, is one of two voters that is to lose its vote."""
    left = _left_of_two(facts.members, facts)
    return left is not None and left.name == me


def _presence(facts: Facts, node: NodeName) -> Presence | None:
    there = facts.of(node)
    return None if there is None else there.presence


def _with_founder(member: Member, cards: Mapping[NodeName, Card]) -> Member:
    card = cards.get(member.name)
    if not member.votes or member.store_id or card is None or not card.founder:
        return member
    return replace(member, store_id=card.store_id)


def _ready(members: Members, peers: Sequence[SeatStatus], facts: Facts) -> list[NodeName]:
    """Return the learners that may vote now, if there would not be just two voters.

    The second of two votes only while its node takes part, as it is the end of that which a device
    would have to confirm.
    """
    ready = [
        peer.name
        for peer in peers
        if peer.card is not None
        and peer.behind is not None
        and peer.behind <= CLOSE
        and (member := members.of(peer.name)) is not None
        and member.learner
    ]
    if len(members.voters) != 1 or len(ready) != 1:
        return ready
    learner = members.of(ready[0])
    assert learner is not None
    takes_part = (
        learner.kind is MemberKind.WITNESS or _presence(facts, learner.name) is Presence.MEMBER
    )
    return ready if members.two_node and takes_part else []


def waits_for(members: Members, peer: SeatStatus | None, facts: Facts) -> str:
    """Return why a learner does not vote yet, for people."""
    if peer is None or peer.card is None:
        return "its store does not answer"
    if peer.behind is None:
        return "its store has not said yet how far it is"
    if peer.behind > CLOSE:
        return f"it lacks {peer.behind} log entries"
    if len(members.voters) == 1 and not members.two_node:
        return "two voters tolerate no loss: add a third or a witness, or say --two-node"
    if len(members.voters) == 1 and _presence(facts, peer.name) is not Presence.MEMBER:
        return "its controller does not take part"
    return "it is about to vote"


def _with(members: Members, changed: Member) -> Members:
    every = (changed if each.name == changed.name else each for each in members.members)
    return _numbered(members, every, two_node=members.two_node)


def _numbered(members: Members, every: Iterable[Member], *, two_node: bool) -> Members:
    new = replace(members, members=tuple(every), two_node=two_node)
    return members if new == members else replace(new, number=members.number + 1)


def _report(code: str, where: str, what: str, mend: str) -> Report:
    return Report(code=code, where=where, what=what, mend=mend)


def _refused(code: str, where: str, what: str, mend: str) -> Refusal:
    exits = {"no-such-member": ExitCode.NOSUCH, "member-exists": ExitCode.EXISTS}
    return Refusal(exits.get(code, ExitCode.UNSAFE), (_report(code, where, what, mend),))
