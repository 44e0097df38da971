"""Why a change of the document was refused: an exit code and what to tell."""

from __future__ import annotations

from msgspec import Struct

from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.reports import Report


class Refusal(Struct, frozen=True):
    """Nothing was changed. `reports` says all that is wrong."""

    code: ExitCode
    reports: tuple[Report, ...]


def refused(code: ExitCode, name: str, where: str, what: str, mend: str = "") -> Refusal:
    """Refuse with one report; `name` is its stable code."""
    return Refusal(code, (Report(code=name, where=where, what=what, mend=mend),))
