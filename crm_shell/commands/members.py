"""``crm cluster add``, ``remove``, ``members``, and what mends a store (features 30.4-30.7)."""

from __future__ import annotations

import asyncio
import socket

from msgspec import to_builtins

from crm_shell.commands.options import OptionParser
from crm_shell.commands.session import Command, Failed, Misused, Session, arguments
from crm_shell.console import Json
from raftmaker.client import Membership
from raftmaker.runtime.settings import Settings
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName
from raftmaker.vocabulary.members import Member, MemberKind, Members

ADD = (
    "add NODE [--witness|--follower] [--address HOST] [--store HOST:PORT] [--controller HOST:PORT]"
    " [--fencer HOST:PORT] [--two-node] [--no-wait]"
)
REMOVE = "remove NODE [-F|--force]"
FORCE = "force-new-cluster [-y|--yes]"
_PORTS = {"store": 5405, "controller": 5407, "fencer": 5408}
_LOOK_S = 0.5
_WAIT_S = 120.0


async def _add(session: Session, args: list[str]) -> int:
    options = OptionParser(ADD)
    options.add_argument("node")
    kind = options.add_mutually_exclusive_group()
    kind.add_argument("--witness", dest="kind", action="store_const", const=MemberKind.WITNESS)
    kind.add_argument("--follower", dest="kind", action="store_const", const=MemberKind.FOLLOWER)
    for name in ("address", *_PORTS):
        options.add_argument(f"--{name}", default="")
    options.add_argument("--two-node", action="store_true")
    options.add_argument("--no-wait", action="store_true")
    given = options.parse_args(args)
    member_kind = given.kind or MemberKind.VOTER
    places = {}
    for daemon, port in _PORTS.items():
        host = given.address or given.node
        needed = daemon == "store" or member_kind is not MemberKind.WITNESS
        usual = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        places[daemon] = getattr(given, daemon) or (usual if needed else "")
    member = Member(
        name=NodeName(given.node),
        kind=member_kind,
        store=places["store"],
        controller=places["controller"],
        fencer=places["fencer"],
    )
    members = await session.cluster.add_member(
        member, two_node=given.two_node, message=f"crm cluster add {given.node}"
    )
    session.console.info(f"{given.node} is a member: {member_kind.value}")
    added = members.of(member.name)
    if added is not None and added.learner and not given.no_wait:
        await _wait_for_vote(session, member.name)
    session.console.answer("", _data(await session.cluster.members()))
    return 0


async def _wait_for_vote(session: Session, node: NodeName) -> None:
    """Tell what a learner waits for, until it votes or waits for a third."""
    told = ""
    deadline = asyncio.get_running_loop().time() + _WAIT_S
    while asyncio.get_running_loop().time() < deadline:
        now = await session.cluster.members()
        there, seen = now.members.of(node), now.of(node)
        if there is None or not there.learner:
            session.console.info(f"{node} votes")
            return
        waits = seen.waits_for if seen is not None else ""
        if waits and waits != told:
            told = waits
            session.console.info(f"{node} does not vote yet: {waits}")
        if "--two-node" in waits:
            return
        await asyncio.sleep(_LOOK_S)
    session.console.warn(f"{node} does not vote yet; see 'crm cluster members'")


async def remove(session: Session, args: list[str]) -> int:
    """Remove a member from the cluster (features 30.6)."""
    options = OptionParser(REMOVE)
    options.add_argument("node")
    options.add_argument("-F", "--force", action="store_true")
    given = options.parse_args(args)
    if not session.confirm(f"Remove {given.node} from the cluster?"):
        return 0
    members = await session.cluster.remove_member(
        given.node,
        force=given.force or session.force,
        message=f"crm cluster remove {given.node}",
    )
    session.console.info(f"{given.node} is no member any more")
    voters = len(members.voters)
    if voters == 2:
        session.console.warn("two voters are left: without one of them nothing can be committed")
    session.console.answer("", {"removed": given.node, "voters": voters})
    return 0


async def _members(session: Session, args: list[str]) -> int:
    arguments(args, 0, 0, "members")
    now = await session.cluster.members()
    session.console.answer("\n".join(_lines(now)), _data(now))
    return 0


def _lines(now: Membership) -> list[str]:
    lines = [f"Members (change {now.members.number}, generation {now.generation}):"]
    for member in now.members.members:
        seen = now.of(member.name)
        words = [f"learner, to be a {member.kind.value}" if member.learner else member.kind.value]
        if member.name == now.leader:
            words.append("leads")
        if seen is not None and not seen.heard and member.kind is not MemberKind.FOLLOWER:
            words.append("SILENT")
        if seen is not None and seen.waits_for:
            words.append(seen.waits_for)
        lines.append(f"  * {member.name}: {', '.join(words)}")
        places = [f"{name} {getattr(member, name)}" for name in _PORTS if getattr(member, name)]
        lines.append(f"      {', '.join(places)}")
    return lines


def _data(now: Membership) -> Json:
    return {
        "number": now.members.number,
        "generation": now.generation,
        "leader": str(now.leader),
        "two_node": now.members.two_node,
        "members": [
            {**to_builtins(member), "votes": member.votes} | _seen(now, member.name)
            for member in now.members.members
        ],
    }


