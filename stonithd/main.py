"""The daemon raftmaker-stonithd: builds the parts, joins them, and ends when one of them fails."""

from __future__ import annotations

import asyncio
import sys

from raftmaker import __version__
from raftmaker.runtime.daemon import Context, run_daemon
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.rpc import serve
from raftmaker.runtime.secrets import Secrets
from raftmaker.runtime.tasks import cancel_all
from stonithd.agents import Agents
from stonithd.fencing.step import initial_state
from stonithd.following import Follower
from stonithd.memory import Memory
from stonithd.offers import Offers
from stonithd.peers import Peers
from stonithd.runner import Runner
from stonithd.server import FencerService

_GRACE_S = 1.0


async def _body(context: Context) -> None:
    settings, log = context.settings, context.log
    memory = Memory(settings.state_dir / "stonithd")
    secrets = Secrets(settings.state_dir / "secrets")
    agents = Agents(settings.fence_dirs, log, secrets=secrets)
    roster = Roster(settings)
    peers = Peers(roster, context.identity)
    offers = Offers(settings.node, agents, peers, log)
    runner = Runner(
        state=initial_state(settings.node, memory.token(), memory.history(settings.node)),
        memory=memory,
        agents=agents,
        peers=peers,
        offers=offers,
        log=log,
    )
    follower = Follower(roster, context.identity, agents, runner, log)
    service = FencerService(
        identity=context.identity,
        runner=runner,
        agents=agents,
        offers=offers,
        peers=peers,
        knowledge=follower.knowledge,
    )
    server = await serve(
        [service.service()],
        identity=context.identity,
        socket=settings.socket("stonithd"),
        endpoints=[settings.me.fencer],
    )
    following = asyncio.create_task(follower.run())
    stopping = asyncio.create_task(context.stop.wait())
    context.ready()
    try:
        await asyncio.wait(
            (following, stopping, runner.failure), return_when=asyncio.FIRST_COMPLETED
        )
        for part in (following, runner.failure):
            if part.done():
                part.result()
    finally:
        await cancel_all((following, stopping))
        await server.stop(_GRACE_S)
        await runner.close()
        await peers.close()


def _metadata() -> str:
    from cib_store.model.option_metadata import of_daemon

    return of_daemon("raftmaker-stonithd", __version__)


def main() -> int:
    """Run the daemon; return its exit code."""
    return run_daemon("raftmaker-stonithd", _body, metadata=_metadata)


if __name__ == "__main__":
    sys.exit(main())
