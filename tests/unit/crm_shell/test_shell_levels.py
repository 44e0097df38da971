"""Levels of the shell on a CIB in a file: node, resource, maintenance, options, help."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from crm_shell import main as shell
from crm_shell.commands.help import help_for
from crm_shell.commands.levels import EVERYTHING, LEVELS, TOP
from crm_shell.commands.session import Misused
from crm_shell.preferences import PREFERENCES, Preferences, Unfit
from raftmaker.vocabulary.codes import ExitCode
from tests.unit.crm_shell.desk import Desk
from tests.unit.crm_shell.test_resource_tools import CIB as RUNNING

CIB = RUNNING.replace(
    '<primitive id="db" template="t"/>',
    '<primitive id="db" template="t"/><primitive id="vm" class="ocf" provider="heartbeat"'
    ' type="Dummy"><meta_attributes id="vi"><nvpair id="vi1" name="remote-node" value="far"/>'
    '<nvpair id="vi2" name="remote-addr" value="192.0.2.9"/></meta_attributes></primitive>',
)


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    return Desk(CIB, tmp_path, monkeypatch, capsys)


@pytest.fixture
def crm(desk: Desk) -> Crm:
    return Crm(desk)


class Crm:
    """The shell at a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def __call__(self, *words: str) -> str:
        """Run a command that must succeed; return its answer."""
        code, out, err = self.desk.run(shell.main, *words)
        assert code == 0, err
        return out

    def refused(self, *words: str) -> tuple[int, str]:
        """Run one that must fail; return the exit code and what was said."""
        code, _, err = self.desk.run(shell.main, *words)
        assert code != 0
        return code, err

    def value(self, name: str) -> str | None:
        """Return the value of a pair that occurs once at most."""
        found = self.desk.pairs().get(name)
        return None if found is None else found.get("value")


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("standby", "standby", "on"),
        ("online", "standby", "off"),
        ("maintenance", "maintenance", "true"),
        ("ready", "maintenance", "false"),
    ],
)
def test_flags_of_nodes(crm: Crm, word: str, name: str, value: str) -> None:
    """features 30.16"""

    def homes() -> list[tuple[str, str]]:
        return sorted(
            (owner.id, owner.tag)
            for owner in crm.desk.cib.walk()
            if owner.tag in ("node", "transient_attributes")
            for held in owner.each("instance_attributes")
            for pair in held.each("nvpair")
            if (pair.get("name"), pair.get("value")) == (name, value)
        )

    crm("node", word, "n2", "reboot")
    assert homes() == [("n2", "transient_attributes")]
    crm("node", word, "n2")
    assert homes() == [("n2", "node")], "what lasts takes the place of what does not"
    crm("node", word, "--all")
    assert homes() == [("n1", "node"), ("n2", "node")]
    crm("node", word, "n1", "n2", "forever")
    assert crm.refused("node", word, "n3")[0] == ExitCode.NOSUCH
    assert crm.refused("node", word, "--all", "n1")[0] == ExitCode.USAGE


@pytest.mark.parametrize("kind", ["attribute", "utilization", "status-attr"])
def test_attributes_of_nodes(crm: Crm, kind: str) -> None:
    """features 30.16"""
    crm("node", kind, "n1", "set", "rack", "7")
    assert "name=rack value=7" in crm("node", kind, "n1", "show", "rack")
    assert json.loads(crm("--json", "node", kind, "n1", "show")) == {"rack": "7"}
    crm("node", kind, "n1", "delete", "rack")
    assert crm.refused("node", kind, "n1", "show", "rack")[0] == ExitCode.NOSUCH
    assert crm.refused("node", kind, "n1", "put", "rack")[0] == ExitCode.USAGE


