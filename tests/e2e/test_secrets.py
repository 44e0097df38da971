"""A secret is on every node, in no CIB, and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from raftmaker.client import connect
from raftmaker.runtime.errors import NotPermitted
from raftmaker.vocabulary.codes import ExitCode
from tests.e2e.site import START_S, Site

pytestmark = pytest.mark.e2e
VALUE = "hunter2-of-the-test"


def _secret(site: Site, node: str, *words: str, code: int = 0) -> str:
    done = site.run(node, "cibsecret", *words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_cibsecret(site: Site) -> None:
    """features 27.31, 4.29"""
    site.wait_whole(START_S)
    site.crm("n1", "--force", "configure", "primitive", "vault", "ocf:raftmaker:Dummy",
             "params", f"passwd={VALUE}", "meta", "target-role=Stopped")  # fmt: skip
    try:
        _secret(site, "n1", "stash", "vault", "passwd")
        assert VALUE not in site.run("n2", "cibadmin", "-Q").stdout
        for node in site.cluster.names:
            assert _secret(site, node, "get", "vault", "passwd") == VALUE + "\n"
            _secret(site, node, "check", "vault", "passwd")
        _secret(site, "n2", "set", "vault", "passwd", "another")
        assert _secret(site, "n1", "get", "vault", "passwd") == "another\n"
        assert "lrm:// already" in _secret(
            site, "n1", "stash", "vault", "passwd", code=ExitCode.NOSUCH
        )
        _secret(site, "n1", "unstash", "vault", "passwd")
        assert 'value="another"' in site.run("n2", "cibadmin", "-Q", "-o", "resources").stdout
        assert "no secret passwd of vault" in _secret(
            site, "n3", "check", "vault", "passwd", code=ExitCode.NOSUCH
        )
        assert "did you mean 'vault'" in _secret(
            site, "n1", "set", "vaul", "passwd", "x", code=ExitCode.NOSUCH
        )
    finally:
        site.crm("n1", "configure", "delete", "vault")


def test_nobody_on_the_nodes_own_socket_sets_a_secret(site: Site) -> None:
    """features 27.31: the group that may use the socket may not read or set what is root's."""

    async def asked() -> None:
        config = Path(site.cluster.tool_environment("n1")["RAFTMAKER_CONFIG"])
        async with connect(config) as cluster:
            # Root's own socket, which trusts, does not let it either.
            await cluster.controller.keep_secret("vault", "passwd", "x")

    with pytest.raises(NotPermitted):
        asyncio.run(asked())
