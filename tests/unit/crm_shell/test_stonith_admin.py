"""What stonith_admin says of devices and fencings, and what it refuses (features 27.16-27.18)."""

from __future__ import annotations

import sys

import pytest

from crm_shell.tools.stonith_admin import (
    device_lines,
    fencing_text,
    history_lines,
    last_lines,
    main,
)
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.client import DeviceInfo, FencingInfo


def fencing(state: str, reason: str = "") -> FencingInfo:
    return FencingInfo(
        target=NodeName("n2"), action="reboot", client="crmd", delegate=NodeName("n1"), state=state,
        devices=(ResourceId("f1"),), at_us=1_000_000, reason=reason,
    )  # fmt: skip


def device(name: str) -> DeviceInfo:
    return DeviceInfo(
        id=ResourceId(name), agent="fence_x", targets=(), host_check="none", usable=True
    )


def test_devices_are_listed_and_counted() -> None:
    """features 27.17"""
    assert device_lines((device("f1"),), quiet=False) == [" f1", "1 fence device found"]
    assert device_lines((device("a"), device("b")), quiet=True) == [" a", " b"]
    assert device_lines((), quiet=False) == ["0 fence devices found"]


@pytest.mark.parametrize(
    ("given", "begin", "end"),
    [
        (fencing("confirmed"), "successful: delegate=n1, client=crmd, completed='", "'"),
        (fencing("failed", "why"), "failed: delegate=n1, client=crmd, last-failed='", "' (why)"),
        (fencing("running"), "pending: delegate=n1, client=crmd, started='", "'"),
    ],
)
def test_a_fencing_is_a_line(given: FencingInfo, begin: str, end: str) -> None:
    """features 27.16, 17.41"""
    assert fencing_text(given).startswith(f"reboot of n2 {begin}")
    assert fencing_text(given).endswith(end)


def test_the_last_fencing_is_the_newest_that_succeeded() -> None:
    """features 27.16"""
    history = (fencing("failed"), fencing("confirmed"))
    assert last_lines("n2", history)[0].startswith("Node n2 last fenced at: ")
    assert last_lines("n2", history[:1]) == ["Node n2 was never fenced, as far as is remembered"]
    assert history_lines(history, quiet=False)[-1] == "2 events found"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what to do"),
        (("-F", "n1", "-B", "n1"), "only one of these"),
        (("-F", "n1", "-t", "soon"), "is no number of seconds"),
        (("-F", "n1", "-t", "0"), "is no number of seconds"),
    ],
)
def test_a_wrong_command_line_fences_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...], said: str,
) -> None:  # fmt: skip
    """features 27.18, 28.3"""
    monkeypatch.setattr(sys, "argv", ["stonith_admin", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == ExitCode.USAGE
    assert said in capsys.readouterr().err
