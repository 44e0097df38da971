"""raftmaker-remoted: runs resource agents on a machine that is no member (features 22.1).

It has no store, no vote and no fencing of its own. It gives its executor to the members'
controllers, over the network, and knows them by their certificates: the authority gives a remote
node one that is good for being called alone, so that another remote node is turned away. What its
tools ask of the cluster, the member that attends to it asks for them (`lrmd/relaying.py`).
"""

from __future__ import annotations

import sys

from lrmd.attending import Attending
from lrmd.main import run_executor
from lrmd.relaying import ToolRelay
from raftmaker.runtime.daemon import Context, run_daemon
from raftmaker.runtime.errors import Fatal
from raftmaker.runtime.relaying import relayed_services
from raftmaker.runtime.rpc import serve


def main() -> int:
    """Run the daemon; return its exit code."""
    return run_daemon("raftmaker-remoted", _body)


async def _body(context: Context) -> None:
    settings = context.settings
    if settings.remote is None:
        raise Fatal(
            f"{settings.node} is a member, whose executor is raftmaker-lrmd: a remote node's"
            " raftmaker.toml has a [remote] table and no [[peers]]"
        )
    attending = Attending(settings.run_dir)
    relay = ToolRelay(lambda: attending.router)
    tools = await serve(
        relayed_services(relay.ask), identity=context.identity, socket=settings.socket("cib")
    )
    try:
        await run_executor(context, attending=attending, relay=relay, endpoints=(settings.remote,))
    finally:
        await tools.stop(grace=0)


if __name__ == "__main__":
    sys.exit(main())
