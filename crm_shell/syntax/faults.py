"""A mistake in configuration text: where, what, what is allowed, and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from msgspec import Struct


class Fault(Struct, frozen=True, kw_only=True):
    """One mistake. `line` and `column` count from 1."""

    line: int
    column: int
    what: str
    allowed: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        text = f"line {self.line}, column {self.column}: {self.what}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.suggestion:
            text += f"; did you mean {self.suggestion!r}?"
        return text


class Mistake(Exception):
    """Carries a fault from deep in a statement to `parse`, which collects it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like `word`, whatever their case; empty when none is alike."""
    by_lowered = {each.lower(): each for each in sorted(known, reverse=True)}
    matches = get_close_matches(word.lower(), sorted(by_lowered), n=1, cutoff=0.6)
    return by_lowered[matches[0]] if matches else ""
