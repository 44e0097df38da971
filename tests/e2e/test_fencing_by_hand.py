"""Fencing and operators: unfencing who joins; fencing and vouching by hand."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from crm_shell.tools import stonith_admin
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
    everybody = set(site.cluster.names)

    def unfenced(lun: str) -> list[str]:
        return [one.target for one in asked(log) if one.lun == lun]

    def first_on(node: str, lun: str, index: int = 0) -> int:
        return [one.at_ns for one in asked(log) if (one.target, one.lun) == (node, lun)][index]

    device = f"primitive storage stonith:fence_storage params log={log} lun=1"
    site.crm("n1", "configure", *device.split())
    assert "provides=unfencing" in site.crm("n1", "configure", "show", "storage")
    site.wait(lambda: set(unfenced("1")) == everybody, START_S, "not everybody was unfenced")
    assert all((one.node, one.action) == (one.target, "on") for one in asked(log))

    def started_after(moment_ns: int) -> bool:
        entry = site.judge.active()
        return entry is not None and entry.at_ns > moment_ns

    service = site.wait_active(START_S).node
    site.wait(lambda: started_after(first_on(service, "1")), START_S, "it was not started anew")

    site.crm("n1", "resource", "param", "storage", "set", "lun", "2")
    site.wait(lambda: set(unfenced("2")) == everybody, START_S, "a changed device unfences nobody")
    service = site.wait_active(START_S).node
    site.wait(lambda: started_after(first_on(service, "2")), START_S, "it was not started anew")

    node = next(name for name in site.cluster.names if name != service)
    site.cluster.stop(node)
    before = unfenced("2").count(node)
    site.cluster.start(node)
    site.wait_whole(START_S)
    site.wait(lambda: unfenced("2").count(node) > before, START_S, "who joins is not unfenced")
    site.crm("n1", "--force", "configure", "delete", "storage")
    site.wait_active(START_S)


@dataclass(frozen=True, slots=True)
class Admin:
    """``stonith_admin`` in this process: what it does is the fencers' and controllers' work."""

    site: Site
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, node: str, *words: str) -> tuple[int, str]:
        """Run it at a node; return its exit code, and what it said on both streams."""
        for name, value in self.site.cluster.tool_environment(node).items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr(sys, "argv", ["stonith_admin", *words])
        code = stonith_admin.main()
        said = self.capsys.readouterr()
        return code, said.out + said.err

    def did(self, node: str, *words: str) -> str:
        """Run it, which must succeed; return what it said."""
        code, said = self.run(node, *words)
        assert code == 0, f"{words}: {code}\n{said}"
        return said


@pytest.fixture
def admin(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Admin:
    return Admin(site, monkeypatch, capsys)


def test_what_is_known_of_devices_and_agents(site: Site, admin: Admin) -> None:
    """features 27.17, 17.17"""
    assert admin.did("n1", "-L") == "fencing\n1 fence device found\n"
    assert admin.did("n1", "-l", "n2", "-q") == "fencing\n"
    installed = set(admin.did("n1", "-I").splitlines())
    assert {"fence_raftmaker_local", "fence_storage"} <= installed
    assert admin.did("n1", "-s", "fencing", "-q").split() == list(site.cluster.names)
    assert admin.did("n1", "-Q", "fencing") == ""
    code, said = admin.run("n1", "-Q", "nothing")
    assert (code, "devices: fencing" in said) == (ExitCode.NOSUCH, True)
    assert '<resource-agent name="fence_storage"' in admin.did("n1", "-M", "-a", "fence_storage")
    validate = ("-K", "-a", "fence_storage")
    code, said = admin.run("n1", *validate)
    assert (code, "log is missing" in said) == (1, True)
    assert admin.did("n1", *validate, "-o", "log=/x") == "Validation of fence_storage succeeded\n"
    assert 'valid="true"' in admin.did("n1", *validate, "-o", "log=/x", "--output-as=xml")


def test_a_node_is_fenced_by_hand_and_everybody_remembers(site: Site, admin: Admin) -> None:
    """features 17.32, 17.39, 17.41, 17.46, 27.16, 27.18"""
    dc = site.run("n1", "crmadmin", "-D", "-q").stdout.strip()
    node = next(name for name in site.cluster.names if name not in ("n1", dc))
    witness = next(name for name in site.cluster.names if name not in ("n1", node))
    admin.did("n1", "--fence", node, "--delay", "-1", "--tag", "drill")
    site.wait_fenced(node, FAILOVER_S)
    whole = admin.did(witness, "--history", node, "--verbose")
    assert whole.startswith(f"turning off of {node} successful: delegate="), whole
    assert "client=stonith_admin.drill, origin=n1, completed='" in whole
    admin.did("n1", "--fence", node, "--tolerance", "1h")
    assert admin.did("n1", "--history", node, "--verbose") == whole, "it was done again"
    assert admin.did("n1", "--last", node).startswith(f"Node {node} last fenced at: ")
    assert f"  * turning off of {node} by " in site.run("n1", "crm_mon", "-1", "-m").stdout
    admin.did(witness, "--history", node, "--cleanup")
    assert admin.did("n1", "--history", node, "--verbose") == "0 events found\n"
    site.cluster.start(node)


def test_a_person_vouches_for_a_node_that_no_device_can_fence(site: Site, admin: Admin) -> None:
    """features 17.38, 27.16"""
    service = site.wait_active(START_S).node
    other = next(name for name in site.cluster.names if name != service)
    code, said = admin.run(other, "--confirm", service)
    assert (code, "is heard by a majority" in said) == (1, True)
    site.crm(other, "--force", "resource", "stop", "fencing")
    site.cluster.kill(service)
    site.wait(
        lambda: admin.run(other, "--confirm", service)[0] == 0,
        FAILOVER_S,
        "nobody's word is taken",
    )
    site.wait_active(FAILOVER_S, elsewhere_than=service)
    site.crm(other, "--force", "resource", "start", "fencing")
    site.cluster.start(service)
