"""A short run of every target, by coverage; `tests/fuzz/run --seconds N` is the long form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.campaign import fuzz
from tests.fuzz.corpus import BOMB, OUTSIDE, corpus
from tests.fuzz.targets import TARGETS

SECONDS = 6


@pytest.mark.parametrize("target", TARGETS)
def test_whatever_comes_is_read_or_refused(target: str, tmp_path: Path) -> None:
    """No other error, no hang, no more memory than allowed."""
    outcome = fuzz(target, SECONDS, tmp_path)
    assert not outcome.fault, outcome
    assert outcome.executions > 100
    assert outcome.covered > 5, "nothing was watched while it ran"


def test_a_fault_is_found_and_its_bytes_are_kept(tmp_path: Path) -> None:
    outcome = fuzz("planted", 60, tmp_path / "made")
    assert "IndexError: planted" in outcome.fault
    assert Path(outcome.kept).read_bytes().startswith(b"RAF")


def test_every_target_begins_with_examples() -> None:
    assert corpus().keys() == TARGETS.keys()


@pytest.mark.parametrize("text", [BOMB, OUTSIDE], ids=["bomb", "outside"])
@pytest.mark.parametrize("target", ["document", "patchset", "metadata"])
def test_entities_are_refused(target: str, text: str) -> None:
    TARGETS[target](text.encode())
