"""A service that needs a ticket runs while this site has it, and no longer."""

from __future__ import annotations

import pytest

from raftmaker.vocabulary.codes import ExitCode
from tests.e2e.site import FAILOVER_S, START_S, Site

pytestmark = pytest.mark.e2e


def _ticket(site: Site, *words: str, code: int = 0) -> str:
    done = site.run("n1", "crm_ticket", "-t", "east", *words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def test_a_service_follows_its_ticket(site: Site) -> None:
    """features 3.21, 23.2-23.6, 23.14, 27.26"""
    constraint = "rsc_ticket needs-east east: service loss-policy=stop"
    site.crm("n1", "configure", *constraint.split())
    site.wait(lambda: site.judge.active() is None, FAILOVER_S, "it runs without its ticket")
    assert "--force" in _ticket(site, "-g", code=ExitCode.INSUFFICIENT_PRIV)
    assert site.judge.active() is None

    _ticket(site, "-g", "--force")
    site.wait_active(START_S)
    assert _ticket(site, "-G", "granted") == "true\n"
    assert _ticket(site, "-l").startswith("east\tgranted           last-granted='")
    assert 'rsc_ticket id="needs-east"' in _ticket(site, "-c")

    _ticket(site, "-s")
    site.wait(lambda: site.judge.active() is None, FAILOVER_S, "standby left it running")
    assert "[standby]" in _ticket(site, "-l")
    _ticket(site, "-a")
    site.wait_active(START_S)

    assert "loss-policy" in _ticket(site, "-r", code=ExitCode.INSUFFICIENT_PRIV)
    site.crm("n1", "--force", "site", "ticket", "revoke", "east")
    site.wait(lambda: site.judge.active() is None, FAILOVER_S, "it outlived its ticket")

    _ticket(site, "-S", "owner", "-v", "night shift")
    assert _ticket(site, "-G", "owner") == "night shift\n"
    _ticket(site, "-D", "owner")
    assert _ticket(site, "-G", "owner", "-d", "none") == "none\n"
    _ticket(site, "-C")
    assert "nothing is known" in _ticket(site, "-l", code=ExitCode.NOSUCH)
    site.crm("n1", "configure", "delete", "needs-east")
    site.wait_active(START_S)
