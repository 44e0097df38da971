"""The daemons' commands: each loads its daemon and runs it.

Whatever is loaded stays for the life of the process. So garbage is not looked for meanwhile (a
twentieth of the time), and the collector never looks at what was loaded again.
"""

from __future__ import annotations

import gc
import importlib


def cib() -> int:
    """Run raftmaker-cib; return its exit code."""
    return _run("cib_store.main")


def lrmd() -> int:
    """Run raftmaker-lrmd; return its exit code."""
    return _run("lrmd.main")


def stonithd() -> int:
    """Run raftmaker-stonithd; return its exit code."""
    return _run("stonithd.main")


def crmd() -> int:
    """Run raftmaker-crmd; return its exit code."""
    return _run("crmd.main")


def _run(module: str) -> int:
    gc.disable()
    daemon = importlib.import_module(module)
    gc.freeze()
    gc.enable()
    code: int = daemon.main()
    return code
