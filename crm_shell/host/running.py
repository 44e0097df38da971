"""Carry out ``crm cluster start``, ``stop``, ``restart``, ``enable`` and ``disable`` (30.7)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from crm_shell.commands.session import Failed, Session
from crm_shell.host import units
from crm_shell.host.files import Places, places_of
from crm_shell.host.waiting import wait_until_up
from raftmaker.client import connect
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.settings import decode_file
from raftmaker.vocabulary.codes import ExitCode

_UP_S = 120.0
_LOOK_S = 1.0


async def start(session: Session) -> int:
    """Start this node and wait until it takes part."""
    places = _places(session, "start the node")
    if await _is_up(places):
        session.console.info("this node runs already")
    else:
        await units.must("reset-failed", "raftmaker-*")
        await units.start()
    await wait_until_up(
        places.config,
        lambda text: session.console.say(f"  … {text}"),
        witness=places.witness.exists(),
        timeout_s=_UP_S,
    )
    session.console.answer(f"{_name(places)} takes part in the cluster", {"up": True})
    return 0


async def stop(session: Session) -> int:
    """Move this node's resources away, stop it, and return when its daemons are down."""
    places = _places(session, "stop the node")
    if not any(each.is_up for each in await _daemons(places)):
        session.console.info("this node does not run")
    stopping = asyncio.create_task(units.stop())
    await _tell_progress(session, places, stopping)
    await stopping
    left = [each.name for each in await _daemons(places) if each.active not in _DOWN]
    if left:
        raise Failed(f"still there: {', '.join(left)}", code=ExitCode.OSERR)
    session.console.answer(f"{_name(places)} is stopped", {"up": False})
    return 0


_DOWN = ("inactive", "failed")


async def restart(session: Session) -> int:
    """Stop this node as `stop` does, and start it again."""
    return await stop(session) or await start(session)


async def enable(session: Session, *, wanted: bool) -> int:
    """Have the node start with the machine, or not."""
    places = _places(session, "do this")
    await units.must("enable" if wanted else "disable", units.TARGET)
    text = "starts with the machine" if wanted else "does not start with the machine"
    session.console.answer(f"{_name(places)} {text}", {"enabled": wanted})
    return 0


async def _is_up(places: Places) -> bool:
    return all(each.is_up for each in await _daemons(places))


async def _daemons(places: Places) -> Sequence[units.UnitState]:
    daemons = units.WITNESS_DAEMONS if places.witness.exists() else units.DAEMONS
    return await units.states(tuple(map(units.unit_of, daemons)))


async def _tell_progress(session: Session, places: Places, stopping: asyncio.Task[None]) -> None:
    """Say what the cluster still does on the way to this node's end, as far as it can be asked."""
    told = ""
    async with connect(places.config, program="crm") as cluster:
        while not (await asyncio.wait({stopping}, timeout=_LOOK_S))[0]:
            try:
                now = await asyncio.wait_for(cluster.progress(), _LOOK_S)
            except (HaError, TimeoutError):
                continue
            text = ", ".join(now.running)
            if text and text != told:
                session.console.say(f"  … {text}")
                told = text


def _name(places: Places) -> str:
    return str(decode_file(places.config).node)


def _places(session: Session, what: str) -> Places:
    if os.geteuid() != 0:
        raise Failed(f"to {what} you must be root", code=ExitCode.INSUFFICIENT_PRIV)
    places = places_of(session.config)
    if not places.config.exists():
        raise Failed(
            "this host is no node of a cluster: 'crm cluster init' makes one, 'crm cluster join'"
            " joins one",
            code=ExitCode.NOT_CONFIGURED,
        )
    return places
