"""A daemon loads what it needs to take part in the cluster, and what is rarely needed later."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATE = {
    "cryptography", "dbus_fast", "grpc_reflection.v1alpha", "multiprocessing", "prompt_toolkit",
    "rich",
}  # fmt: skip


@pytest.mark.parametrize("module", ["cib_store.main", "lrmd.main", "stonithd.main", "crmd.main"])
def test_a_daemon_does_not_load_at_its_start_what_few_need(module: str) -> None:
    assert _loaded(f"{module}, raftmaker.runtime.keyring") & LATE == frozenset()


def test_the_scheduler_s_process_loads_no_event_loop_and_reads_no_settings() -> None:
    loaded = _loaded("crmd.scheduler_worker")
    assert loaded & (LATE | {"asyncio", "grpc", "google", "tomllib"}) == frozenset()


def _loaded(modules: str) -> frozenset[str]:
    """Return the modules that a fresh interpreter has after loading these."""
    code = f"import {modules}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split())
