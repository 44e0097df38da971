"""A slow disk and a wrong clock for one process: a library before libc, and its two numbers."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_name("shim.c")
_NUMBERS = struct.Struct("<qq")


def build(directory: Path) -> Path:
    """Compile the library; needs gcc."""
    library = directory / "shim.so"
    flags = ("-shared", "-fPIC", "-O2", "-Wall")
    command = ["gcc", *flags, "-o", str(library), str(_SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


@dataclass(frozen=True, slots=True)
class Shim:
    """The numbers of one process; they may change while it runs."""

    library: Path
    numbers: Path

    def environment(self) -> dict[str, str]:
        """Return what the process must be started with."""
        self.set()
        return {"LD_PRELOAD": str(self.library), "RAFTMAKER_SHIM": str(self.numbers)}

    def set(self, *, sync_ms: int = 0, clock_s: int = 0) -> None:
        """Let each sync take so much longer, and the wall clock be so wrong."""
        if not self.numbers.exists():
            self.numbers.write_bytes(bytes(_NUMBERS.size))
        with self.numbers.open("r+b") as file:  # in place: it is mapped
            file.write(_NUMBERS.pack(sync_ms, clock_s))
