"""raftmaker-cib: the replicated CIB of this node."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cib_store.callers import Callers
from cib_store.mending import set_left_behind_aside
from cib_store.raft.birth import GENERATION_IS_OVER, begins_anew
from cib_store.raft.files import Files
from cib_store.raft.journal import DAMAGED
from cib_store.server import StoreServicer, service_of
from cib_store.store import Store
from raftmaker import __version__
from raftmaker.runtime.daemon import Context, run_daemon
from raftmaker.runtime.errors import Fatal, Rejected
from raftmaker.runtime.exchange_service import certificates_service
from raftmaker.runtime.front import Front
from raftmaker.runtime.rpc import serve

SWITCH_S = 0.0005
"""How long the event loop may keep the disk's thread waiting for the interpreter."""
COLLECT_AFTER = (20_000, 20, 50)
"""Garbage is looked for this seldom: the trees of a thousand versions hold none, and each look at
them all keeps every writer waiting."""


def _metadata() -> str:
    from cib_store.model.option_metadata import of_daemon

    return of_daemon("raftmaker-cib", __version__)


def main() -> int:
    """Run the daemon; return its exit code."""
    sys.setswitchinterval(SWITCH_S)
    gc.freeze()  # what was loaded stays
    gc.set_threshold(*COLLECT_AFTER)
    return run_daemon("raftmaker-cib", _body, metadata=_metadata)


async def _body(context: Context) -> None:
    settings = context.settings
    if not settings.me.voter:
        raise Fatal(
            f"{settings.node} is no voter: stores that follow without a vote are not supported yet;"
            " set voter = true, or run no raftmaker-cib here"
        )
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with _beyond_restarts():
        await _serve(context)


@contextmanager
def _beyond_restarts() -> Iterator[None]:
    """A store that is damaged or left behind is so at every start, until somebody repairs it.

    To begin with an empty one instead would take an acknowledged change for lost.
    """
    try:
        yield
    except Rejected as refusal:
        if any(report.code in (DAMAGED, GENERATION_IS_OVER) for report in refusal.reports):
            raise Fatal(str(refusal)) from refusal
        raise


async def _serve(context: Context) -> None:
    settings = context.settings
    _begin_anew(context)
    store = Store(context)
    front = Front(settings.public_socket("cib"), settings.private_socket("cib"), context.log)
    callers = Callers(settings, front, store.roster)
    services = [service_of(StoreServicer(store, callers)), *store.engine.services()]
    if settings.tls_dir is not None:
        services.append(certificates_service(context, settings.tls_dir))
    server = await serve(
        services,
        identity=context.identity,
        socket=settings.private_socket("cib"),
        endpoints=[settings.me.store],
        private=True,
    )
    try:
        await front.start()
        context.ready()
        await store.run(context.stop)
    finally:
        await front.close()
        await server.stop(grace=0)
        await store.close()


def _begin_anew(context: Context) -> None:
    """Set a store aside that the cluster has left behind, when that fills a new one (25.11)."""
    directory = context.settings.state_dir / "raft"
    if begins_anew(Files(), directory):
        aside = set_left_behind_aside(directory)
        context.log.warning("the store was left behind, and begins anew", aside=aside)


if __name__ == "__main__":
    sys.exit(main())