def test_nodes_are_shown_and_deleted(crm: Crm) -> None:
    """features 30.16"""
    assert "Online: [ n1 n2 ]" in crm("node", "status")
    assert crm("node", "show", "n1").startswith("n1(n1): member, online, DC\n")
    assert crm("node", "server") == "n1\nn2\n"
    crm("configure", "node", "far:remote")
    assert crm("node", "server", "far", "n1") == "192.0.2.9\nn1\n"
    code, err = crm.refused("node", "delete", "n1")
    assert (code, "n1 runs web" in err) == (ExitCode.UNSAFE, True)
    crm("node", "delete", "n2")
    assert crm("node", "server") == "n1\n192.0.2.9\n"
    assert not [each for each in crm.desk.cib.walk() if each.get("uname") == "n2"]
    assert crm.refused("node", "delete", "n2")[0] == ExitCode.NOSUCH


def test_vouching_and_fencing_need_more_than_a_word(crm: Crm) -> None:
    """features 30.16: clearstate, fence"""
    code, err = crm.refused("node", "clearstate", "n2")
    assert (code, "needs --force" in err) == (ExitCode.UNSAFE, True)
    assert "vouch that n2 is down" in crm("-n", "--force", "node", "clearstate", "n2")
    assert crm.refused("node", "fence", "n2", "shoot")[0] == ExitCode.USAGE
    assert "reboot" in crm("-n", "node", "fence", "n2")


def test_roles_of_resources(crm: Crm) -> None:
    """features 30.12: start, stop, promote, demote, manage, unmanage, maintenance"""
    for word, name, value in (
        ("start", "target-role", "Started"),
        ("stop", "target-role", "Stopped"),
        ("promote", "target-role", "Promoted"),
        ("demote", "target-role", "Unpromoted"),
    ):
        crm("resource", word, "db")
        assert crm.value(name) == value
    for words, name, value in (
        (("unmanage", "g"), "is-managed", "false"),
        (("manage", "g"), "is-managed", "true"),
        (("maintenance", "db"), "maintenance", "true"),
        (("maintenance", "db", "off"), "maintenance", "false"),
    ):
        crm("resource", *words)
        assert crm.value(name) == value
    assert crm.refused("resource", "stop", "nope")[0] == ExitCode.NOSUCH


def test_pairs_of_resources(crm: Crm) -> None:
    """features 30.12: meta, param, utilization"""
    for word in ("meta", "param", "utilization"):
        crm("resource", word, "db", "set", "memory", "7")
        assert crm("resource", word, "db", "show", "memory") == "7\n"
        assert crm("resource", word, "db", "show") == "memory=7\n"
        crm("resource", word, "db", "delete", "memory")
        assert crm.refused("resource", word, "db", "show", "memory")[0] == ExitCode.NOSUCH
        assert crm.refused("resource", word, "db", "delete")[0] == ExitCode.USAGE


def test_where_resources_run_and_what_ran(crm: Crm) -> None:
    """features 30.12: locate, status, operations, scores, constraints"""
    assert crm("resource", "locate", "web", "db") == (
        "resource web is running on: n1\nresource db is NOT running\n"
    )
    assert "* web\t(ocf:heartbeat:Dummy):\t Started n1" in crm("resource", "status")
    operations = crm("resource", "operations", "web", "n1").splitlines()
    assert [line.split()[2] for line in operations] == ["web_start_0", "web_monitor_10000"]
    assert crm("resource", "operations", "db") == "\n" or not crm("resource", "operations", "db")
    scores = crm("resource", "scores", "db")
    assert "db allocation score on n1" in scores
    assert "web" not in scores
    assert crm("resource", "constraints", "db").split()[:2] == ["colocation", "col"]