def _seen(now: Membership, name: str) -> dict[str, Json]:
    seen = now.of(name)
    if seen is None:
        return {}
    return {"heard": seen.heard, "behind": seen.behind, "waits_for": seen.waits_for}


def _insist_on_down(settings: Settings) -> None:
    """Refuse while this node's store runs: its files are its own then."""
    path = settings.socket("cib")
    probe = socket.socket(socket.AF_UNIX)
    try:
        probe.connect(str(path))
    except OSError:
        return
    finally:
        probe.close()
    raise Failed(
        f"raftmaker-cib runs on {settings.node}: stop the node first ('crm cluster stop', or"
        " 'systemctl stop raftmaker.target' when it has no quorum)",
        code=ExitCode.UNSATISFIED,
    )


async def _found(session: Session, args: list[str]) -> int:
    arguments(args, 0, 0, "found")
    from raftmaker.runtime.founding import mark_founder

    settings = session.cluster.settings
    if (settings.state_dir / "raft" / "journal").exists():
        raise Failed(
            f"there is a store in {settings.state_dir}: it has been founded",
            code=ExitCode.EXISTS,
        )
    mark_founder(settings.state_dir)
    session.console.answer(
        f"the first store made on {settings.node} takes part in founding the cluster",
        {"node": settings.node},
    )
    return 0


async def _repair(session: Session, args: list[str]) -> int:
    arguments(args, 0, 0, "repair-store")
    from cib_store.mending import set_aside

    settings = session.cluster.settings
    _insist_on_down(settings)
    if not session.confirm(f"Set the store of {settings.node} aside? Its peers fill it again."):
        return 0
    aside = set_aside(settings.state_dir / "raft")
    what = f"the old store is kept in {aside}" if aside is not None else "there was no store"
    session.console.answer(
        f"{what}; start the node ('crm cluster start'): its peers fill the new store, and it votes"
        " again when it has caught up",
        {"node": settings.node, "aside": str(aside or "")},
    )
    return 0


async def _force(session: Session, args: list[str]) -> int:
    options = OptionParser(FORCE)
    options.add_argument("-y", "--yes", action="store_true")
    given = options.parse_args(args)
    settings = session.cluster.settings
    _insist_on_down(settings)
    if not (given.yes or session.force):
        _insist_on_sentence(session, settings.node)
    from cib_store.mending import go_on_alone
    from raftmaker.runtime.roster import Roster, seed_of

    seed = seed_of(settings)
    roster = Roster(settings)
    me = roster.members.of(settings.node) or seed.of(settings.node)
    assert me is not None, "the settings name their own node"
    wanted = go_on_alone(
        settings.state_dir / "raft",
        me,
        seed=seed,
        cluster=settings.cluster,
        origin=session.cluster.origin("crm cluster force-new-cluster"),
    )
    roster.take_over(Members(number=wanted.number, members=(me,)))
    roster.store()
    session.console.answer(
        f"{settings.node} goes on alone in generation {wanted.generation}. Start it ('crm cluster"
        " start'). The others must be fenced, or vouched for as down, before their resources move;"
        " to take one back: 'crm cluster repair-store' there, 'crm cluster add' here",
        {"node": settings.node, "generation": wanted.generation},
    )
    return 0


def _insist_on_sentence(session: Session, node: NodeName) -> None:
    if session.ask is None:
        raise Misused("nobody can be asked here: give --yes if the other nodes are lost for good")
    question = (
        f"{node} will be the cluster, and what the others committed without it is LOST. Are"
        " all other voters lost for good?"
    )
    if not session.ask(question):
        raise Failed("nothing was changed", code=ExitCode.ERROR)


MEMBERS = (
    Command(name="members", usage="members", run=_members,
            summary="Show who belongs to the cluster, who votes, and what learners wait for"),
    Command(name="add", usage=ADD, run=_add,
            summary="Add a member: a voter, a witness or a follower",
            details="Hosts that join with a token are added by themselves. A voter begins as a"
            " learner and votes when it holds everything that is committed; the second voter of a"
            " cluster waits for a third or a witness, unless --two-node is given: then one of two"
            " goes on without the other once a fence device has confirmed that it is off. Addresses"
            " that are not given are NODE (or --address) at the usual ports."),
    Command(name="remove", usage=REMOVE, run=remove,
            summary="Remove a member; stop the cluster there first",
            details="--force also removes one that takes part: it is refused at once, counts as"
            " lost and is fenced."),
    Command(name="found", usage="found", run=_found,
            summary="Let this node's first store take part in founding the cluster",
            details="For clusters whose settings were written by hand: once on every founding"
            " voter, before its first start. 'crm cluster init' does it by itself. Without it an"
            " empty store waits for its peers: it may be that of a voter that lost its disk."),
    Command(name="repair-store", usage="repair-store", run=_repair,
            summary="Set this node's damaged store aside; its peers fill a new one",
            details="The node must be down. Nothing is deleted. The node votes again when it holds"
            " everything that is committed."),
    Command(name="force-new-cluster", usage=FORCE, run=_force,
            summary="Go on alone when most voters are lost for good",
            details="On a survivor, with its daemons down. It becomes the only voter, in the next"
            " generation: whatever the others hold can never come back as the truth."),
)  # fmt: skip
