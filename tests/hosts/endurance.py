"""Three hosts with hogs of the processor, or on a bad network: nobody may be taken for lost.

At the end hosts lose their power one after the other, on the same machine and network: how soon is
it noticed? The last line of output is JSON; the exit code is 1 when a host was lost, fenced or
stopped a resource for nothing, or one that was gone was not noticed within a second. Needs root.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from bench.hosts.trials import CONFIGURATION, RESOURCE, prepare
from crm_shell.demo.timeline import Observation
from raftmaker.runtime.clock import boot_ms
from raftmaker.vocabulary.membership import ControllerPresence, FencePhase, NodeFacts, Presence
from tests.hosts.fleet import Fleet, Host
from tests.hosts.site import Site, cluster_with

NOTICED_S = 1.0
_LOOK_S = 5.0
_HOG = ("sh", "-c", "while :; do :; done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strain:
    """What the hosts bear: busy processes in all, and the network between any two of them."""

    hogs: int
    loss_percent: float
    delay_ms: float

    def put_on(self, host: Host) -> None:
        """Begin on one host. A frame passes the port of its sender and that of its receiver."""
        fleet = host.fleet
        for number in range(host.number - 1, self.hogs, len(fleet.hosts)):
            host.exec("systemd-run", "-q", f"--unit=hog{number}", *_HOG)
        self.put_on_network(host)

    def put_on_network(self, host: Host) -> None:
        """Make one host's network bad."""
        if self.delay_ms:
            host.fleet.delay(host.number, self.delay_ms / 2)
        if self.loss_percent:
            share = 100 * (1 - sqrt(1 - self.loss_percent / 100))
            host.fleet.network.lose(host.number, share)


def without_priority(fleet: Fleet) -> None:
    """Take the daemons' real-time priority out of the units, before the boot."""
    for host in fleet:
        for unit in (host.directory / "upper" / "etc" / "systemd" / "system").glob("raftmaker-*"):
            unit.write_text(unit.read_text().replace(" --realtime", ""))


def falsely_lost(seen: Sequence[Observation]) -> list[str]:
    """Return each loss of a node or of its controller that was committed, once a session."""
    found = {
        f"{node.node} ({what}, session {node.session})": None
        for each in seen
        for node in each.facts.nodes
        for what, lost in (
            ("node", node.presence is Presence.LOST),
            ("controller", node.controller is ControllerPresence.LOST),
        )
        if lost
    }
    return list(found)


def endure(site: Site, strain: Strain, minutes: float) -> dict[str, object]:
    """Bear it for that long; return what went wrong, as figures."""
    began_ms, entries = boot_ms(), len(site.judge.entries())
    until, loads = time.monotonic() + minutes * 60, []
    for host in site.fleet:
        strain.put_on(host)
    leaders, dcs = [site.leader()], [site.dc()]
    while time.monotonic() < until:
        time.sleep(_LOOK_S)
        loads.append(os.getloadavg()[0])
        for known, now in ((leaders, site.leader()), (dcs, site.dc())):
            if now != known[-1]:
                known.append(now)
                print(f"leader {site.leader()}, DC {site.dc()}", file=sys.stderr, flush=True)
    lost = falsely_lost([each for each in site.observer.observed() if each.at_ms >= began_ms])
    unasked = [
        str(each)
        for each in site.judge.entries()[entries:]
        if each.action in ("stop", "off") and each.outcome in ("begin", "0")
    ]
    return {
        "minutes": minutes, "falsely_lost": lost, "unasked": unasked,
        "other_leaders": len(leaders) - 1, "other_dcs": len(dcs) - 1,
        "load": round(statistics.mean(loads), 1),
    }  # fmt: skip


def notice_s(site: Site, strain: Strain, host: Host) -> float:
    """Cut a host's power; return how long it took until its loss was committed."""
    pid = host.pid
    assert pid is not None
    taken_ms = boot_ms()
    site.fleet.network.cut(host.number)
    os.kill(pid, signal.SIGKILL)
    host.note_power_is_off()

    def facts_of(each: Observation) -> NodeFacts | None:
        return next((node for node in each.facts.nodes if node.node == host.name), None)

    def is_lost(each: Observation) -> bool:
        facts = facts_of(each)
        return facts is not None and facts.presence is Presence.LOST

    def is_fenced(each: Observation) -> bool:
        facts = facts_of(each)
        return facts is not None and facts.fencing is FencePhase.CONFIRMED

    seen = site.observer.wait(is_lost, 30.0)
    if seen is None:
        raise AssertionError(f"the loss of {host.name} was not noticed in 30 s\n{site.story()}")
    host.power_off()
    if site.observer.wait(is_fenced, 60.0) is None:  # else that would take its power again
        raise AssertionError(f"{host.name} was not fenced in 60 s\n{site.story()}")
    site.power_on_all()  # which heals every cable, and the host has no hogs any more
    strain.put_on(host)
    for other in site.fleet:
        if other is not host:
            strain.put_on_network(other)
    site.wait_settled("after a loss under strain")
    time.sleep(_LOOK_S)
    return (seen.at_ms - taken_ms) / 1000


def main() -> int:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(prog="tests/hosts/endure", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, metavar="N", help="how long (10)")
    parser.add_argument("--hogs", type=int, default=0, metavar="N", help="busy processes in all")
    parser.add_argument("--ordinary", action="store_true", help="without real-time priority")
    parser.add_argument("--loss", type=float, default=0, metavar="PERCENT", help="frames lost")
    parser.add_argument("--delay", type=float, default=0, metavar="MS", help="on the way, each way")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="hosts lost at last (3)")
    options = parser.parse_args()
    strain = Strain(hogs=options.hogs, loss_percent=options.loss, delay_ms=options.delay)

    def before_boot(fleet: Fleet) -> None:
        prepare(fleet)
        if options.ordinary:
            without_priority(fleet)

    singles = (RESOURCE,)
    with cluster_with("endure", CONFIGURATION, prepare=before_boot, singles=singles) as site:
        figures = endure(site, strain, options.minutes)
        print(json.dumps(figures), file=sys.stderr, flush=True)
        noticed = [
            round(notice_s(site, strain, site.fleet.hosts[number % 3]), 3)
            for number in range(options.rounds)
        ]
    print(json.dumps({"endure": vars(options), **figures, "noticed_s": noticed}))
    good = not figures["falsely_lost"] and not figures["unasked"]
    return 0 if good and max(noticed, default=0) <= NOTICED_S else 1


if __name__ == "__main__":
    sys.exit(main())
