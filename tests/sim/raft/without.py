"""Run one test with one guard of the engine off: ``python -m tests.sim.raft.without GUARD TEST``.

Exit code 1 says that the test found it out.
"""

from __future__ import annotations

import sys

import pytest
from msgspec.structs import replace

from tests.sim.raft.plan import Guards
from tests.sim.raft.planted import planted


def main() -> int:
    """Switch the guard off and run the test."""
    guard, test = sys.argv[1:]
    with planted(replace(Guards(), **{guard: False})):
        return int(pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", test]))


if __name__ == "__main__":
    sys.exit(main())
