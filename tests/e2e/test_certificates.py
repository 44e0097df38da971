"""The cluster gets a new authority while its daemons run: nobody is lost, nothing moves.

Three whole nodes over mutual TLS; the command is killed half-way and given again. Features 25.5.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from crm_shell.demo.observer import Observer, by_settings
from crm_shell.local_cluster.cluster import LocalCluster
from raftmaker.runtime.certificates import (
    KeyPair,
    create_authority,
    issue,
    store_authority,
    store_credentials,
    was_issued_by,
)
from raftmaker.runtime.cluster_key import create_cluster_key, store_cluster_key
from raftmaker.vocabulary.ids import ClusterId, NodeName
from tests.e2e.conftest import CONFIGURATION, OCF_ROOT
from tests.e2e.judge import Judge
from tests.e2e.site import START_S, Site

pytestmark = pytest.mark.e2e


def _tls(cluster: LocalCluster, node: str) -> Path:
    return cluster.node(node).directory / "tls"


def _secure(cluster: LocalCluster) -> KeyPair:
    now = datetime.now(UTC)
    authority = create_authority(ClusterId(cluster.layout.cluster_id), now)
    key = create_cluster_key()
    for name in cluster.names:
        store_authority(_tls(cluster, name), authority)
        store_credentials(
            _tls(cluster, name), authority.certificate, issue(authority, NodeName(name), now)
        )
        store_cluster_key(_tls(cluster, name), key)
        config = cluster.node(name).config
        text = config.read_text().replace(
            "[directories]\n", f'[directories]\ntls = "{_tls(cluster, name)}"\n'
        )
        config.write_text(text)
    return authority


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Three nodes whose daemons speak over mutual TLS."""
    with (
        tempfile.TemporaryDirectory(prefix="rm-e2e-") as directory,
        LocalCluster.create(Path(directory), ocf_roots=(OCF_ROOT,), bound=True) as made,
    ):
        _secure(made)
        made.start()
        yield made


def _authorities(cluster: LocalCluster, node: str) -> list[x509.Certificate]:
    content = (_tls(cluster, node) / "authority.pem").read_bytes()
    return x509.load_pem_x509_certificates(content)


def _kill_half_way(site: Site, node: str) -> None:
    """Begin the exchange, and kill the command when the first node trusts both."""
    rotating = subprocess.Popen(
        [str(Path(sys.executable).with_name("crm")), "cluster", "rotate-certificates"],
        env=site.cluster.tool_environment(node),
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + START_S
    while len(_authorities(site.cluster, node)) < 2:
        assert rotating.poll() is None, f"ended with {rotating.returncode}"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    rotating.kill()
    rotating.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may exchange the authority")
def test_an_exchange_of_certificates_is_no_outage(cluster: LocalCluster) -> None:
    first, second, third = cluster.names
    folder = cluster.directory / "shared"
    folder.mkdir()
    (folder / "service.crm").write_text(CONFIGURATION.format(folder=folder))
    configs = {name: cluster.node(name).config for name in cluster.names}
    with Observer(configs, by_settings(configs)) as observer:
        site = Site(cluster=cluster, observer=observer, judge=Judge(folder))
        site.wait_whole(START_S)
        site.crm(first, "configure", "load", "update", str(folder / "service.crm"))
        service = site.wait_active(START_S)
        before = site.wait_whole(START_S)
        old = _authorities(cluster, first)[0]

        _kill_half_way(site, first)
        # What was left behind works, and the command goes on from another node too.
        site.crm(second, "node", "attribute", first, "set", "half", "way")
        said = site.crm(first, "cluster", "rotate-certificates")
        assert "Going on with a new authority" in said
        assert "3 members have new certificates" in said
        for name in cluster.names:
            (trusted,) = _authorities(cluster, name)
            assert trusted != old
            shown = x509.load_pem_x509_certificate((_tls(cluster, name) / "node.pem").read_bytes())
            assert was_issued_by(shown, trusted)
            assert (_tls(cluster, name) / "authority.key").stat().st_mode & 0o077 == 0

        # Nobody was lost, nobody joined anew, the DC is the same, and nothing moved.
        site.crm(third, "node", "attribute", first, "set", "all", "the-way")
        after = site.wait_whole(START_S)
        assert site.losses(before.index) == []
        assert [each.session for each in after.facts.nodes] == [
            each.session for each in before.facts.nodes
        ]
        assert after.facts.dc == before.facts.dc
        assert site.judge.active() == service

        # A daemon that starts now finds its peers.
        cluster.kill_daemon(third, "cib")
        cluster.wait_ready(third, timeout_s=START_S)
        site.wait_whole(START_S)
        assert site.judge.doubles() == ()
