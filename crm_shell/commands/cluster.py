"""``crm cluster``: the daemons and the replicas of the store behind the cluster (30.7)."""

from __future__ import annotations

from datetime import UTC, datetime

from crm_shell.commands.backup import BACKUP
from crm_shell.commands.founding import FOUNDING
from crm_shell.commands.health import HEALTH
from crm_shell.commands.members import MEMBERS
from crm_shell.commands.running import RUNNING
from crm_shell.commands.session import Command, Level, Session, arguments
from crm_shell.commands.waiting import wait
from crm_shell.console import Json
from raftmaker.client import Progress, StoreStatus
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.settings import Peer
from raftmaker.vocabulary.codes import ExitCode

_DAEMONS = ("cib", "crmd", "lrmd", "stonithd")


async def _status(session: Session, args: list[str]) -> int:
    arguments(args, 0, 0, "status")
    faults: list[str] = []
    store: StoreStatus | None = None
    controller: Progress | None = None
    try:
        store = await session.cluster.store_status()
    except HaError as error:
        faults.append(str(error))
    settings = session.cluster.settings
    runs_resources = settings.me.is_node
    try:
        # A witness has no controller: nothing is wrong with that.
        controller = await session.cluster.progress() if runs_resources else None
    except HaError as error:
        faults.append(str(error))
    lines = [f"Cluster {settings.cluster_name} ({settings.cluster}), node {settings.node}"]
    lines.extend(_store_lines(store))
    lines.extend(_controller_lines(controller) if runs_resources else ["Witness: it only votes"])
    for name in _daemons_of(settings.me):
        there = settings.socket(name).exists()
        lines.append(f"  * raftmaker-{name}: {settings.socket(name)} {'' if there else 'MISSING'}")
    # Here and not above: loading cryptography would slow every command.
    from crm_shell.host.expiry import expiries

    ends = expiries(settings.tls_dir, datetime.now(UTC))
    lines.extend(f"  * {each}" for each in ends)
    session.console.answer(
        session.console.paint_status("\n".join(line.rstrip() for line in lines)),
        _data(session, store, controller, faults),
    )
    for end in ends:
        if end.is_near:
            session.console.warn(
                f"{end}: without it this node is shut out and does not start;"
                " renew all with 'crm cluster rotate-certificates'"
            )
    for fault in faults:
        session.console.error(fault)
    return int(ExitCode.DISCONNECT) if faults else 0


def _daemons_of(me: Peer) -> tuple[str, ...]:
    """Return what runs here: a witness has its store alone, a follower everything but that."""
    if not me.is_node:
        return ("cib",)
    return _DAEMONS if me.voter else _DAEMONS[1:]


def _store_lines(store: StoreStatus | None) -> list[str]:
    if store is None:
        return ["Store: does not answer"]
    role = "leads" if store.leads else f"follows {store.leader or 'nobody'}"
    quorum = "with quorum" if store.quorate else "WITHOUT quorum"
    lines = [
        f"Store of {store.node}: {role} in term {store.term}, {quorum}; CIB {store.version};"
        f" log {store.applied} applied, {store.committed} committed",
        "  Voters:",
    ]
    for voter in store.voters:
        if voter.node == store.node:
            state = "this node"
        elif voter.heard:
            state = f"heard {max(voter.silent_us, 0) / 1000:.0f} ms ago"
        elif voter.silent_us < 0:
            state = "never heard"
        else:
            state = f"SILENT for {voter.silent_us / 1e6:.1f} s"
        lines.append(f"    * {voter.node}: {state}")
    if store.waits_for:
        lines += [f"  It waits: {store.waits_for}", f"    {store.mend}"]
    return lines


def _controller_lines(now: Progress | None) -> list[str]:
    if now is None:
        return ["Controller: does not answer"]
    dc = f"DC {now.dc}" if now.dc else "no DC"
    lines = [f"Controller: {now.state}, {dc}, transition {now.transition}"]
    if now.actions_total:
        lines.append(f"  {now.actions_done} of {now.actions_total} actions done")
    lines.extend(f"  * {each}" for each in now.running)
    return lines


def _data(
    session: Session, store: StoreStatus | None, now: Progress | None, faults: list[str]
) -> Json:
    return {
        "cluster": session.cluster.settings.cluster_name,
        "node": session.cluster.settings.node,
        "store": None
        if store is None
        else {
            "leads": store.leads, "leader": store.leader, "term": store.term,
            "applied": store.applied, "committed": store.committed, "quorate": store.quorate,
            "version": str(store.version),
            "voters": [
                {"node": each.node, "heard": each.heard, "silent_us": each.silent_us}
                for each in store.voters
            ],
        },
        "controller": None
        if now is None
        else {
            "state": now.state, "dc": now.dc, "quorate": now.quorate,
            "transition": now.transition, "actions_total": now.actions_total,
            "actions_done": now.actions_done, "running": list(now.running),
        },
        "faults": list(faults),
    }  # fmt: skip


async def _history(session: Session, args: list[str]) -> int:
    words = arguments(args, 0, 1, "history [COUNT]")
    limit = int(words[0]) if words and words[0].isdigit() else 20
    entries = await session.cluster.history(limit)
    import time

    lines = [
        f"{each.revision:>8}  {each.version}"
        f"  {time.strftime('%F %T', time.localtime(each.origin.at_us / 1e6))}"
        f"  {each.origin.user}@{each.origin.node} via {each.origin.client}"
        f"  {each.origin.message}".rstrip()
        for each in entries
    ]
    session.console.answer(
        "\n".join(lines),
        [
            {"revision": each.revision, "at_us": each.origin.at_us, "user": each.origin.user,
             "node": each.origin.node, "client": each.origin.client,
             "message": each.origin.message}
            for each in entries
        ],
    )  # fmt: skip
    return 0


LEVEL = Level(
    name="cluster",
    summary="The daemons and replicas behind the cluster",
    is_for_administrators=True,
    commands=(
        *FOUNDING,
        *RUNNING,
        *MEMBERS,
        *BACKUP,
        HEALTH,
        Command(name="status", usage="status", run=_status,
                summary="Show the store's replicas, the controller and the daemons' sockets"),
        Command(name="history", usage="history [COUNT]", run=_history,
                summary="Show the latest configuration changes: who, when, why"),
        Command(name="wait", usage="wait", run=wait,
                summary="Wait until everything configured is carried out",
                aliases=("wait_for_startup",)),
    ),
)  # fmt: skip
