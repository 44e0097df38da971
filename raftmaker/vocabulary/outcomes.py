"""How a command of the store ended, and the version of the CIB afterwards."""

from __future__ import annotations

from msgspec import Struct

from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.reports import Report


class CibVersion(Struct, frozen=True, order=True):
    """``admin_epoch.epoch.num_updates``, compared in that order (features 3.3)."""

    admin_epoch: int = 0
    epoch: int = 0
    num_updates: int = 0

    def __str__(self) -> str:
        return f"{self.admin_epoch}.{self.epoch}.{self.num_updates}"


class Outcome(Struct, frozen=True, kw_only=True):
    """How a command ended. The same request asked again gets the same outcome.

    `index` is the log position of the command that was executed.
    """

    code: ExitCode
    reports: tuple[Report, ...] = ()
    version: CibVersion = CibVersion()
    index: int = 0

    @property
    def succeeded(self) -> bool:
        """The command was carried out (perhaps with warnings)."""
        return self.code is ExitCode.OK

    def has(self, report_code: str) -> bool:
        """Tell whether one of the reports has this code."""
        return any(report.code == report_code for report in self.reports)
