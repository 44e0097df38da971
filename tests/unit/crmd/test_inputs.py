"""What the scheduler decided from is kept, and decides the same again (features 2.38, 4.28)."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from cib_store.document.codec import parse
from cib_store.document.element import Element
from cib_store.document.sections import empty_cib
from crm_shell.tools.crm_simulate import main
from crmd.inputs import Inputs, Series, keep
from crmd.scheduler_worker import SchedulerProcess
from crmd.scheduling import Decision, Failure, Question
from raftmaker.runtime.saved_files import bytes_of
from raftmaker.runtime.worker import Worker

NOW_S = 1_700_000_000
DEADLINE_S = 60.0


def test_what_is_kept_nowhere_is_named_nowhere(tmp_path: Path) -> None:
    """features 16.42"""
    off = _cib(**{"pe-input-series-max": "0"})
    for process in (SchedulerProcess(), SchedulerProcess(Inputs(tmp_path))):
        decided = _decide(process, off)
        assert isinstance(decided, Decision)
        assert decided.input == ""
    assert _names(tmp_path) == []


def _cib(**options: str) -> Element:
    return empty_cib({"have-quorum": "1"}, {"fencing-enabled": "false", **options})


def _kept(inputs: Inputs, cib: Element, times: int) -> None:
    for number in range(times):
        slot = inputs.slot(cib, Series.INPUT)
        assert slot is not None
        keep(slot, cib, NOW_S + number)


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_ring_goes_round_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    directory = tmp_path / "pengine"
    ring = _cib(**{"pe-input-series-max": "3"})
    _kept(Inputs(directory), ring, 2)
    _kept(Inputs(directory), ring, 2)
    assert _names(directory) == [*(f"pe-input-{at}.bz2" for at in range(3)), "pe-input.last"]
    newest = parse(bytes_of(directory / "pe-input-0.bz2"))
    assert newest.get("execution-date") == str(NOW_S + 1), "the fourth took the place of the first"


def test_no_limit_and_none_at_all(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path)
    _kept(inputs, _cib(**{"pe-input-series-max": "-1"}), 4)
    assert "pe-input-3.bz2" in _names(tmp_path)
    assert inputs.slot(_cib(**{"pe-input-series-max": "0"}), Series.INPUT) is None


def test_nobody_else_reads_what_may_hold_passwords(tmp_path: Path) -> None:
    directory = tmp_path / "pengine"
    _kept(Inputs(directory), _cib(), 1)
    assert stat.S_IMODE((directory / "pe-input-0.bz2").stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) & 0o007 == 0


def _appears(path: Path) -> bool:
    end = time.monotonic() + DEADLINE_S
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return path.exists()


def _decide(process: SchedulerProcess, cib: Element) -> object:
    answer = process.answer(Question(number=1, base=None, cib=cib, now_s=NOW_S))
    process.keep_input()
    return answer


def _chain(length: int) -> Element:
    resources = "".join(
        f'<primitive id="r{at}" class="ocf" provider="x" type="y"/>' for at in range(length)
    )
    orders = "".join(
        f'<rsc_order id="o{at}" first="r{at + 1}" then="r{at}"/>' for at in range(length - 1)
    )
    return parse(
        f"""<cib have-quorum="1"><configuration><crm_config/><nodes><node id="a" uname="a"/></nodes>
        <resources>{resources}</resources><constraints>{orders}</constraints></configuration>
        <status><node_state id="a" uname="a" in_ccm="1" crmd="1" join="member" expected="member"/>
        </status></cib>"""
    )


def test_the_scheduler_keeps_each_kind_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """features 1.8, 16.42, 35.20: an ordinary decision, one with fencing, and a failure.

    Each says where its input is kept; the first one is replayed by the clock of then.
    """
    process = SchedulerProcess(Inputs(tmp_path))
    decided = _decide(process, _cib())
    assert isinstance(decided, Decision)
    assert decided.input == "pe-input-0.bz2"
    ordinary = tmp_path / "pe-input-0.bz2"
    assert _appears(ordinary)
    nodes = parse('<nodes><node id="a" uname="a"/></nodes>')
    configuration, _ = _cib(**{"fencing-enabled": "true"}).children
    device = parse('<resources><primitive id="f" class="stonith" type="x"/></resources>')
    asked = "<transient_attributes id='a'><instance_attributes id='t'><nvpair id='t1'"
    state = parse(
        '<status><node_state id="a" uname="a" in_ccm="1" crmd="1" join="member" expected="member">'
        f"{asked} name='terminate' value='true'/></instance_attributes></transient_attributes>"
        "</node_state></status>"
    )
    swapped = {"nodes": nodes, "resources": device}
    parts = tuple(swapped.get(part.tag, part) for part in configuration.children)
    fencing = _cib().with_children((configuration.with_children(parts), state))
    decided = _decide(process, fencing)
    assert isinstance(decided, Decision)
    assert decided.input == "pe-warn-0.bz2"
    assert _appears(tmp_path / "pe-warn-0.bz2")
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(260)  # orders are followed recursively
    try:
        answer = process.answer(Question(number=1, base=None, cib=_chain(400), now_s=NOW_S))
    finally:
        sys.setrecursionlimit(before)
    assert isinstance(answer, Failure)
    assert answer.input == "pe-error-0.bz2"
    process.keep_input()
    assert _appears(tmp_path / "pe-error-0.bz2")
    assert main(["-x", str(ordinary), "-R"]) == os.EX_OK
    assert "execution date of: 2023-11-14" in capsys.readouterr().out


def test_the_process_keeps_inputs_where_its_daemon_says(tmp_path: Path) -> None:
    """features 16.42"""

    async def ask() -> object:
        worker = Worker("crmd.scheduler_worker", str(tmp_path / "pengine"))
        try:
            answer = await worker.call(Question(number=1, base=None, cib=_cib(), now_s=NOW_S))
            assert await asyncio.to_thread(_appears, tmp_path / "pengine" / "pe-input-0.bz2")
            return answer
        finally:
            await worker.close()

    decided = asyncio.run(ask())
    assert isinstance(decided, Decision)
    assert decided.input == "pe-input-0.bz2"


def test_a_file_that_is_not_whole_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pe-input-1.bz2"
    path.write_bytes(b"BZh9 not really")
    with pytest.raises(OSError, match="bzip2"):
        bytes_of(path)


def test_a_file_that_was_cut_off_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    _kept(Inputs(tmp_path), _cib(), 1)
    path = tmp_path / "pe-input-0.bz2"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(OSError, match="cut off"):
        bytes_of(path)
