"""Who belongs to the cluster: taken from the log as it stands there, so `apply` cannot refuse it.

The engine counted its majorities by it before it came here. A member that is gone loses its session
and its entries in the CIB once it is known to run nothing; else it stays until it was fenced.
"""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.apply.fencing import fenced
from cib_store.apply.membership import Recorded, settled
from cib_store.document.element import Element
from cib_store.document.path import Step, put, trail_of
from cib_store.document.refusal import Refusal, refused
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import GoOnAlone
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import MemberKind, Members
from raftmaker.vocabulary.membership import Facts, FencePhase, NodeFacts, Presence


def is_down(node: NodeFacts) -> bool:
    """Tell whether it is known that nothing runs there."""
    return node.presence is Presence.LEFT or node.fencing is FencePhase.CONFIRMED


def set_members(facts: Facts, cib: Element, members: Members, generation: int) -> Recorded:
    """Take over the members; forget the nodes that are gone and down."""
    facts = replace(facts, members=members, generation=max(facts.generation, generation))
    return without_strangers(facts, cib)


def go_on_alone(facts: Facts, cib: Element, body: GoOnAlone, generation: int) -> Recorded:
    """Let one go on as the only voter; its peer is down and clean if that boot took part.

    The session does not matter: a device ended the whole boot. Another boot of the peer is lost
    as any node is, and fenced again.
    """
    every = tuple(
        replace(
            member,
            learner=member.name != body.survivor,
            store_id=body.store_id if member.name == body.survivor else "",
        )
        if member.kind is not MemberKind.FOLLOWER
        else member
        for member in facts.members.members
    )
    members = replace(facts.members, number=body.number, members=every)
    recorded = set_members(facts, cib, members, generation)
    there = recorded.facts.of(body.proof.target)
    if there is None or there.boot_id != body.proof.boot_id or is_down(there):
        return recorded
    return fenced(recorded.facts, recorded.cib, there)


def without_strangers(facts: Facts, cib: Element) -> Recorded:
    """Forget the nodes that are no members any more and are known to be down."""
    if not facts.members.number:
        return Recorded(facts, cib)
    nodes = {member.name for member in facts.members.nodes}
    gone = {each.node for each in facts.nodes if each.node not in nodes and is_down(each)}
    if not gone:
        return Recorded(facts, cib)
    kept = tuple(each for each in facts.nodes if each.node not in gone)
    dc = None if facts.dc is not None and facts.dc.node in gone else facts.dc
    for node in sorted(gone):
        cib = _without_node(cib, node)
    return settled(replace(facts, nodes=kept, dc=dc), cib)


def _without_node(cib: Element, node: NodeName) -> Element:
    for path in ("/cib/configuration/nodes", "/cib/status"):
        tag = "node" if path.endswith("nodes") else "node_state"
        trail = trail_of(cib, f"{path}{Step(tag, node)}")
        if trail is not None:
            cib = put(cib, trail, None)
    return cib


def reason_against_stranger(facts: Facts, node: NodeName) -> Refusal | None:
    """Refuse a session to one that is no member, or whose kind has none."""
    if not facts.members.number:
        return None
    member = facts.members.of(node)
    if member is None:
        return refused(
            ExitCode.PROTOCOL,
            "not-a-member",
            node,
            f"{node} is no member of this cluster",
            f"run 'crm cluster add {node}' on a node of it",
        )
    if member.kind is MemberKind.WITNESS:
        return refused(
            ExitCode.PROTOCOL,
            "witness-runs-nothing",
            node,
            f"{node} is a witness: it votes and runs no controller",
            "run raftmaker-cib alone there, or remove it and add it as a node",
        )
    return None
