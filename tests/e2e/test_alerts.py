"""Alert agents are told what happens: by every node of nodes and fencings, else by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from raftmaker.vocabulary.ids import NodeName
from tests.e2e.site import FAILOVER_S, START_S, Site

pytestmark = pytest.mark.e2e

AGENT = """\
#!/bin/sh
file=$CRM_alert_recipient/$CRM_alert_kind.$RAFTMAKER_NODE.$CRM_alert_node_sequence
env -0 >"$file.new" && mv "$file.new" "$file"
"""
STUCK = "#!/bin/sh\nexec sleep 600\n"
Told = dict[str, str]


def agent(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def told(folder: Path, kind: str, **wanted: str) -> list[Told]:
    """Return what agents were told, in the order in which each node told it, with these values."""
    found: list[Told] = []
    for file in folder.iterdir():
        if file.name.startswith(f"{kind}.") and not file.name.endswith(".new"):
            pairs = (each.partition("=") for each in file.read_text().split("\0") if each)
            found.append({name: value for name, _, value in pairs})
    found.sort(key=lambda one: (one["RAFTMAKER_NODE"], int(one["CRM_alert_node_sequence"])))
    names = {f"CRM_alert_{name}": value for name, value in wanted.items()}
    return [one for one in found if names.items() <= one.items()]


def told_by(events: list[Told]) -> list[str]:
    return [event["RAFTMAKER_NODE"] for event in events]


def unfence(site: Site, folder: Path, target: str) -> None:
    """Have a node turned on, and see that every node tells of it."""
    unfenced = site.run(target, "stonith_admin", "--unfence", target)
    assert unfenced.returncode == 0, unfenced.stderr
    everybody = list(site.cluster.names)

    def turned_on() -> list[Told]:
        return told(folder, "fencing", node=target, task="on", rc="0")

    site.wait(lambda: told_by(turned_on()) == everybody, FAILOVER_S, "the unfencing was not told")
    assert f"on of {target} by " in turned_on()[0]["CRM_alert_desc"]
    assert "for stonith_admin" in turned_on()[0]["CRM_alert_desc"]


def test_agents_are_told_what_happens(site: Site) -> None:
    """Features 19.1-19.12, 30.36: one agent writes all down; another hangs, and delays nothing."""
    folder = site.cluster.directory / "alerts"
    folder.mkdir()
    path, stuck = agent(folder, "agent", AGENT), agent(folder, "stuck", STUCK)
    seen = site.wait_whole(START_S)
    assert seen.facts.dc is not None
    dc = seen.facts.dc.node
    site.crm(dc, "configure", "alert", "stuck", str(stuck), "meta", "timeout=1s",
             "select", "nodes", "fencing", "resources", "attributes")  # fmt: skip
    site.crm(dc, "configure", "alert", "notes", str(path), "attributes", "level=high",
             "select", "nodes", "fencing", "resources", "attributes", "{", "pingd", "}",
             "to", str(folder))  # fmt: skip
    shown = site.crm(dc, "configure", "show", "notes")
    assert "select nodes fencing resources attributes { pingd }" in shown

    target = next(name for name in site.cluster.names if name != dc)
    for name, value in (("other", "1"), ("pingd", "1000")):
        done = site.run(target, "attrd_updater", "-n", name, "-U", value)
        assert done.returncode == 0, done.stderr
    site.crm(dc, "configure", "primitive", "told", "ocf:raftmaker:Dummy")
    site.wait(lambda: bool(told(folder, "attribute")), FAILOVER_S, "the attribute was not told")
    (attribute,) = told(folder, "attribute")
    assert attribute["RAFTMAKER_NODE"] == dc
    assert attribute["CRM_alert_node"] == attribute["CRM_alert_nodeid"] == target
    assert attribute["CRM_alert_attribute_value"] == "1000"
    assert attribute["level"] == "high"

    def started() -> list[Told]:
        return told(folder, "resource", rsc="told", task="start")

    site.wait(lambda: bool(started()), FAILOVER_S, "the start was not told")
    (start,) = started()
    assert start["RAFTMAKER_NODE"] == start["CRM_alert_node"]
    assert (start["CRM_alert_rc"], start["CRM_alert_desc"]) == ("0", "OK")
    assert told(folder, "resource", rsc="told", task="monitor") == [], "a probe was told"

    unfence(site, folder, target)
    site.cluster.kill(target)
    site.wait_fenced(target, FAILOVER_S)
    others = [name for name in site.cluster.names if name != NodeName(target)]

    def fenced() -> list[Told]:
        return told(folder, "fencing", node=target, task="reboot")

    def lost() -> list[Told]:
        return told(folder, "node", node=target, desc="lost")

    site.wait(lambda: len(fenced()) >= len(others), FAILOVER_S, "the fencing was not told")
    # Each is told in a process of its own: the one that was begun first may be the last to end.
    site.wait(lambda: len(lost()) >= len(others), FAILOVER_S, "the loss was not told")
    assert told_by(lost()) == told_by(fenced()) == others
    for before, after in zip(lost(), fenced(), strict=True):
        assert int(before["CRM_alert_node_sequence"]) < int(after["CRM_alert_node_sequence"])
        assert (after["CRM_alert_rc"], after["CRM_alert_task"]) == ("0", "reboot")
        assert f"reboot of {target} by " in after["CRM_alert_desc"]
