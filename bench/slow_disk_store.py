"""raftmaker-cib on a disk whose every sync takes `SYNC_S` longer: what a slow disk does to it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from cib_store.main import main

SYNC_S = 0.2


def _slowed(sync: Callable[[Any], None]) -> Callable[[Any], None]:
    def slow(handle: Any) -> None:
        time.sleep(SYNC_S)
        sync(handle)

    return slow


if __name__ == "__main__":
    for name in ("fsync", "fdatasync"):
        setattr(os, name, _slowed(getattr(os, name)))
    sys.exit(main())
