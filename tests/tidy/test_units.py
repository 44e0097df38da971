"""The unit files fit the daemons: each command exists, and systemd accepts them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from raftmaker.vocabulary.codes import ExitCode
from tests.tidy.source_tree import ROOT

UNITS = sorted((ROOT / "systemd").glob("raftmaker*"))
DAEMONS = ("cib", "lrmd", "stonithd", "crmd")


def _values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("daemon", DAEMONS)
def test_every_daemon_has_a_unit_that_runs_its_command(daemon: str) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    command = _values(ROOT / "systemd" / f"raftmaker-{daemon}.service", "ExecStart")[0].split()[0]
    assert command in scripts


def test_a_remote_node_runs_the_executor_alone() -> None:
    unit = ROOT / "systemd" / "raftmaker-remote.service"
    assert "raftmaker.target" in _values(unit, "Conflicts")[0].split()
    assert _values(unit, "KillMode") == ["process"], "resources outlive the daemon"
    assert "--realtime" not in _values(unit, "ExecStart")[0], "agents would inherit it"


def test_the_executor_does_not_take_resources_with_it() -> None:
    assert _values(ROOT / "systemd" / "raftmaker-lrmd.service", "KillMode") == ["process"]


@pytest.mark.parametrize("daemon", [*DAEMONS, "remote"])
def test_a_planned_restart_is_no_failure_and_a_failure_is_restarted(daemon: str) -> None:
    """Features 24.13: asked to be started again, a daemon ends with 75, or with the signal."""
    unit = ROOT / "systemd" / f"raftmaker-{daemon}.service"
    planned = [f"{ExitCode.TEMPFAIL.value} SIGUSR1"]
    assert _values(unit, "SuccessExitStatus") == planned
    assert _values(unit, "RestartForceExitStatus") == planned, "a success is not restarted else"
    assert _values(unit, "Restart") == ["on-failure"]


@pytest.mark.parametrize("daemon", [*DAEMONS, "remote"])
def test_what_a_restart_does_not_mend_is_not_started_again(daemon: str) -> None:
    """Features 28.6: bad settings, and what a person has to decide."""
    unit = ROOT / "systemd" / f"raftmaker-{daemon}.service"
    lasting = [f"{ExitCode.CONFIG.value} {ExitCode.FATAL.value}"]
    assert _values(unit, "RestartPreventExitStatus") == lasting


@pytest.mark.parametrize("daemon", DAEMONS)
def test_each_end_of_a_daemon_is_judged_by_fail_fast(daemon: str) -> None:
    """Features 26.9: with all rights, as the store's unit may not write to the kernel's files."""
    (judge,) = _values(ROOT / "systemd" / f"raftmaker-{daemon}.service", "ExecStopPost")
    assert judge == "-+/usr/lib/raftmaker/fail-fast"
    assert "systemd/debian/fail-fast" in (ROOT / "bin" / "build-deb").read_text("utf-8")


def test_the_target_wants_every_daemon() -> None:
    wanted = " ".join(_values(ROOT / "systemd" / "raftmaker.target", "Wants")).split()
    assert {f"raftmaker-{daemon}.service" for daemon in DAEMONS} <= set(wanted)


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed (Debian package systemd)")
    for unit in UNITS:
        # The commands are installed elsewhere or not at all; /bin/true stands for each.
        text = re.sub(
            r"^(ExecStart|ExecStopPost)=\S+", r"\1=/bin/true", unit.read_text("utf-8"), flags=re.M
        )
        (tmp_path / unit.name).write_text(text)
    run = subprocess.run(
        [analyze, "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
    )
    complaints = [line for line in run.stderr.splitlines() if "raftmaker" in line]
    assert run.returncode == 0, run.stderr
    assert not complaints, "\n".join(complaints)
