"""How a node's load is measured (features 16.36, 16.40, 26.8)."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from crmd.fsa.options import percentage
from crmd.throttling import ACTION_LIMIT, StoreTime, action_limit, listener_of, processor_time_s
from raftmaker.runtime.logs import Log
from tests.unit.crmd.fsa.world import World


@pytest.mark.parametrize(
    ("environment", "limit"),
    [({}, 0), ({ACTION_LIMIT: ""}, 0), ({ACTION_LIMIT: "7"}, 7), ({ACTION_LIMIT: " 7 "}, 7)],
)
def test_the_nodes_own_limit(environment: dict[str, str], limit: int) -> None:
    """Features 26.8."""
    assert action_limit(environment, Log("test")) == limit


def test_a_limit_that_is_no_number_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert action_limit({ACTION_LIMIT: "many"}, Log("test")) == 0
    assert "many" in caplog.text


@pytest.mark.parametrize(
    ("text", "part"), [("50%", 0.5), ("150", 1.5), ("0", 0.0), ("12.5%", 0.125), ("x", 0.8)]
)
def test_the_threshold(text: str, part: float) -> None:
    """Features 2.30, 1.3."""
    assert percentage(World(("load-threshold", text)).store.cib, "load-threshold") == part


def test_the_threshold_is_80_percent_unless_configured() -> None:
    """Features 2.30."""
    assert percentage(World().store.cib, "load-threshold") == 0.8


def test_the_process_behind_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert listener_of(path) == 0
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert listener_of(path) == os.getpid()
    assert listener_of(path) == 0


def test_the_share_of_a_processor_that_the_store_takes(tmp_path: Path) -> None:
    """Features 16.40: nothing to compare at first; this very process stands for the store."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen(5)
        store = StoreTime(tmp_path / "s")
        assert store.share() is None
        begun = time.process_time()
        while time.process_time() - begun < 0.1:
            sum(range(1000))
        share = store.share()
        assert share is not None
        assert share > 0


def test_a_process_that_is_gone_has_no_time() -> None:
    assert processor_time_s(2**22 + 1) is None
