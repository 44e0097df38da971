"""An outage is told once, and its end."""

from __future__ import annotations

import logging

import pytest

from raftmaker.runtime.errors import Refused, Unreachable
from raftmaker.runtime.logs import Log
from raftmaker.runtime.outage import Outage


def test_an_outage_and_its_end_are_one_line_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store = Outage(Log("raftmaker-stonithd"), works="is back", fails="is away")

    def told() -> list[tuple[str, str]]:
        lines = [(record.levelname, record.getMessage()) for record in caplog.records]
        caplog.clear()
        return lines

    for _ in range(5):
        store.on(Unreachable("starts"))
    assert told() == [("INFO", "is away reason=starts")], "nobody missed it yet"
    store.over(store="n1")
    store.over(store="n1")
    assert told() == [("INFO", "is back store=n1")]
    for number in range(5):
        store.on(Unreachable("ended"), store=f"n{number}")
    assert told() == [("WARNING", "is away store=n0 reason=ended")]
    store.on(Refused("another-cluster"), store="n1")
    assert told() == [("WARNING", "is away store=n1 reason=another-cluster")]
    store.over(store="n2")
    assert told() == [("INFO", "is back store=n2")]
    store.over(store="n2")
    assert told() == []
