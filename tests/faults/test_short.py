"""The short form of the campaign: one round for every fault."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.campaign import campaign, is_clean
from tests.faults.cluster import missing
from tests.faults.nemesis import FAULTS


@pytest.mark.e2e
@pytest.mark.skipif(bool(missing()), reason=missing())
def test_nothing_acknowledged_is_lost_and_nothing_is_done_twice(tmp_path: Path) -> None:
    result = asyncio.run(campaign(tmp_path, rounds=len(FAULTS), seconds=2.0, seed=1))
    assert is_clean(result), result
    assert int(str(result["operations"])) > 50, result
