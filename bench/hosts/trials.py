"""Trials on test hosts: the host that runs a resource is killed or cut off, again and again."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from crm_shell.demo.timeline import Failover, Milestone, milestones
from raftmaker.vocabulary.ids import NodeName
from tests.hosts.cluster import crm
from tests.hosts.fleet import Fleet, Host
from tests.hosts.site import Site

RESOURCE = "r1"
CONFIGURATION = f"""
primitive switch stonith:fence_host params ip=10.77.0.254
primitive {RESOURCE} ocf:bench:stamp op monitor interval=10s timeout=20s
rsc_defaults resource-stickiness=100
"""
UNITS = ("raftmaker.target", *(f"raftmaker-{d}" for d in ("cib", "lrmd", "stonithd", "crmd")))


class Loss(Enum):
    """How a host is taken away."""

    KILLED = "killed"
    """Its power goes; nothing tells anybody."""
    CUT = "cut"
    """Its cable is pulled; it runs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one failover took, in seconds from the loss, by phase; the last one is the whole."""

    loss: Loss
    at_dc: bool
    """The host was the DC and the leader; otherwise neither."""
    phases: Mapping[str, float]
    load: float


def prepare(fleet: Fleet) -> None:
    """Put the agent on every disk."""
    for host in fleet:
        there = host.directory / "upper" / "usr" / "lib" / "ocf" / "resource.d" / "bench"
        there.mkdir(parents=True)
        shutil.copy2(Path(__file__).with_name("stamp"), there)


def trial(site: Site, loss: Loss, *, at_dc: bool) -> Trial:
    """Take away the host of the resource and bring it back."""
    victim = _chosen(site, at_dc=at_dc)
    _bring(site, victim)
    time.sleep(1.0)  # its last writes, and the others' probes, are over
    before = len(site.judge.entries())
    boot_to_wall_us = time.time_ns() // 1000 - time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    pid = victim.pid
    assert pid is not None
    taken_us = time.time_ns() // 1000
    site.fleet.network.cut(victim.number)
    if loss is Loss.KILLED:
        os.kill(pid, signal.SIGKILL)
        victim.note_power_is_off()  # else its resource counts as running there still
    site.wait(lambda: site.has_left(RESOURCE, victim), f"{RESOURCE} runs elsewhere")
    times = _phases(site, victim, (taken_us - boot_to_wall_us) // 1000)
    for entry in site.judge.entries()[before:]:
        if entry.host != victim.name and entry.action == "start":
            phase = "start begun" if entry.outcome == "begin" else "started"
            times[phase] = (entry.at_us - taken_us) / 1e6
    if loss is Loss.KILLED:
        victim.power_off()  # reaps what is dead already
    site.wait(lambda: victim.pid is None, f"{victim.name} is off")
    site.power_on_all()
    return Trial(loss=loss, at_dc=at_dc, phases=times, load=os.getloadavg()[0])


def _phases(site: Site, victim: Host, taken_at_ms: int) -> dict[str, float]:
    failover = Failover(
        node=NodeName(victim.name), resource=RESOURCE, taken_at_ms=taken_at_ms
    )  # fmt: skip
    observed = site.observer.observed()
    found = milestones(failover, observed, None)
    wanted = (Milestone.LOST, Milestone.FENCING_INTENDED, Milestone.FENCED)
    times = {step.value: found[step] / 1000 for step in wanted if step in found}
    for seen in observed:
        if seen.at_ms > taken_at_ms and seen.facts.dc and seen.facts.dc.node != victim.name:
            times["DC"] = (seen.at_ms - taken_at_ms) / 1000
            break
    return times


def _chosen(site: Site, *, at_dc: bool) -> Host:
    if not at_dc:
        return site.other_than(site.dc(), site.leader())
    for _ in range(20):
        if site.dc() == site.leader():
            return site.fleet.host(site.dc())
        # A DC that stands still for a while is followed by another, here or there.
        pid = site.fleet.host(site.dc()).exec(
            "systemctl", "show", "-P", "MainPID", "raftmaker-crmd.service"
        )
        was, controller = site.fleet.host(site.dc()), pid.stdout.strip()
        was.exec("kill", "-STOP", controller)
        time.sleep(1.5)
        was.exec("kill", "-CONT", controller)
        site.wait_settled("another DC")
        time.sleep(1.0)
    raise AssertionError("the DC never came to be where the leader is")


def _bring(site: Site, victim: Host) -> None:
    if site.runs_on(RESOURCE, victim):
        return
    crm(victim, "resource", "move", RESOURCE, victim.name)
    site.wait(lambda: site.runs_on(RESOURCE, victim), f"{RESOURCE} is on {victim.name}")
    crm(victim, "resource", "clear", RESOURCE)


def cold_start(site: Site) -> float:
    """Stop all daemons of all hosts, start them all, and time it to the resource's start."""
    for host in site.fleet:
        host.exec("systemctl", "stop", *UNITS)
    before = len(site.judge.entries())
    with ThreadPoolExecutor(max_workers=3) as pool:
        began_us = time.time_ns() // 1000
        for started in [
            pool.submit(host.exec, "systemctl", "start", *UNITS) for host in site.fleet
        ]:
            started.result()
    site.wait_settled("cold start")
    ends = [e for e in site.judge.entries()[before:] if (e.action, e.outcome) == ("start", "0")]
    return (ends[0].at_us - began_us) / 1e6


def run(site: Site, count: int, until: float) -> Iterator[Trial]:
    """Run the trials of all four kinds in turn, until the count is reached or time is up."""
    for number in range(count):
        for at_dc in (False, True):
            for loss in Loss:
                if number and time.monotonic() > until:
                    return
                yield trial(site, loss, at_dc=at_dc)


def line(one: Trial) -> str:
    """Return a trial as one line for people."""
    phases = sorted(one.phases.items(), key=lambda item: item[1])
    shown = ", ".join(f"{phase} {at:.2f}" for phase, at in phases)
    kind = "DC and leader" if one.at_dc else "neither"
    return f"{one.loss.value}, {kind}: {shown} (load {one.load:.1f})"
