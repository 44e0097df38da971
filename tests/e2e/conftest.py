"""A cluster of three nodes of real processes, with a service in it that the kernel watches."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crm_shell.demo.observer import Observer, by_settings
from crm_shell.local_cluster.cluster import LocalCluster
from tests.e2e.judge import Judge
from tests.e2e.site import START_S, Site

OCF_ROOT = Path(__file__).parent / "ocf"
FENCE_DIR = Path(__file__).parent / "fence"
CONFIGURATION = """\
primitive fencing stonith:fence_raftmaker_local
primitive service ocf:judge:service params directory={folder} \\
    op start interval=0 timeout=30s op stop interval=0 timeout=30s \\
    op monitor interval=1s timeout=20s
property fencing-enabled=true
rsc_defaults resource-stickiness=100
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A running, empty cluster; one for all tests of a file."""
    with (
        tempfile.TemporaryDirectory(prefix="rm-e2e-") as directory,
        LocalCluster.create(
            Path(directory), ocf_roots=(OCF_ROOT,), fence_dirs=(FENCE_DIR,), bound=True
        ) as made,
    ):
        made.start()
        yield made


@contextmanager
def site_with(cluster: LocalCluster, configuration: str, **names: object) -> Iterator[Site]:
    """The cluster, whole, with the service running; no fault is ever found by its judge or logged.

    `configuration` is filled with the service's ``{folder}`` and with `names`.
    """
    folder = cluster.directory / "shared"
    folder.mkdir()
    configs = {name: cluster.node(name).config for name in cluster.names}
    with Observer(configs, by_settings(configs)) as observer:
        made = Site(cluster=cluster, observer=observer, judge=Judge(folder))
        made.wait_whole(START_S)
        path = folder / "service.crm"
        path.write_text(configuration.format(folder=folder, **names))
        made.crm(cluster.names[0], "configure", "load", "update", str(path))
        made.wait_active(START_S)
        yield made
        assert made.judge.doubles() == ()
        assert made.uncaught() == []


@pytest.fixture(scope="module")
def site(cluster: LocalCluster) -> Iterator[Site]:
    """The cluster with the service of `CONFIGURATION`."""
    with site_with(cluster, CONFIGURATION) as made:
        yield made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Attach the tail of every daemon's log to a failure."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's result
    cluster = getattr(item, "funcargs", {}).get("cluster") or _cluster_of(item)
    if report.failed and isinstance(cluster, LocalCluster):
        for log in sorted(cluster.directory.glob("*/log/*.log")):
            lines = log.read_text(errors="replace").splitlines()[-40:]
            name = f"{log.parent.parent.name} {log.name}"
            report.sections.append((name, "\n".join(lines)))


def _cluster_of(item: pytest.Item) -> object:
    site = getattr(item, "funcargs", {}).get("site")
    return site.cluster if isinstance(site, Site) else None
