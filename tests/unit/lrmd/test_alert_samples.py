"""The alert agents that come along (features 19.13)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

AGENTS = Path(__file__).parents[3] / "lrmd" / "alerts"
NODE = {"CRM_alert_kind": "node", "CRM_alert_node": "n1", "CRM_alert_desc": "lost"}
FENCING = {
    "CRM_alert_kind": "fencing",
    "CRM_alert_node": "n1",
    "CRM_alert_task": "reboot",
    "CRM_alert_rc": "0",
    "CRM_alert_desc": "Operation reboot of n1: OK",
}
RESOURCE = {
    "CRM_alert_kind": "resource",
    "CRM_alert_node": "n1",
    "CRM_alert_rsc": "web",
    "CRM_alert_task": "monitor",
    "CRM_alert_interval": "10000",
    "CRM_alert_rc": "7",
    "CRM_alert_target_rc": "0",
    "CRM_alert_status": "0",
    "CRM_alert_desc": "Not running",
}
ATTRIBUTE = {
    "CRM_alert_kind": "attribute",
    "CRM_alert_node": "n1",
    "CRM_alert_attribute_name": "pingd",
    "CRM_alert_attribute_value": "1000",
}


def run(
    name: str, recipient: str, event: dict[str, str], **options: str
) -> subprocess.CompletedProcess[str]:
    told = {"CRM_alert_version": "1", "CRM_alert_timestamp": "12:00:00.000001"}
    told |= {"CRM_alert_recipient": recipient, "CRM_alert_node_sequence": "7"}
    return subprocess.run(
        [AGENTS / name],
        env={"PATH": os.environ["PATH"], **told, **event, **options},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (NODE, "node n1 is now lost"),
        (FENCING, "fencing of n1: Operation reboot of n1: OK"),
        (RESOURCE, "monitor (every 10000 ms) of web on n1: Not running, expected code 0"),
        (ATTRIBUTE, "attribute pingd of n1 is now '1000'"),
    ],
)
def test_a_line_in_a_file(tmp_path: Path, event: dict[str, str], line: str) -> None:
    file = tmp_path / "events"
    for _ in range(2):
        assert run("alert_file.sh", str(file), event).returncode == 0
    assert file.read_text() == f"12:00:00.000001: {line}\n" * 2


def test_a_line_with_the_order_of_the_runs(tmp_path: Path) -> None:
    run("alert_file.sh", str(tmp_path / "events"), NODE, debug_exec_order="true")
    assert (tmp_path / "events").read_text().startswith("7. 12:00:00.000001 (written ")


@pytest.mark.parametrize("name", ["alert_file.sh", "alert_smtp.sh", "alert_snmp.sh"])
def test_an_agent_without_a_recipient_says_what_it_needs(name: str) -> None:
    done = run(name, "", NODE)
    assert done.returncode == 1
    assert "recipient" in done.stderr


def recording(tmp_path: Path) -> str:
    """A command that writes down what it is given, standing for what an agent calls."""
    command = tmp_path / "command"
    command.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/words\ncat >{tmp_path}/input\n')
    command.chmod(0o755)
    return str(command)


def test_a_mail(tmp_path: Path) -> None:
    event = {**NODE, "CRM_alert_desc": "lost\nBcc: all@example.net"}
    options = {"email_client": recording(tmp_path), "email_sender": "cluster@example.net"}
    assert run("alert_smtp.sh", "ann@example.net", event, **options).returncode == 0
    assert (tmp_path / "words").read_text().split() == ["-t", "-i", "-f", "cluster@example.net"]
    head, _, body = (tmp_path / "input").read_text().partition("\n\n")
    assert "To: ann@example.net" in head.splitlines()
    subjects = [line for line in head.splitlines() if line.startswith("Subject: ")]
    assert subjects[0].endswith("node n1 is now lost Bcc: all@example.net")
    assert not any(line.startswith("Bcc") for line in head.splitlines())
    assert "CRM_alert_kind=node" in body


def test_no_mail_of_what_was_cancelled(tmp_path: Path) -> None:
    event = {**RESOURCE, "CRM_alert_desc": "Cancelled"}
    done = run("alert_smtp.sh", "ann@example.net", event, email_client=recording(tmp_path))
    assert done.returncode == 0
    assert not (tmp_path / "input").exists()


def test_a_trap(tmp_path: Path) -> None:
    options = {"trap_binary": recording(tmp_path), "trap_community": "ours"}
    assert run("alert_snmp.sh", "192.0.2.9", RESOURCE, **options).returncode == 0
    words = (tmp_path / "words").read_text().splitlines()
    assert words[:7] == ["-v", "2c", "-c", "ours", "192.0.2.9", "", ".1.3.6.1.4.1.32723.2.1"]
    values = {words[at]: words[at + 2] for at in range(7, len(words), 3)}
    assert list(values.values()) == [
        "n1", "web", "monitor", "Not running", "0", "7", "0", "n/a", "n/a",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "options", "is_sent"),
    [
        (NODE, {}, True),
        (NODE, {"trap_node_states": "member"}, False),
        (FENCING, {"trap_fencing_tasks": "off,reboot"}, True),
        (FENCING, {"trap_fencing_tasks": "off"}, False),
        (RESOURCE, {}, True),
        (RESOURCE, {"trap_resource_tasks": "start stop"}, False),
        ({**RESOURCE, "CRM_alert_rc": "0"}, {}, False),
        ({**RESOURCE, "CRM_alert_rc": "0"}, {"trap_monitor_success": "true"}, True),
        ({**RESOURCE, "CRM_alert_desc": "Cancelled"}, {}, False),
        (ATTRIBUTE, {}, True),
    ],
)
def test_which_traps_are_sent(
    tmp_path: Path, event: dict[str, str], options: dict[str, str], is_sent: bool
) -> None:
    done = run("alert_snmp.sh", "h", event, trap_binary=recording(tmp_path), **options)
    assert done.returncode == 0
    assert (tmp_path / "words").exists() is is_sent
