"""A remote node: resources on a machine that is no member (features section 22).

Every connection is mutual TLS, as between machines.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from cib_store.document.codec import parse
from crm_shell.local_cluster.cluster import LocalCluster
from raftmaker.runtime.certificates import (
    create_authority,
    issue,
    store_authority,
    store_credentials,
    was_issued_by,
)
from raftmaker.runtime.secrets import Secrets
from raftmaker.vocabulary.ids import ClusterId, NodeName
from tests.e2e.conftest import FENCE_DIR, OCF_ROOT, site_with
from tests.e2e.site import FAILOVER_S, START_S, Site

pytestmark = pytest.mark.e2e

FAR = "far"
GUEST = "guest"
"""What runs on it is started by a resource, as in a virtual machine."""
CONFIGURATION = """\
primitive fencing stonith:fence_raftmaker_local
primitive far ocf:pacemaker:remote params server=127.0.0.1 port={port} \\
    op start interval=0 timeout=30s op monitor interval=5s timeout=20s
primitive service ocf:judge:service params directory={folder} \\
    op start interval=0 timeout=30s op stop interval=0 timeout=30s \\
    op monitor interval=1s timeout=20s
primitive db ocf:judge:stateful params directory={folder} \\
    op start interval=0 timeout=60s op promote interval=0 timeout=60s \\
    op monitor interval=1s timeout=20s role=Unpromoted \\
    op monitor interval=2s timeout=20s role=Promoted
clone db-clone db meta promotable=true clone-max=1
primitive vm ocf:judge:machine params cluster={machines} name=guest \\
    op start interval=0 timeout=30s op stop interval=0 timeout=30s \\
    op monitor interval=1s timeout=20s \\
    meta remote-node=guest remote-addr=127.0.0.1 remote-port={guest_port}
primitive inner ocf:judge:service params directory={folder} op monitor interval=1s timeout=20s
location service-on-far service inf: far
location db-on-far db-clone inf: far
location inner-on-guest inner inf: guest
location vm-on-n3 vm 100: n3
location far-on-n1 far 100: n1
property fencing-enabled=true
"""


def tls_of(cluster: LocalCluster, node: str) -> Path:
    """Return where a node's certificate is."""
    return cluster.node(node).directory / "tls"


