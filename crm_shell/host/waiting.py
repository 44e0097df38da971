"""Wait until this node takes part, telling each step; say what its units say when it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from crm_shell.host import units
from raftmaker.client import Cluster, connect
from raftmaker.runtime.errors import HaError, TimedOut
from raftmaker.vocabulary.ids import NodeName

_LOOK_S = 0.3
Tell = Callable[[str], None]


async def wait_until_up(config: Path, tell: Tell, *, witness: bool, timeout_s: float) -> None:
    """Return when this node takes part. Raises `TimedOut`, `UnitFailed` with what is missing."""
    limit = time.monotonic() + timeout_s
    told = ""
    async with connect(config, program="crm") as cluster:
        while True:
            missing = await _missing(cluster, witness=witness)
            if not missing:
                return
            if missing != told:
                tell(missing)
                told = missing
            await _insist_on_units(witness=witness)
            if time.monotonic() > limit:
                raise TimedOut(
                    f"not up within {timeout_s:.0f} s: {missing}; it goes on in the background,"
                    " look with 'crm cluster status' and 'journalctl -u raftmaker-\\*'"
                )
            await asyncio.sleep(_LOOK_S)


async def _missing(cluster: Cluster, *, witness: bool) -> str:
    """Return what this node still waits for; empty when it takes part."""
    try:
        store = await cluster.store_status()
    except HaError:
        return "the store starts"
    if not store.quorate:
        return "the store looks for the other members"
    if witness:
        return ""
    try:
        controller = await cluster.progress()
        if not controller.dc:
            return "the controllers elect a DC"
        cib = await cluster.cib(local=True)
    except HaError:
        return "the controller starts"
    mine = cib.facts.of(NodeName(cluster.settings.node))
    if mine is None or not mine.is_present:
        return "the controller joins"
    for state in cib.document.children:
        if state.tag == "status":
            for node in state.each("node_state"):
                if node.get("uname") == cluster.settings.node and node.get("join") == "member":
                    return ""
    return f"{controller.dc} takes this node in"


async def _insist_on_units(*, witness: bool) -> None:
    daemons = units.WITNESS_DAEMONS if witness else units.DAEMONS
    for state in await units.states(tuple(map(units.unit_of, daemons))):
        if state.active == "failed":
            log = "\n".join(f"  {line}" for line in await units.log_of(state.name))
            raise units.UnitFailed(f"{state.name} failed; its last words:\n{log}")
