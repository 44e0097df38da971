"""What is wrong with a request, as a value: every fault at once, each with what mends it."""

from __future__ import annotations

from msgspec import Struct


class Report(Struct, frozen=True, kw_only=True):
    """One thing wrong. `code` is a stable name that programs compare; the rest is for people.

    A report that is no error is a warning: the request was carried out, somebody should look.
    """

    code: str
    where: str = ""
    what: str
    mend: str = ""
    is_error: bool = True

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f" ({self.mend})" if self.mend else ""
        return f"{place}{self.what}{mend}"
