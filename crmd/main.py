"""The daemon raftmaker-crmd: builds the parts, joins them, and ends when one of them fails."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial

from crmd.alerting import Alerting
from crmd.executing import Executing
from crmd.explaining import Explaining
from crmd.fsa import events
from crmd.fsa.config import Config, StartState
from crmd.fsa.effects import Exit
from crmd.fsa.machine import initial
from crmd.outside import Reach
from crmd.peers import Peers
from crmd.relaying import Doors
from crmd.remoting import Remoting
from crmd.runner import Runner
from crmd.server import ControllerServicer, service_of
from crmd.starts import next_start
from crmd.storing import Beating, Storing, Watching
from crmd.throttling import Throttling, is_container
from raftmaker import __version__
from raftmaker.runtime.clock import boot_ms, wall_us
from raftmaker.runtime.daemon import Context, run_daemon
from raftmaker.runtime.errors import Fatal, HaError
from raftmaker.runtime.exchange_service import certificates_service
from raftmaker.runtime.identity import SOFTWARE_VERSION
from raftmaker.runtime.logs import Log
from raftmaker.runtime.roster import Roster
from raftmaker.runtime.rpc import Server, Service, serve
from raftmaker.runtime.secrets import Secrets
from raftmaker.runtime.tasks import cancel_all
from raftmaker.runtime.worker import Worker
from raftmaker.vocabulary.codes import ExitCode

_GRACE_S = 0.5
_EXECUTOR_S = 0.3
"""Longer this node does not wait: it takes part without its executor, and joins when that is up."""


class Ended(HaError):
    """The core ordered the end of the process."""

    def __init__(self, code: ExitCode, reason: str) -> None:
        """Keep the exit code."""
        super().__init__(reason)
        self.exit_code = code


def _config(context: Context, roster: Roster) -> Config:
    settings, timings = context.settings, context.settings.timings
    return Config(
        node=settings.node,
        boot_id=context.boot_id,
        controller_start=next_start(settings.run_dir, context.boot_id),
        uuid=str(uuid.uuid4()),
        nodes=tuple(peer.name for peer in settings.peers if peer.is_node),
        members=roster.members,
        dead_ms=timings.dead_ms,
        controller_fence_delay_ms=timings.controller_fence_delay_ms,
        no_quorum_stop_grace_ms=timings.no_quorum_stop_grace_ms,
        cores=os.cpu_count() or 1,
        start_state=_start_state(os.environ, context.log),
        software=SOFTWARE_VERSION,
        cluster_name=settings.cluster_name,
    )


def _start_state(environment: Mapping[str, str], log: Log) -> StartState:
    """Return in which state the node joins; a word that is not known counts as the default."""
    name = "PCMK_node_start_state"
    word = environment.get(name, "") or StartState.DEFAULT.value
    try:
        return StartState(word)
    except ValueError:
        known = ", ".join(state.value for state in StartState)
        log.warning("not a start state", variable=name, value=word, known=known)
        return StartState.DEFAULT


def _certificates(context: Context) -> tuple[Service, ...]:
    """Return the service of this node's certificates, where no store offers it."""
    settings = context.settings
    if settings.tls_dir is None or settings.me.voter:
        return ()
    return (certificates_service(context, settings.tls_dir),)


def _alerting(context: Context, config: Config, executing: Executing, peers: Peers) -> Alerting:
    return Alerting(
        node=config.node,
        boot_id=config.boot_id,
        process=config.uuid,
        executor=executing.client,
        fencer=partial(peers.fencer, config.node),
        log=context.log,
    )


def _remoting(
    context: Context, runner: Runner, executing: Executing, reach: Reach, roster: Roster
) -> Remoting:
    return Remoting(
        runner=runner,
        executing=executing,
        commit=reach.record,
        identity=context.identity,
        credentials=context.settings.me.controller.credentials,
        doors=Doors(context.settings, roster, context.identity),
        log=context.log,
    )


def _throttling(context: Context, runner: Runner, peers: Peers) -> Throttling:
    settings = context.settings
    return Throttling(
        node=settings.node,
        runner=runner,
        peers=peers,
        store=settings.socket("cib"),
        is_alone=not (settings.shares_machine or is_container()),
        environment=os.environ,
        log=context.log,
    )


