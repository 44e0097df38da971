"""Progress of a long wait, on standard error: one live line on a terminal, few lines elsewhere."""

from __future__ import annotations

import sys

from raftmaker.client import Cluster, Progress, wait_settled


def progress_text(now: Progress) -> str:
    """Return what the cluster does, in a line."""
    if not now.dc:
        return "waiting for a DC to be elected"
    count = f"{now.actions_done}/{now.actions_total} actions" if now.actions_total else now.state
    running = f": {', '.join(now.running)}" if now.running else ""
    return f"{count}{running}"


async def settle(cluster: Cluster, index: int, timeout_s: float = 3600.0) -> Progress:
    """Wait until the cluster has carried out log position `index`. Raises `TimedOut`."""
    if sys.stderr.isatty():
        # rich takes its time to load, and only waits need it.
        from rich.console import Console

        with Console(stderr=True).status("waiting for the cluster to settle") as shown:
            return await wait_settled(
                cluster,
                index,
                timeout_s=timeout_s,
                on_progress=lambda now: shown.update(progress_text(now)),
            )
    last = ""

    def tell(now: Progress) -> None:
        nonlocal last
        text = progress_text(now)
        if now.running and text != last:
            print(text, file=sys.stderr)  # noqa: T201
            last = text

    return await wait_settled(cluster, index, timeout_s=timeout_s, on_progress=tell)
