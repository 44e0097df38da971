"""``crm cluster start`` and ``stop`` on other nodes, by the ssh that the operator has (30.7).

Nothing of the cluster's own listens on a node that is stopped. So this is the operator's command,
given on each node under the operator's name and keys, and no more.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from crm_shell.commands.session import Failed, Misused, Session
from raftmaker.runtime.process import run
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.settings import Peer
from raftmaker.vocabulary.codes import ExitCode

_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10")
"""No questions: several run at once."""
_LIMIT_MS = 30 * 60_000


async def act(session: Session, verb: str, args: Sequence[str], usage: str) -> int:
    """Give ``crm cluster VERB`` on the nodes that `args` name, at once. `verb`: start, stop."""
    peers = wanted(Roster(session.cluster.settings).peers, args, usage)
    if os.geteuid() != 0:
        raise Failed(f"to {verb} nodes you must be root", code=ExitCode.INSUFFICIENT_PRIV)
    me = session.cluster.settings.node
    done = await asyncio.gather(*(give(peer, verb, here=peer.name == me) for peer in peers))
    for peer, fault in zip(peers, done, strict=True):
        if fault:
            session.console.error(f"{peer.name}: {fault}")
    good = [peer.name for peer, fault in zip(peers, done, strict=True) if not fault]
    words = {"start": "started", "stop": "stopped"}
    session.console.answer(
        f"{words[verb]}: {', '.join(good) or 'none'}", {words[verb]: [*map(str, good)]}
    )
    return int(ExitCode.ERROR) if any(done) else 0


def wanted(members: Sequence[Peer], args: Sequence[str], usage: str) -> tuple[Peer, ...]:
    """Return the members that are named, ``--all`` for all of them. Raises `Misused`. Pure."""
    if list(args) == ["--all"]:
        return tuple(members)
    named = {str(member.name): member for member in members}
    for word in args:
        if word.startswith("-"):
            raise Misused(f"unexpected argument {word!r}; usage: {usage}")
        if word not in named:
            raise Misused(f"{word} is no member; there are: {', '.join(named)}")
    return tuple(named[word] for word in dict.fromkeys(args))


async def give(peer: Peer, verb: str, *, here: bool) -> str:
    """Give the command on one node; return what went wrong, empty: nothing."""
    command = ("crm", "cluster", verb)
    host = peer.store.address.rpartition(":")[0].strip("[]")
    try:
        ended = await run(
            command if here else (*_SSH, f"root@{host}", *command), timeout_ms=_LIMIT_MS
        )
    except OSError as error:
        return f"{command[0] if here else 'ssh'}: {error.strerror}: give 'crm cluster {verb}' there"
    if ended.code == 0:
        return ""
    said = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
    last = said[-1] if said else f"exit code {ended.code}"
    # 255 is ssh's own failure.
    there = f"; it needs this user's key there, or give 'crm cluster {verb}' there"
    return last + (there if not here and ended.code == 255 else "")