def test_a_resource_is_moved_banned_and_cleared(crm: Crm) -> None:
    """features 30.12, 30.13"""

    def made() -> list[str]:
        return [each.id for each in crm.desk.cib.walk() if each.id.startswith(("cli-b", "cli-p"))
                and each.tag == "rsc_location"]  # fmt: skip

    crm("resource", "move", "db", "n2")
    assert made() == ["cli-prefer-db"]
    crm("resource", "clear", "db")
    crm("resource", "move", "web")
    assert made() == ["cli-ban-web-on-n1"], "away from where it is"
    crm("resource", "clear", "web", "n1")
    crm("resource", "move", "web", "n2", "PT1H", "force")
    assert made() == ["cli-prefer-web", "cli-ban-web-on-n1"]
    ends = [each.get("end") for each in crm.desk.cib.walk() if each.tag == "date_expression"]
    assert len(ends) == 2
    crm("resource", "unban", "web")
    assert crm.refused("resource", "move", "web", "n1")[0] == ExitCode.EXISTS
    assert crm.refused("resource", "move", "db")[0] == ExitCode.MULTIPLE
    assert crm.refused("resource", "move", "web", "n3")[0] == ExitCode.NOSUCH
    assert crm.refused("resource", "move", "web", "n2", "soon")[0] == ExitCode.USAGE
    crm("resource", "ban", "db", "n1")
    assert made() == ["cli-ban-db-on-n1"]


def test_fail_counts_by_hand(crm: Crm) -> None:
    """features 30.12: failcount"""
    crm("resource", "failcount", "web", "set", "n1", "3")
    assert crm("resource", "failcount", "web", "show", "n1").endswith("value=3\n")
    assert crm.refused("resource", "failcount", "web", "set", "n1")[0] == ExitCode.USAGE
    assert crm.refused("resource", "failcount", "web", "set", "n1", "-2")[0] == ExitCode.USAGE


def test_maintenance_of_everything_or_of_one(crm: Crm) -> None:
    """features 30.50"""
    crm("maintenance", "on")
    assert crm.value("maintenance-mode") == "true"
    crm("maintenance", "off")
    assert crm.value("maintenance-mode") == "false"
    code, err = crm.refused("maintenance", "action", "web", "monitor")
    assert (code, "crm maintenance on web" in err) == (ExitCode.UNSAFE, True)
    crm("maintenance", "on", "web")
    assert crm.value("maintenance") == "true"
    assert "run monitor of web" in crm("-n", "maintenance", "action", "web", "monitor")
    assert crm.refused("maintenance", "action", "web", "jump")[0] == ExitCode.USAGE
    assert crm.refused("maintenance", "action", "web", "start", "ssh")[0] == ExitCode.USAGE


def test_every_level_and_command_explains_itself() -> None:
    """features 30.52: and nothing is offered that has no help"""
    assert all(each.name in help_for([]) for each in EVERYTHING)
    for level in LEVELS:
        told = help_for([level.name])
        assert told.startswith(f"crm {level.name}: ")
        for command in level.commands:
            assert f"  {command.name} " in told
            page = help_for([level.name, command.name])
            assert page.startswith(f"NAME\n    {command.name} - {command.summary}")
            assert f"    crm {level.name} {command.usage.split()[0]}" in page
            assert command.usage.split()[0] == command.name
    for command in TOP:
        assert help_for([command.name]).startswith(f"NAME\n    {command.name} - ")
    assert "crm template new" in help_for(["configure", "template", "new"])
    assert "From here too: " in help_for(["configure"])
    with pytest.raises(Misused, match="did you mean 'resource'"):
        help_for(["resuorce"])


@pytest.mark.parametrize("words", [("help", "node", "fence"), ("node", "help", "fence"),
                                   ("node", "fence", "--help")])  # fmt: skip
def test_help_is_found_where_people_look_for_it(crm: Crm, words: tuple[str, ...]) -> None:
    """features 30.52"""
    assert "crm node fence NODE [off|reboot|on]" in crm(*words)


