"""What is wrong with a request, as a value: every fault at once, each with what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How bad a report is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing wrong. `code` is a stable name that programs compare; the rest is for people."""

    code: str
    severity: Severity = Severity.ERROR
    where: str = ""
    what: str = ""
    mend: str = ""

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        mend = f" ({self.mend})" if self.mend else ""
        return f"{where}{self.what}{mend}"
