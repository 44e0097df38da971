"""raftmaker-lrmd: runs resource agents on this node."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from pathlib import Path

from lrmd.agents.classes import Agents
from lrmd.agents.delegated import Delegates
from lrmd.agents.environment import DEFAULT_PATH
from lrmd.agents.fence_devices import FenceDevices
from lrmd.agents.scripts import Scripts
from lrmd.agents.systemd import SystemdUnits
from lrmd.alerting import AlertAgents
from lrmd.attending import Attending
from lrmd.history import Opened, open_memory
from lrmd.operations.state import State
from lrmd.operations.values import Standard
from lrmd.relaying import ToolRelay
from lrmd.runner import Runner
from lrmd.server import ExecutorServicer, service_of
from raftmaker import __version__
from raftmaker.runtime.daemon import Context, run_daemon
from raftmaker.runtime.endpoint import Endpoint
from raftmaker.runtime.exchange_service import certificates_service
from raftmaker.runtime.privileges import ServiceUser, service_user
from raftmaker.runtime.rpc import Service, serve
from raftmaker.runtime.secrets import Secrets
from raftmaker.runtime.settings import Settings
from raftmaker.vocabulary.codes import OcfCode
from stonithd.client import FencerClient


def _metadata() -> str:
    from cib_store.model.option_metadata import of_daemon

    return of_daemon("raftmaker-lrmd", __version__)


def main() -> int:
    """Run the daemon; return its exit code."""
    return run_daemon("raftmaker-lrmd", _body, metadata=_metadata)


async def _body(context: Context) -> None:
    settings = context.settings
    fencer = FencerClient(settings.socket("stonithd"), identity=context.identity)
    try:
        await run_executor(context, fencer=fencer, delegates=Delegates())
    finally:
        await fencer.close()


async def run_executor(
    context: Context,
    *,
    fencer: FencerClient | None = None,
    delegates: Delegates | None = None,
    attending: Attending | None = None,
    relay: ToolRelay | None = None,
    endpoints: tuple[Endpoint, ...] = (),
) -> None:
    """Run agents until the daemon is stopped.

    A member has a `fencer` and a controller that does what is delegated; a remote node has
    controllers that attend to it, at `endpoints`, and ends when none does any more; they make the
    calls that its tools give to the `relay`.
    """
    settings, log = context.settings, context.log
    opened = _opened(context)
    inherited = _inherited(settings)
    secrets = Secrets(settings.state_dir / "secrets")
    scripts = _scripts(settings, inherited, secrets)
    for call_id in scripts.clear_strangers(frozenset(opened.state.operations)):
        log.warning("ended a run that nobody knows of", call=call_id)
    devices = FenceDevices(fencer) if fencer is not None else None
    if devices is not None:
        devices.remember(_started_devices(opened.state))
    agents = Agents(scripts=scripts, units=SystemdUnits(), devices=devices, delegates=delegates)
    runner = Runner(
        state=opened.state, memory=opened.memory, agents=agents, clear=scripts.clear, log=log
    )
    alert_agents = _alert_agents(context, inherited)
    servicer = ExecutorServicer(
        runner=runner,
        agents=agents,
        alert_agents=alert_agents,
        delegates=delegates,
        attending=attending,
        relay=relay,
        identity=context.identity,
        boot_id=context.boot_id,
        incarnation=os.urandom(8).hex(),
        secrets=secrets,
    )
    runner.restart()
    server = await serve(
        [service_of(servicer), *_certificates(context)],
        identity=context.identity,
        socket=settings.socket("lrmd"),
        endpoints=endpoints,
    )
    context.ready()
    stopping = asyncio.ensure_future(_stopped(context, attending))
    try:
        await asyncio.wait([stopping, runner.failure], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        await server.stop(grace=0)
        await runner.close()
    if runner.failure.done():
        runner.failure.result()
    await alert_agents.end()


def _opened(context: Context) -> Opened:
    """Open the history, or begin another one."""
    settings = context.settings
    opened = open_memory(
        run_dir=settings.run_dir,
        state_dir=settings.state_dir,
        boot_id=context.boot_id,
        cluster=settings.cluster,
    )
    if opened.problem:
        context.log.error("history lost, the DC will probe what runs here", problem=opened.problem)
    return opened


def _alert_agents(context: Context, inherited: dict[str, str]) -> AlertAgents:
    settings = context.settings
    return AlertAgents(
        sequence_file=settings.run_dir / "lrmd" / "alert-sequence",
        inherited=inherited,
        node=settings.node,
        user=partial(_alert_user, settings),
        log=context.log,
    )


def _scripts(settings: Settings, inherited: dict[str, str], secrets: Secrets) -> Scripts:
    return Scripts(
        ocf_roots=settings.ocf_roots,
        children=settings.run_dir / "lrmd" / "runs",
        inherited=inherited,
        node=settings.node,
        secrets=secrets,
    )


def _certificates(context: Context) -> tuple[Service, ...]:
    """Return the service of a remote node's certificates; a member's other daemons offer its."""
    settings = context.settings
    if settings.remote is None or settings.tls_dir is None:
        return ()
    return (certificates_service(context, settings.tls_dir),)


async def _stopped(context: Context, attending: Attending | None) -> None:
    await context.stop.wait()
    if attending is not None:
        context.log.info("asked to stop: the resources are to be moved first")
        await attending.leave()


def _inherited(settings: Settings) -> dict[str, str]:
    """Return what agents inherit of our environment.

    Their PATH ends with the place of our own tools (agents call crm_attribute). Of several nodes on
    one machine, each also has its own place for agents' state files.
    """
    tools = Path(sys.executable).parent
    inherited = {**os.environ, "PATH": f"{os.environ.get('PATH', DEFAULT_PATH)}:{tools}"}
    if settings.shares_machine and "HA_RSCTMP" not in inherited:
        states = settings.run_dir / "resource-agents"
        states.mkdir(parents=True, exist_ok=True)
        inherited["HA_RSCTMP"] = str(states)
    return inherited


def _alert_user(settings: Settings) -> ServiceUser | None:
    """Return who runs alert agents: the service user (features 19.1); of several nodes on one
    machine, which no package installed, whoever started them. Raises `HaError`."""
    return None if settings.shares_machine else service_user()


def _started_devices(state: State) -> frozenset[str]:
    """Return the fence devices that the history knows as started."""
    return frozenset(
        resource
        for resource, entry in state.history.items()
        if entry.last is not None
        and entry.last.request.agent.standard is Standard.STONITH
        and entry.last.request.operation in ("start", "monitor")
        and entry.last.outcome.code is OcfCode.OK
    )


if __name__ == "__main__":
    sys.exit(main())
