"""Fencing and operators: unfencing who joins; fencing and vouching by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from raftmaker.vocabulary.codes import ExitCode
from tests.e2e.site import FAILOVER_S, START_S, Site

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


def test_what_is_known_of_devices_and_agents(site: Site) -> None:
    """features 27.17, 17.17"""

    def said(*words: str, code: int = 0) -> str:
        done = site.run("n1", "stonith_admin", *words)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    assert said("-l", "n2") == "fencing\n1 fence device found\n"
    assert {"fence_raftmaker_local", "fence_storage"} <= set(said("-I").splitlines())
    assert said("-s", "fencing", "-q").split() == list(site.cluster.names)
    assert said("-Q", "fencing") == ""
    assert "devices: fencing" in said("-Q", "nothing", code=ExitCode.NOSUCH)
    assert '<resource-agent name="fence_storage"' in said("-M", "-a", "fence_storage")
    assert "log is missing" in said("-K", "-a", "fence_storage", code=1)
    assert 'valid="true"' in said("-K", "-a", "fence_storage", "-o", "log=/x", "--output-as=xml")


def test_a_node_is_fenced_by_hand_and_everybody_remembers(site: Site) -> None:
    """features 17.32, 17.39, 17.41, 27.16, 27.18"""
    node = next(name for name in site.cluster.names if name not in ("n1", site.wait_active(1).node))
    asked_at = "n1"

    def admin(*words: str) -> str:
        done = site.run(asked_at, "stonith_admin", *words)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    admin("--fence", node, "--delay", "-1", "--tag", "drill")
    site.wait_fenced(node, FAILOVER_S)
    whole = admin("--history", node, "--verbose")
    assert whole.startswith(f"turning off of {node} successful: delegate="), whole
    assert "client=stonith_admin.drill, origin=n1, completed='" in whole
    admin("--fence", node, "--tolerance", "1h")
    assert admin("--history", node, "--verbose") == whole, "what was done was done again"
    assert admin("--last", node).startswith(f"Node {node} last fenced at: ")
    shown = site.run(asked_at, "crm_mon", "-1", "-m").stdout
    assert f"  * turning off of {node} by " in shown
    admin("--history", node, "--cleanup")
    assert admin("--history", node, "--verbose") == "0 events found\n"
    site.cluster.start(node)


def test_a_person_vouches_for_a_node_that_no_device_can_fence(site: Site) -> None:
    """features 17.38, 27.16"""
    service = site.wait_active(START_S).node
    other = next(name for name in site.cluster.names if name != service)
    heard = site.run(other, "stonith_admin", "--confirm", service)
    assert heard.returncode == ExitCode.UNSAFE
    site.crm(other, "--force", "resource", "stop", "fencing")
    site.cluster.kill(service)
    site.wait(
        lambda: site.run(other, "stonith_admin", "--confirm", service).returncode == 0,
        FAILOVER_S,
        "nobody's word is taken",
    )
    site.wait_active(FAILOVER_S, elsewhere_than=service)
    site.crm(other, "--force", "resource", "start", "fencing")
    site.cluster.start(service)
