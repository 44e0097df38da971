"""May one of two voters go on without the other? (pure; protocols, Two nodes; features 25.11)

Two nodes have a majority together only. What takes the place of the majority is a fence device: it
confirmed that the other one's boot is over. Why never both go on, unless a device lied:

- A store goes on alone only from a *place* of its log that was read before the device ran. So from
  there on until the new generation is on its disk it has voted for nobody and acknowledged nothing.
- What the device ended is therefore every boot of the other that ever agreed on anything with this
  store: a later boot can have done so only by moving this store from its place.
- For both to go on, each would have had to hear its device's confirmation while it lived, and each
  was ended before the other heard it: one of the two orders is impossible.
- The other may have gone on *before*, while this node was off. Then this boot of this node has
  never been in a quorum with it. So the session of this very boot must be committed.
- A third store, or the other one alone, could have committed something. So there must be no third
  seat, a learner's included, for who is to vote is a learner first, which both commit; and this
  store has a vote, also in what was in force before a change that is not known to be committed.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from cib_store.document.refusal import Refusal, refused
from cib_store.raft.configuration import Card, Configuration
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import FencingProof
from raftmaker.vocabulary.ids import BootId, NodeName
from raftmaker.vocabulary.membership import Facts, LogPlace, NodeFacts, Presence
from raftmaker.vocabulary.reports import Report

NO_DEVICES = frozenset({"manual", "watchdog"})
"""What vouches for a node by word or by the hope that it ended itself: no proof for a survivor."""
_START = (
    "start {}; only if it is lost for good: 'crm cluster stop' and then 'crm cluster"
    " force-new-cluster' here"
)
HEARD_GRACE_MS = 10_000
"""A peer of which a daemon is heard is starting, or restarts its store, or hears less than it is
heard: it gets so long, as a node does whose controller alone is lost."""


class Standing(Struct, frozen=True, kw_only=True):
    """How a store stands to the other voter, by its own log and its own ears.

    `configurations`: those in its log, from the one on that was in force at the newest entry which
    it has applied; the last is in force now.

    `leaderless_ms`: for how long no leader was heard; 0 while this store leads or hears one.
    """

    me: NodeName
    boot_id: BootId
    card: Card
    configurations: tuple[Configuration, ...]
    facts: Facts
    leaderless_ms: int
    is_peer_heard: bool

    @property
    def configuration(self) -> Configuration:
        """What is in force."""
        return self.configurations[-1]


def peer_of(standing: Standing) -> NodeName | None:
    """Return the other of exactly two seats, both with a vote."""
    seats = standing.configuration.seats
    others = [seat.name for seat in seats if seat.name != standing.me]
    alone = len(seats) != 2 or len(others) != 1 or not all(seat.votes for seat in seats)
    return None if alone else others[0]


def lost_peer(standing: Standing) -> NodeFacts | Refusal:
    """Return the committed facts of the peer that may be fenced; a refusal says why none may."""
    me, facts, configuration = standing.me, standing.facts, standing.configuration
    peer = peer_of(standing)
    seat = configuration.seat(me)
    if peer is None or seat is None:
        return _not("not-two-voters", me, "this is no cluster of two voters alone")
    if not seat.admits(standing.card):
        return _not("other-store", me, "the store that was admitted here was another one")
    if not standing.leaderless_ms:
        return _not("quorum-is-there", me, "a leader is heard")
    mine, theirs = facts.of(me), facts.of(peer)
    was_together = (
        mine is not None and mine.boot_id == standing.boot_id and mine.presence is Presence.MEMBER
    )
    # Until something is committed again a store may know of its peer's vote by its log alone.
    knows_both = {each.name for each in facts.members.voters} == {me, peer}
    if not facts.members.two_node and (knows_both or was_together):
        return _not(
            "two-node-not-wanted",
            me,
            "two voters without a third were not asked for",
            f"while both are there: 'crm cluster add {peer} --two-node'",
        )
    if not was_together:
        return _not(
            "not-together-since-start",
            me,
            f"{me} and {peer} have not been together since {me} was started: {peer} may have gone"
            f" on alone before",
            _START.format(peer),
        )
    for earlier in standing.configurations:
        voted = earlier.seat(me)
        if voted is None or not voted.votes or {each.name for each in earlier.seats} - {me, peer}:
            # Where that change was never committed, others may have a majority without this store.
            what = "a change of the members is not committed that concerns more than its peer"
            return _not("members-not-committed", me, what, _START.format(peer))
    if theirs is None:
        return _not("peer-never-seen", peer, f"{peer} never took part")
    if theirs.presence is Presence.LEFT:
        return _not(
            "peer-left",
            peer,
            f"{peer} left in good order, so it is not fenced; it votes and is not there",
            _START.format(peer),
        )
    if standing.is_peer_heard and standing.leaderless_ms < HEARD_GRACE_MS:
        return _not("peer-is-heard", peer, f"{peer} is heard, and its store may come back")
    return theirs


def why_it_waits(standing: Standing) -> Report | None:
    """Return what keeps one of two without the other from serving, and what people can do."""
    seats = standing.configuration.seats
    others = [seat.name for seat in seats if seat.name != standing.me]
    if not standing.leaderless_ms or len(others) != 1 or len(seats) != 2:
        return None
    peer, mine = others[0], standing.configuration.seat(standing.me)
    if mine is not None and not mine.votes:
        what = f"{peer} has gone on without {standing.me}, which has no vote until it is filled"
        return Report(
            code="waits-for-voter", where=standing.me, what=what, mend=_START.format(peer)
        )
    found = lost_peer(standing)
    if isinstance(found, Refusal):
        return found.reports[0]
    what = f"{peer} is gone: {standing.me} goes on as soon as a device has confirmed its fencing"
    mend = f"see 'stonith_admin --history {peer}'"
    return Report(code="fences-its-peer", where=peer, what=what, mend=mend)


def reason_against_proof(proof: FencingProof, peer: NodeFacts) -> Refusal | None:
    """Refuse what proves nothing: another node or boot, another action, no device."""
    wrong = ""
    if (proof.target, proof.boot_id) != (peer.node, peer.boot_id):
        wrong = f"it ended {proof.target}, boot {proof.boot_id}"
    elif proof.action not in ("off", "reboot"):
        wrong = f"{proof.action!r} ends no node"
    elif not proof.devices:
        wrong = "no device confirmed it"
    elif NO_DEVICES & set(proof.devices):
        wrong = f"{', '.join(proof.devices)}: only a fence device proves it"
    if not wrong:
        return None
    what = f"this is no proof that boot {peer.boot_id} of {peer.node} is over: {wrong}"
    return _not("no-proof", peer.node, what, "have a fence device turn it off")


def moved(read: LogPlace, now: LogPlace) -> Refusal | None:
    """Refuse a place that the log has left: something was agreed on after the device was asked."""
    if read == now:
        return None
    what = f"the log was at {read.told}, and is at {now.told} now: the peer took part meanwhile"
    return _not("log-moved", "", what, "look again")


def alone(configuration: Configuration, me: NodeName, store_id: str) -> Configuration:
    """Return the next generation: this store is the only voter, the other one a learner."""
    seats = tuple(
        replace(seat, votes=seat.name == me, store_id=store_id if seat.name == me else "")
        for seat in configuration.seats
    )
    return Configuration(
        number=configuration.number + 1, generation=configuration.generation + 1, seats=seats
    )


def _not(name: str, where: str, what: str, mend: str = "") -> Refusal:
    return refused(ExitCode.UNSAFE, name, where, what, mend)
