"""A daemon loads what it needs to take part in the cluster, and what is rarely needed later."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATE = ("cryptography", "dbus_fast", "rich", "prompt_toolkit", "multiprocessing")


@pytest.mark.parametrize(
    "module", ["cib_store.main", "lrmd.main", "stonithd.main", "crmd.main", "crmd.scheduler_worker"]
)
def test_a_daemon_does_not_load_at_its_start_what_few_need(module: str) -> None:
    code = (
        f"import {module}, sys; import raftmaker.runtime.keyring;"
        f"print(*sorted({{name.partition('.')[0] for name in sys.modules}} & {set(LATE)}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
