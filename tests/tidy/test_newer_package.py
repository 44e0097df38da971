"""What a node is upgraded to in a test is this package, with changes of its source."""

from __future__ import annotations

import pytest

from tests.hosts.package import NEWER
from tests.tidy.source_tree import ROOT


@pytest.mark.parametrize("module", NEWER)
def test_what_a_newer_version_changes_is_there_once(module: str) -> None:
    """Found here in a second, else after half an hour by each test of the package."""
    text = (ROOT / module).read_text(encoding="utf-8")
    for old, _ in NEWER[module]:
        assert text.count(old) == 1, f"{module} has changed: mend tests/hosts/package.py ({old!r})"