def secure(cluster: LocalCluster) -> None:
    """Give every node its certificate; the remote node's is good for being called alone."""
    now = datetime.now(UTC)
    authority = create_authority(ClusterId(cluster.layout.cluster_id), now)
    for node in (*cluster.layout.nodes, *cluster.layout.remotes):
        tls = tls_of(cluster, node.name)
        is_remote = node in cluster.layout.remotes
        if not is_remote:
            store_authority(tls, authority)
        own = issue(authority, NodeName(node.name), now, is_remote=is_remote)
        store_credentials(tls, authority.certificate, own)
        text = node.config.read_text("utf-8")
        node.config.write_text(text.replace("[directories]\n", f'[directories]\ntls = "{tls}"\n'))


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A running cluster of three members and a remote node that nothing knows of yet."""
    with (
        tempfile.TemporaryDirectory(prefix="rm-e2e-") as directory,
        LocalCluster.create(
            Path(directory), ocf_roots=(OCF_ROOT,), fence_dirs=(FENCE_DIR,), remotes=(FAR, GUEST),
            bound=True,
        ) as made,
    ):  # fmt: skip
        secure(made)
        made.start()
        made.start(FAR)
        yield made


@pytest.fixture(scope="module")
def site(cluster: LocalCluster) -> Iterator[Site]:
    """The cluster, with the service on the remote node."""
    ports = {name: cluster.node(name).ports["remote"] for name in (FAR, GUEST)}
    with site_with(
        cluster,
        CONFIGURATION,
        port=ports[FAR],
        guest_port=ports[GUEST],
        machines=cluster.directory,
    ) as made:
        yield made


def place_of(site: Site, resource: str, *, asked: str = "n2") -> str:
    """Return where crm_resource finds a resource, asked at a node; empty: nowhere."""
    said = site.run(asked, "crm_resource", "--resource", resource, "--locate", "--quiet")
    return said.stdout.strip() if said.returncode == 0 else ""


def is_connected(site: Site, *routers: str) -> bool:
    """Tell whether the connection has been started at one of these members."""
    places = " or ".join(f"@id='{router}'" for router in routers)
    started = f"//node_state[{places}]//lrm_rsc_op[@operation_key='{FAR}_start_0'][@rc-code='0']"
    return site.run("n2", "cibadmin", "-Q", "--xpath", started).returncode == 0


def test_tools_on_a_remote_node_are_answered_by_the_member_that_attends_to_it(site: Site) -> None:
    """Features 22.5, 22.10, 9.19, 15.6: an agent there gives itself its promotion score."""
    promoted = "//node_state[@id='far']//lrm_rsc_op[@operation_key='db_promote_0'][@rc-code='0']"

    def is_promoted() -> bool:
        return site.run("n2", "cibadmin", "-Q", "--xpath", promoted).returncode == 0

    site.wait(is_promoted, START_S, "nothing was promoted on the remote node")
    assert site.run(FAR, "crm_node", "-n").stdout == "far\n"
    set_there = site.run(FAR, "attrd_updater", "-n", "pingd", "-U", "7")
    assert (set_there.returncode, set_there.stderr) == (0, "")
    told = site.run("n2", "attrd_updater", "-n", "pingd", "-Q", "-N", FAR).stdout
    assert told == 'name="pingd" host="far" value="7"\n'
    assert "RemoteOnline: [ far ]" in site.run(FAR, "crm_mon", "-1").stdout
    assert place_of(site, "db-clone", asked=FAR) == FAR
    lasting = site.run(FAR, "crm_attribute", "-l", "forever", "-N", FAR, "-n", "rack", "-v", "2")
    assert (lasting.returncode, lasting.stderr) == (0, "")
    entry = site.run("n2", "cibadmin", "-Q", "--xpath", "//node[@uname='far']").stdout
    assert 'type="remote"' in entry
    refused = site.run(FAR, "crm_node", "--remove", "n1", "-f")
    assert refused.returncode != 0


def test_a_guest_node_is_fenced_by_restarting_its_machine(
    site: Site, cluster: LocalCluster
) -> None:
    """Features 7.14, 15.3, 22.3, 22.6, 27.31: what ran inside runs again; nobody else is fenced."""

    def inside() -> int:
        entry = site.judge.active("inner")
        return entry.pid if entry is not None and entry.node == GUEST else 0

    site.wait(lambda: inside() != 0, START_S, "nothing was started in the machine")
    assert "GuestOnline: [ guest ]" in site.run("n2", "crm_mon", "-1").stdout
    kept = site.run("n1", "cibsecret", "-C", "set", "inner", "passwd", "hunter2")
    assert (kept.returncode, kept.stderr) == (0, "")
    for name in (FAR, GUEST):
        secrets = Secrets(cluster.node(name).directory / "state" / "secrets")
        assert secrets.read("inner", "passwd") == "hunter2"
    first, since = inside(), site.index()
    cluster.kill(GUEST)
    site.wait(lambda: inside() not in (0, first), FAILOVER_S, "it was not recovered")
    assert place_of(site, "vm") == "n3"
    assert site.fencings(since) == []
    assert [entry for entry in site.judge.entries("inner") if entry.what == "double"] == []


def test_a_connection_moves_live_and_tools_there_go_by_the_new_member(site: Site) -> None:
    """Features 22.8, 12.14: it is started at the other member before this one lets go."""
    before = site.wait_active(START_S)

    def migrated(to: str) -> bool:
        done = f"//node_state[@id='{to}']//lrm_rsc_op[@operation_key='{FAR}_migrate_from_0']"
        found = site.run("n2", "cibadmin", "-Q", "--xpath", f"{done}[@rc-code='0']")
        return found.returncode == 0 and place_of(site, FAR) == to

    site.crm("n2", "resource", "move", FAR, "n3")
    site.wait(lambda: migrated("n3"), START_S, "the connection did not move")
    set_there = site.run(FAR, "attrd_updater", "-n", "pingd", "-U", "8")
    assert (set_there.returncode, set_there.stderr) == (0, "")
    site.crm("n2", "resource", "clear", FAR)
    site.wait(lambda: migrated("n1"), START_S, "the connection did not move back")
    assert site.judge.active() == before, "the service was touched"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may exchange the authority")
def test_a_remote_node_gets_a_new_key_with_the_members(site: Site, cluster: LocalCluster) -> None:
    """Features 22.4: named when it is not there; proven by handshakes; what runs there goes on."""
    before = site.wait_active(START_S)
    old = (tls_of(cluster, FAR) / "node.key").read_bytes()
    gone = "gone ocf:pacemaker:remote params server=127.0.0.1 port=1 meta target-role=Stopped"
    site.crm("n1", "configure", "primitive", *gone.split())
    refused = site.run("n1", "crm", "cluster", "rotate-certificates")
    assert refused.returncode != 0
    assert "remote node gone does not take part" in refused.stderr
    assert (tls_of(cluster, FAR) / "node.key").read_bytes() == old

    said = site.crm("n1", "cluster", "rotate-certificates", "--without", "gone")
    assert "3 members and 2 remote nodes have new certificates" in said
    tls = tls_of(cluster, FAR)
    (trusted,) = x509.load_pem_x509_certificates((tls / "authority.pem").read_bytes())
    shown = x509.load_pem_x509_certificate((tls / "node.pem").read_bytes())
    assert was_issued_by(shown, trusted)
    usages = shown.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH], "it is good for being called alone"
    assert (tls / "node.key").read_bytes() != old
    assert not (tls / "authority.key").exists()
    assert site.judge.active() == before


def test_what_a_remote_node_offers_decides_what_it_runs(site: Site) -> None:
    """Features 2.41, 22.10: no member offers any of it."""
    site.crm("n1", "configure", "property", "placement-strategy=utilization")
    site.crm("n1", "node", "utilization", FAR, "set", "cpu", "1")
    site.crm("n1", "configure", "primitive", "heavy", "ocf:raftmaker:Dummy", "utilization", "cpu=2")

    def is_probed(node: str) -> bool:
        probe = f"//node_state[@id='{node}']//lrm_rsc_op[@id='heavy_last_0'][@rc-code='7']"
        return site.run("n2", "cibadmin", "-Q", "--xpath", probe).returncode == 0

    site.wait(lambda: all(map(is_probed, ("n1", "n2", "n3", FAR))), START_S, "it was not probed")
    assert place_of(site, "heavy") == "resource heavy is NOT running"
    site.crm("n1", "node", "utilization", FAR, "set", "cpu", "2")
    site.wait(lambda: place_of(site, "heavy") == FAR, START_S, "it was not started there")
    site.crm("n1", "--force", "configure", "delete", "heavy")
    site.crm("n1", "configure", "property", "placement-strategy=default")


def test_a_remote_node_that_is_stopped_in_good_order_is_emptied_first_and_not_fenced(
    site: Site, cluster: LocalCluster
) -> None:
    """Features 22.13: its daemon ends when everything was moved; started again it is taken in."""
    site.wait(lambda: site.wait_active(START_S).node == FAR, START_S, "the service is elsewhere")
    before, since = site.wait_active(START_S), site.index()
    cluster.stop(FAR, timeout_s=FAILOVER_S)
    # Whatever was left on it would have been killed, and would not say that it was asked to end.
    asked = [one for one in site.judge.entries() if one.pid == before.pid and one.what == "ended"]
    assert asked, "the service was not stopped before the daemon ended"
    site.wait_active(FAILOVER_S, elsewhere_than=FAR)
    assert site.run("n2", "stonith_admin", "--history", FAR).stdout == "0 events found\n"
    assert site.fencings(since) == []
    cluster.start(FAR)
    site.crm("n1", "resource", "cleanup", FAR)
    site.wait(lambda: site.wait_active(START_S).node == FAR, START_S, "it was not taken in again")


def test_a_resource_on_a_remote_node_outlives_daemon_and_router_and_is_fenced_with_its_host(
    site: Site, cluster: LocalCluster
) -> None:
    """Features 15.2, 22.1, 22.2, 22.6, 22.7, 22.8, 24.20, 16.30."""
    before = site.wait_active(START_S)
    assert before.node == FAR
    site.wait(lambda: place_of(site, "service") == FAR, START_S, "the start was not recorded")
    assert place_of(site, FAR) == "n1"
    assert "RemoteOnline: [ far ]" in site.run("n2", "crm_mon", "-1").stdout

    cluster.kill_daemon(FAR, "remoted")
    cluster.kill("n1")
    site.wait_fenced("n1", FAILOVER_S)
    site.wait(lambda: is_connected(site, "n2", "n3"), FAILOVER_S, "no new connection")
    assert site.judge.active() == before, "the service was touched"

    cluster.pause(FAR)
    site.wait(lambda: not cluster.is_running(FAR), FAILOVER_S, "the remote node was not fenced")
    # That its host is off is seen a moment before the end of what ran there.
    site.wait_active(FAILOVER_S, elsewhere_than=FAR)
    cluster.start(FAR)
    site.wait(lambda: site.wait_active(FAILOVER_S).node == FAR, FAILOVER_S, "it did not return")
    state = site.run("n2", "cibadmin", "-Q", "--xpath", f"//node_state[@id='{FAR}']").stdout
    assert 'remote_node="true"' in state


def failed_starts(site: Site) -> set[tuple[str, str]]:
    """Return the starts of the connection that have failed and are remembered: member, call."""
    cib = parse(site.run("n2", "cibadmin", "-Q").stdout)
    status = cib.child("status")
    assert status is not None
    return {
        (state.id, op.get("call-id"))
        for state in status.each("node_state")
        for op in state.walk()
        if op.tag == "lrm_rsc_op"
        and op.get("operation_key") == f"{FAR}_start_0"
        and op.get("rc-code") not in ("0", "193")
    }


def test_a_lost_remote_node_is_connected_to_again_and_again_at_its_interval(
    site: Site, cluster: LocalCluster
) -> None:
    """Features 22.2, 22.7: a start that fails gives up no member; when it is back, it is found."""
    before = site.wait_active(START_S)
    assert before.node == FAR
    text = (cluster.directory / "shared" / "service.crm").read_text()
    begin = text.index("primitive far ")
    far = text[begin : text.index("primitive service ")]
    far = far.replace("params ", "params reconnect_interval=1s ").replace(
        "start interval=0 timeout=30s", "start interval=0 timeout=2s"
    )
    path = cluster.directory / "reconnecting.crm"
    path.write_text(far)
    site.crm("n2", "configure", "load", "update", str(path))
    assert site.run("n2", "crm_resource", "--wait").returncode == 0
    assert site.judge.active() == before, "the interval is taken over while it is connected"
    cluster.kill(FAR)
    site.wait_active(FAILOVER_S, elsewhere_than=FAR)
    tried: set[tuple[str, str]] = set()

    def is_tried_again() -> bool:
        tried.update(failed_starts(site))
        return len(tried) > len({member for member, _ in tried})

    site.wait(is_tried_again, FAILOVER_S, "no member tried twice")
    cluster.start(FAR)
    site.wait(lambda: site.wait_active(START_S).node == FAR, START_S, "it was not taken in again")
