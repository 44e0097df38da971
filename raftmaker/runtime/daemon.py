"""The life of a daemon: options, settings, event loop, signals, readiness, orderly end.

A part that fails ends the daemon with a traceback and exit code 1; systemd (or the launcher) starts
it again. Resources keep running meanwhile. SIGTERM and SIGINT ask for an orderly end: the node
leaves. SIGUSR1 asks for a restart: the daemon ends at once, the node stays, and whoever started it
starts it again (an upgrade does this). To a daemon that ends already it says nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

from msgspec import Struct

from raftmaker.runtime.cluster_key import ClusterKeys, loopback_keys, read_cluster_keys
from raftmaker.runtime.errors import HaError, Report
from raftmaker.runtime.identity import SOFTWARE_VERSION, boot_id_of, identity_of
from raftmaker.runtime.ignored_settings import ignored
from raftmaker.runtime.logs import Log, level_by, start_logging
from raftmaker.runtime.notifying import notify
from raftmaker.runtime.priority import real_time
from raftmaker.runtime.settings import DEFAULT_FILE, Settings, read
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import BootId
from raftmaker.wire.types_pb2 import Identity

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_QUIET_S = 0.1


class Context(Struct, frozen=True, kw_only=True):
    """What a daemon's body is given. It runs until `stop` is set (SIGTERM, SIGINT)."""

    settings: Settings
    boot_id: BootId
    identity: Identity
    log: Log
    stop: asyncio.Event
    keys: ClusterKeys | None
    """What signs heartbeats; None: there are certificates but no cluster key."""

    def ready(self) -> None:
        """Tell systemd that the daemon serves (Type=notify); nothing happens without systemd."""
        notify("READY=1\nSTATUS=serves")


def run_daemon(
    program: str,
    body: Callable[[Context], Coroutine[None, None, None]],
    *,
    metadata: Callable[[], str] | None = None,
) -> int:
    """Run `body` until it returns, fails, or a signal asks it to stop; return the exit code.

    `metadata`: what the daemon prints in place of running when it is given that word (27.35).
    """
    options = _options(program)
    if options.action and metadata is not None:
        print(metadata())  # noqa: T201
        return int(ExitCode.OK)
    level = options.log_level or level_by(os.environ, program)
    start_logging(level, os.environ)
    if options.realtime and (reason := real_time()):
        Log(program).warning("no real-time priority", reason=reason)
    try:
        settings = read(options.config)
        # What our children call (agents call crm_attribute) speaks to this node's daemons.
        os.environ["RAFTMAKER_CONFIG"] = str(options.config.absolute())
        keys = _keys(settings)
        boot_id = boot_id_of(settings.run_dir)
    except HaError as error:
        print(f"{program}: {error}", file=sys.stderr)  # noqa: T201
        return int(error.exit_code)
    except OSError as error:
        print(f"{program}: {error}", file=sys.stderr)  # noqa: T201
        return int(ExitCode.OSFILE)
    return asyncio.run(_run(program, body, settings, keys, boot_id))


def _keys(settings: Settings) -> ClusterKeys | None:
    if settings.tls_dir is None:
        return loopback_keys(settings.cluster)
    return read_cluster_keys(settings.tls_dir)


def _options(program: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=program)
    default = Path(os.environ.get("RAFTMAKER_CONFIG", DEFAULT_FILE))
    parser.add_argument("--config", type=Path, default=default, metavar="FILE", help="%(default)s")
    parser.add_argument(
        "--log-level",
        choices=("error", "warning", "info", "debug"),
        help="by default what PCMK_logpriority and PCMK_debug say, else info",
    )
    parser.add_argument(
        "--realtime", action="store_true", help="run with real-time priority, where it is allowed"
    )
    parser.add_argument("--version", action="version", version=SOFTWARE_VERSION)
    parser.add_argument(
        "action", nargs="?", choices=("metadata",), help="print the daemon's options"
    )
    return parser.parse_args()


async def _run(
    program: str,
    body: Callable[[Context], Coroutine[None, None, None]],
    settings: Settings,
    keys: ClusterKeys | None,
    boot_id: BootId,
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log = Log(program)
    context = Context(
        settings=settings,
        boot_id=boot_id,
        identity=identity_of(settings, boot_id, program),
        log=log,
        stop=stop,
        keys=keys,
    )
    if keys is None:
        log.warning("no cluster.key beside the certificates: heartbeats go by streams alone")
    log.info("daemon starts", node=settings.node, boot=boot_id, version=SOFTWARE_VERSION)
    for variable, reason in ignored(os.environ):
        log.warning("set in vain", variable=variable, reason=reason)
    running = asyncio.create_task(body(context))
    loop.add_signal_handler(signal.SIGUSR1, _end_at_once, running, stop)
    pinging = asyncio.create_task(_ping_watchdog())
    try:
        await running
    except asyncio.CancelledError:
        log.info("daemon ends to be started again", node=settings.node)
        return int(ExitCode.TEMPFAIL)
    except HaError as error:
        log.error("daemon ends", reason=error)
        return int(error.exit_code)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        log.error("daemon ends", reason=_no_room(error, settings))
        return int(ExitCode.CANTCREAT)
    finally:
        pinging.cancel()
        await finish_tasks(_QUIET_S)
    log.info("daemon ends", node=settings.node)
    return int(ExitCode.OK)


def _end_at_once(running: asyncio.Task[None], stop: asyncio.Event) -> None:
    """End for a restart, unless the daemon ends already: what it does then is not cut short."""
    if not stop.is_set() and not running.cancelling():
        running.cancel()


async def finish_tasks(quiet_s: float) -> None:
    """Let the other tasks of the loop come to their ends, as long as one of them does within that.

    A server has stopped when its calls are over; what carried them out has not quite ended then.
    With the loop it would be cancelled, of which gRPC prints a traceback for each call.
    """
    others = asyncio.all_tasks() - {asyncio.current_task()}
    ended = others
    while others and ended:
        ended, others = await asyncio.wait(
            others, timeout=quiet_s, return_when=asyncio.FIRST_COMPLETED
        )


def _no_room(error: OSError, settings: Settings) -> Report:
    where = str(error.filename or settings.state_dir)
    return Report(
        code="disk-full",
        where=where,
        what="there is no room left for it on its disk",
        mend=f"free some space ('df -h {settings.state_dir}' shows the disk); nothing is lost, and"
        " systemd starts the daemon again",
    )


async def _ping_watchdog() -> None:
    """Tell systemd twice in its watchdog's time that this loop runs (sd_watchdog_enabled(3))."""
    period_us = os.environ.get("WATCHDOG_USEC", "")
    if not period_us.isdecimal():
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(int(period_us) / 2_000_000)
