"""Fencing and operators: unfencing who joins; fencing and vouching by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.site import START_S, Site

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _whole(site: Site) -> None:
    site.wait_whole(START_S)
    site.wait_active(START_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A line of the storage's agent: on which node it was asked what, about whom."""

    at_ns: int
    node: str
    action: str
    target: str
    lun: str


def asked(log: Path) -> list[Asked]:
    lines = log.read_text().splitlines() if log.exists() else []
    words = (line.split() for line in lines)
    return [
        Asked(at_ns=int(at_ns), node=node, action=action, target=target, lun=lun)
        for at_ns, node, action, target, lun in words
    ]


def test_who_joins_is_unfenced_first_and_anew_with_a_changed_device(site: Site) -> None:
    """features 7.15, 15.19, 17.15, 17.19, 17.40"""
    log = site.cluster.directory / "storage.log"
    everybody = list(site.cluster.names)

    def unfenced(lun: str) -> list[str]:
        return sorted(one.target for one in asked(log) if one.lun == lun)

    def first_on(node: str, lun: str, index: int = 0) -> int:
        return [one.at_ns for one in asked(log) if (one.target, one.lun) == (node, lun)][index]

    device = f"primitive storage stonith:fence_storage params log={log} lun=1"
    site.crm("n1", "configure", *device.split())
    assert "provides=unfencing" in site.crm("n1", "configure", "show", "storage")
    site.wait(lambda: unfenced("1") == everybody, START_S, "not everybody was unfenced")
    assert all((one.node, one.action) == (one.target, "on") for one in asked(log))

    def started_after(moment_ns: int) -> bool:
        entry = site.judge.active()
        return entry is not None and entry.at_ns > moment_ns

    service = site.wait_active(START_S).node
    site.wait(lambda: started_after(first_on(service, "1")), START_S, "it was not started anew")

    site.crm("n1", "resource", "param", "storage", "set", "lun", "2")
    site.wait(lambda: unfenced("2") == everybody, START_S, "a changed device unfences nobody")
    service = site.wait_active(START_S).node
    site.wait(lambda: started_after(first_on(service, "2")), START_S, "it was not started anew")

    node = next(name for name in everybody if name != service)
    site.cluster.stop(node)
    site.cluster.start(node)
    site.wait_whole(START_S)
    site.wait(lambda: unfenced("2").count(node) == 2, START_S, "who joins is not unfenced")
    site.crm("n1", "--force", "configure", "delete", "storage")
    site.wait_active(START_S)
