"""The trials of several runs, kept in a file: long series are made of short runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.hosts.trials import Loss, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Trials in the order in which they were made, and cold starts in seconds."""

    trials: tuple[Trial, ...] = ()
    cold_starts: tuple[float, ...] = ()

    def then(self, trials: Sequence[Trial], cold_starts: Sequence[float]) -> Series:
        """Return the series with those of one more run."""
        return Series(trials=(*self.trials, *trials), cold_starts=(*self.cold_starts, *cold_starts))

    @classmethod
    def read(cls, path: Path) -> Series:
        """Return what the file has; nothing where there is none. Raises ValueError, KeyError."""
        if not path.exists():
            return cls()
        body = json.loads(path.read_text())
        trials = tuple(Trial(**{**one, "loss": Loss(one["loss"])}) for one in body["trials"])
        return cls(trials=trials, cold_starts=tuple(body["cold_starts"]))

    def write(self, path: Path) -> None:
        """Write the file anew, as a whole."""
        temporary = path.with_name(f"{path.name}.new")
        body = json.dumps(asdict(self), default=lambda loss: loss.value, indent=1)
        temporary.write_text(body + "\n")
        temporary.replace(path)