def test_an_operator_looks_starts_and_stops(crm: Crm) -> None:
    """features 30.18: skill-level"""
    crm("options", "skill-level", "operator")
    crm("resource", "stop", "web")
    crm("node", "standby", "n2")
    crm("status")
    for words in (("configure", "show"), ("cluster", "stop"), ("template", "list")):
        code, err = crm.refused(*words)
        assert (code, "not for an operator" in err) == (ExitCode.INSUFFICIENT_PRIV, True)
    crm("options", "skill-level", "administrator")
    assert "primitive web" in crm("configure", "show")


@pytest.mark.parametrize(
    ("lines", "pager", "chosen", "begins"),
    [
        (5, "sed s/^/seen:/", "", "seen:"),
        (500, "sed s/^/seen:/", "", "node"),
        (5, None, "sed s/^/seen:/", "seen:"),
        (5, "sed s/^/seen:/", "none", "node"),
        (5, "no-such-pager", "", "node"),
    ],
)
def test_what_is_longer_than_the_screen_goes_by_the_pager(
    crm: Crm, lines: int, pager: str | None, chosen: str, begins: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """features 30.18: pager"""
    monkeypatch.delenv("PAGER", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    if chosen:
        crm("options", "pager", chosen)
    if pager is not None:
        monkeypatch.setenv("PAGER", pager)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (lines, 80))
    command = [sys.executable, "-m", "crm_shell.main", "configure", "show"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs) as shown:
        os.close(theirs)
        told = _read(ours)
        assert shown.wait(60) == 0
    assert told.startswith(begins), told


def _read(terminal: int) -> str:
    """Read until the other end is closed."""
    found = b""
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 65_536):
            found += part
    os.close(terminal)
    return found.decode()


def test_options_are_chosen_kept_and_reset(crm: Crm, tmp_path: Path) -> None:
    """features 30.18"""
    shown = crm("options", "show", "all").splitlines()
    assert [line.split()[0] for line in shown] == [each.name for each in PREFERENCES]
    crm("options", "editor", "nano")
    crm("options", "set", "wait", "on")
    assert crm("options", "show", "editor") == "nano\n"
    assert crm("options", "wait") == "yes\n"
    file = tmp_path / ".config" / "raftmaker" / "crm.toml"
    assert file.read_text().splitlines()[1:] == ['wait = "yes"', 'editor = "nano"']
    code, err = crm.refused("options", "check-mode", "lax")
    assert (code, "allowed: strict, relaxed" in err) == (ExitCode.USAGE, True)
    assert crm.refused("options", "show", "nope")[0] == ExitCode.USAGE
    crm("options", "reset")
    assert crm("options", "show", "editor") == "\n" or not crm("options", "show", "editor")
    file.write_text("wait = 'perhaps'\n")
    code, err = crm.refused("options", "show")
    assert (code, "wait cannot be 'perhaps'" in err) == (ExitCode.CONFIG, True)
    with pytest.raises(Unfit, match=r"crm\.toml"):
        Preferences(file)


def test_what_options_do(crm: Crm) -> None:
    """features 30.18: order, capitals, members of containers"""
    crm("configure", "primitive", "a", "Dummy")
    assert crm("configure", "show", "type:primitive").startswith("primitive a ")
    crm("options", "sort-elements", "no")
    assert crm("configure", "show", "type:primitive").startswith("primitive db ")
    crm("options", "output", "uppercase")
    assert crm("configure", "show", "a").startswith("PRIMITIVE A ")
    crm("resource", "meta", "web", "set", "target-role", "Started")
    crm("options", "manage-children", "never")
    crm("resource", "stop", "g")
    values = [each.get("value") for each in crm.desk.cib.walk()
              if each.get("name") == "target-role"]  # fmt: skip
    assert values == ["Started", "Stopped"]
    crm("options", "manage-children", "always")
    crm("resource", "stop", "g")
    assert crm.value("target-role") == "Stopped"


def test_waiting_for_a_file_is_no_wait(crm: Crm) -> None:
    """features 30.53"""
    assert crm("wait") == ""
    assert crm.refused("wait", "long")[0] == ExitCode.USAGE
