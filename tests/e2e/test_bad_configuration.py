"""A wrong configuration is refused before anything changes, with every fault found at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.site import START_S, Site

pytestmark = pytest.mark.e2e

WRONG = """\
primitive fine ocf:judge:service params directory={folder} op monitor interval=soon
group nothing-here absent
location nowhere service 100: no-such-node
order o1 service absent-too
property no-quorum-policy=maybe
"""


def test_every_fault_of_a_file_is_named_and_nothing_changes(site: Site, tmp_path: Path) -> None:
    """Bad interval, unknown resources, bad option: all in one answer."""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    shown = site.crm(node, "configure", "show")
    path = tmp_path / "wrong.crm"
    path.write_text(WRONG.format(folder=site.judge.folder))
    refused = site.run(node, "crm", "configure", "load", "update", str(path))
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    for fault in ("soon", "absent", "absent-too", "maybe"):
        assert fault in said, said
    assert "Traceback" not in said
    assert site.crm(node, "configure", "show") == shown


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        pytest.param(
            ["cibadmin", "-C", "-o", "resources", "-X", '<primitive id="service"/>'],
            108,
            id="exists already (features 4.2, 28.8)",
        ),
        pytest.param(
            ["cibadmin", "-D", "-o", "resources", "-X", '<primitive id="absent"/>'],
            0,
            id="deleting what is not there is done",
        ),
        pytest.param(
            ["cibadmin", "-M", "-o", "resources", "-X", '<primitive id="absent" class="ocf"/>'],
            105,
            id="modifying what is not there (features 4.3, 28.8)",
        ),
        pytest.param(
            ["cibadmin", "-C", "-o", "constraints", "-X", '<rsc_order id="o" first="service"/>'],
            78,
            id="does not validate (features 4.20, 28.5)",
        ),
        pytest.param(["cibadmin", "-C", "-o", "resources", "-X", "<primitive"], 65, id="is no XML"),
    ],
)
def test_cibadmin_refuses_with_pacemakers_exit_codes(
    site: Site, argv: list[str], code: int
) -> None:
    """The configuration is the same afterwards."""
    site.wait_whole(START_S)
    node = site.cluster.names[0]
    shown = site.crm(node, "configure", "show")
    done = site.run(node, *argv)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert site.crm(node, "configure", "show") == shown


def test_a_tool_says_which_socket_nobody_serves(site: Site, tmp_path: Path) -> None:
    """A tool that cannot reach its daemon says where, and what to run."""
    text = site.cluster.node(site.cluster.names[0]).config.read_text()
    run_dir = site.cluster.node(site.cluster.names[0]).run
    config = tmp_path / "raftmaker.toml"
    config.write_text(text.replace(str(run_dir), str(tmp_path / "run")))
    done = site.run(site.cluster.names[0], "crm", "--config", str(config), "status")
    assert done.returncode == 102, done.stdout + done.stderr
    assert str(tmp_path / "run") in done.stderr
    assert "Traceback" not in done.stderr
