"""Something that is needed and asked for again and again: the log tells once that it went, and once
that it is back, however often it was asked for in between.
"""

from __future__ import annotations

from raftmaker.runtime.errors import HaError
from raftmaker.runtime.logs import Log


class Outage:
    """Whether one thing works, as the log was told."""

    def __init__(self, log: Log, works: str, fails: str) -> None:
        """`works` and `fails` are the two messages.

        Until it worked once, that it fails is no news that anybody waits for: daemons start
        together.
        """
        self._log, self._works, self._fails = log, works, fails
        self._ever_worked = False
        self._told: type[HaError] | None = None

    def over(self, **fields: object) -> None:
        """It works."""
        if self._told is not None:
            self._log.info(self._works, **fields)
        self._ever_worked, self._told = True, None

    def on(self, reason: HaError, **fields: object) -> None:
        """It does not work: told when that is new, and when the reason is of another kind."""
        tell = self._log.warning if self._ever_worked else self._log.info
        if self._told is type(reason):
            tell = self._log.debug
        tell(self._fails, **fields, reason=reason)
        self._told = type(reason)
