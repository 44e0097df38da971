"""What happens to a host when a daemon has crashed: PCMK_fail_fast and PCMK_panic_action."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "systemd" / "debian" / "fail-fast"
CRASH = {"SERVICE_RESULT": "signal", "EXIT_STATUS": "SEGV"}


def _key(tmp_path: Path, variables: dict[str, str]) -> tuple[str, str]:
    """Return what was written to the kernel's trigger, a file here, and what was said."""
    trigger = tmp_path / "sysrq-trigger"
    trigger.write_text("")
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT), str(trigger)],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return trigger.read_text(), done.stderr


@pytest.mark.parametrize("word", ["", "no", "false", "off", "0"])
def test_by_default_a_crash_is_the_daemons_alone(tmp_path: Path, word: str) -> None:
    """features 26.9"""
    assert _key(tmp_path, {**CRASH, "PCMK_fail_fast": word}) == ("", "")


@pytest.mark.parametrize("word", ["yes", "true", "ON", "1"])
@pytest.mark.parametrize(
    "ended",
    [
        CRASH,
        {"SERVICE_RESULT": "core-dump", "EXIT_STATUS": "ABRT"},
        {"SERVICE_RESULT": "watchdog", "EXIT_STATUS": "ABRT"},
        {"SERVICE_RESULT": "oom-kill", "EXIT_STATUS": "KILL"},
        {"SERVICE_RESULT": "exit-code", "EXIT_STATUS": "1"},
    ],
    ids=lambda ended: str(ended["SERVICE_RESULT"]),
)
def test_each_crash_ends_the_host_where_that_is_wished(
    tmp_path: Path, word: str, ended: dict[str, str]
) -> None:
    """features 26.9"""
    key, said = _key(tmp_path, {**ended, "PCMK_fail_fast": word})
    assert key == "b"
    assert ended["SERVICE_RESULT"] in said


@pytest.mark.parametrize(
    "ended",
    [
        {"SERVICE_RESULT": "success", "EXIT_STATUS": "0"},
        {"SERVICE_RESULT": "timeout", "EXIT_STATUS": "KILL"},
        {"SERVICE_RESULT": "success", "EXIT_STATUS": "75"},
        {"SERVICE_RESULT": "success", "EXIT_STATUS": "USR1"},
        {"SERVICE_RESULT": "exit-code", "EXIT_STATUS": "78"},
        {"SERVICE_RESULT": "exit-code", "EXIT_STATUS": "100"},
    ],
    ids=lambda ended: f"{ended['SERVICE_RESULT']}-{ended['EXIT_STATUS']}",
)
def test_no_end_in_good_order_does(tmp_path: Path, ended: dict[str, str]) -> None:
    """features 26.9: told to stop, an upgrade, bad settings, replaced by another start"""
    assert _key(tmp_path, {**ended, "PCMK_fail_fast": "yes"}) == ("", "")


@pytest.mark.parametrize(
    ("action", "key"),
    [
        *(("reboot", "b"), ("crash", "c"), ("off", "o")),
        *(("sync-reboot", "b"), ("sync-crash", "c"), ("sync-off", "o")),
        ("explode", "b"),
    ],
)
def test_the_panic_action_says_how(tmp_path: Path, action: str, key: str) -> None:
    """features 26.10: a word that is not known is told, and the host reboots"""
    written, said = _key(tmp_path, {**CRASH, "PCMK_fail_fast": "yes", "PCMK_panic_action": action})
    assert written == key
    assert ("is not known" in said) == (action == "explode")
