"""The daemons' commands: each loads its daemon and runs it.

Whatever is loaded stays for the life of the process. So garbage is not looked for meanwhile (a
twentieth of the time), and the collector never looks at what was loaded again.
"""

from __future__ import annotations

import gc
import importlib
from pathlib import Path
from typing import Any

from raftmaker.runtime.notifying import notify
from raftmaker.runtime.priority import patient

PATIENT_S = 3.0
"""How long the fencer leaves the processors to what has to be there before anything is fenced."""
_FENCER = Path("/run/raftmaker/stonithd.sock")
"""Left by a fencer that ran since this node was started: whoever comes after it must hurry."""


def cib() -> int:
    """Run raftmaker-cib; return its exit code."""
    return _run("cib_store.main")


def lrmd() -> int:
    """Run raftmaker-lrmd; return its exit code."""
    return _run("lrmd.main")


def stonithd() -> int:
    """Run raftmaker-stonithd; return its exit code.

    While a node starts nobody needs a fencer: systemd is told at once that it has started, so that
    the controller, which stops before it, does not wait for it (`crmd.outside.Reach.raise_token`),
    and it loads when the others have.
    """
    if _FENCER.exists():
        return _run("stonithd.main")
    notify("READY=1\nSTATUS=loads")
    with patient(PATIENT_S):
        _load("stonithd.main")
    return _run("stonithd.main")


def crmd() -> int:
    """Run raftmaker-crmd; return its exit code."""
    return _run("crmd.main")


def remoted() -> int:
    """Run raftmaker-remoted; return its exit code."""
    return _run("lrmd.remoted")


def _run(module: str) -> int:
    code: int = _load(module).main()
    return code


def _load(module: str) -> Any:
    gc.disable()
    daemon = importlib.import_module(module)
    gc.freeze()
    gc.enable()
    return daemon