async def _serve(
    context: Context,
    closing: AsyncExitStack,
    runner: Runner,
    peers: Peers,
    explaining: Explaining,
    throttling: Throttling,
    remoting: Remoting,
) -> None:
    """Serve twice: for root and the daemons, and for everybody and the other nodes."""
    settings, identity = context.settings, context.identity
    servicer = partial(
        ControllerServicer,
        runner=runner,
        peers=peers,
        explaining=explaining,
        throttling=throttling,
        remoting=remoting,
        identity=identity,
        secrets=Secrets(settings.state_dir / "secrets"),
    )
    servers: list[Server] = []
    closing.push_async_callback(_stop, servers)
    own = await serve(
        [service_of(servicer(trusting=True))],
        identity=identity,
        socket=settings.private_socket("crmd"),
        private=True,
    )
    servers.append(own)
    others = await serve(
        [service_of(servicer(trusting=False)), *_certificates(context)],
        identity=identity,
        socket=settings.public_socket("crmd"),
        endpoints=[settings.me.controller],
    )
    servers.append(others)


async def _body(context: Context) -> None:
    settings, log = context.settings, context.log
    if not settings.me.is_node:
        raise Fatal(f"{settings.node} is a witness: of the daemons it runs raftmaker-cib alone")
    async with AsyncExitStack() as closing:
        runner = await _control(context, closing)
    if runner.exited.done():
        ended = runner.exited.result()
        log.info("controller ends", reason=ended.reason)
        if ended.code is not ExitCode.OK:
            raise Ended(ended.code, ended.reason)


async def _control(context: Context, closing: AsyncExitStack) -> Runner:
    """Build the parts and let them work until one has ended or the core says so.

    Each is `closing` before those that it uses, however far this has come.
    """
    settings, identity, log = context.settings, context.identity, context.log
    roster = Roster(settings)
    peers = Peers(settings, roster, identity)
    executing = Executing(settings.socket("lrmd"), identity=identity, log=log)
    worker = Worker("crmd.scheduler_worker", str(settings.state_dir / "pengine"))
    reach = Reach(
        node=settings.node,
        storing=Storing(roster, identity),
        executing=executing,
        peers=peers,
        worker=worker,
        dead_ms=settings.timings.dead_ms,
        log=log,
    )
    closing.push_async_callback(reach.close)
    await worker.warm_up()  # a node that becomes DC has to schedule at once
    config = _config(context, roster)
    runner = Runner(initial(config), reach, log)
    closing.push_async_callback(runner.close)
    alerting = _alerting(context, config, executing, peers)
    throttling = _throttling(context, runner, peers)
    remoting = _remoting(context, runner, executing, reach, roster)
    explaining = Explaining()
    closing.push_async_callback(explaining.close)
    closing.push_async_callback(remoting.close)
    take = remoting.beside(throttling.beside(alerting.beside(runner.take)))
    take(events.Started(at_ms=boot_ms()))
    await _serve(context, closing, runner, peers, explaining, throttling, remoting)
    watching = Watching(roster, identity, take, log)
    beating = Beating(settings, roster, identity, context.boot_id, runner, watching, context.keys)
    running = (
        executing.run(take), watching.run(), _beat(executing, beating),
        alerting.run(), throttling.run(), remoting.run(), _leave(context, runner),
    )  # fmt: skip
    parts = [asyncio.create_task(part) for part in running]
    closing.push_async_callback(cancel_all, parts)
    context.ready()
    ends: list[asyncio.Future[None] | asyncio.Future[Exit]] = [*parts, runner.failure]
    ends.append(runner.exited)
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for part in (*parts, runner.failure):
        if part.done():
            part.result()
    return runner


async def _stop(servers: Sequence[Server]) -> None:
    await asyncio.gather(*(server.stop(_GRACE_S) for server in servers))


async def _beat(executing: Executing, beating: Beating) -> None:
    """Take part, once the executor has told its state or does not seem to be there."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_EXECUTOR_S):
            await executing.answered.wait()
    await beating.run()


async def _leave(context: Context, runner: Runner) -> None:
    """Asked to stop, the node leaves in good order (features 24.12); the core says when."""
    await context.stop.wait()
    await runner.ask(
        lambda call: events.LeaveRequested(at_ms=boot_ms(), call=call, now_s=wall_us() // 1_000_000)
    )
    await asyncio.Event().wait()


def _metadata() -> str:
    from cib_store.model.option_metadata import of_daemon

    return of_daemon("raftmaker-crmd", __version__)


def main() -> int:
    """Run the daemon; return its exit code."""
    return run_daemon("raftmaker-crmd", _body, metadata=_metadata)


if __name__ == "__main__":
    sys.exit(main())
