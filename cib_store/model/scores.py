"""Scores: whole numbers with an infinity that absorbs (features section 1)."""

from __future__ import annotations

from cib_store.model.values import parse_integer

INFINITY = 1_000_000


def add_scores(one: int, other: int) -> int:
    """Add two scores; -INFINITY wins over everything, then INFINITY (features section 1)."""
    if one <= -INFINITY or other <= -INFINITY:
        return -INFINITY
    if one >= INFINITY or other >= INFINITY:
        return INFINITY
    total = one + other
    if total >= INFINITY:
        return INFINITY
    return total if total > -INFINITY else -INFINITY


def parse_score(text: str | None, default: int = 0) -> int:
    """Read a score as the CIB writes it; `default` where it is absent or no score."""
    if text is None:
        return default
    if text in ("INFINITY", "+INFINITY"):
        return INFINITY
    if text == "-INFINITY":
        return -INFINITY
    number = parse_integer(text)
    return default if number is None else max(-INFINITY, min(INFINITY, number))


def score_text(score: int) -> str:
    """Write a score as people read it."""
    if score >= INFINITY:
        return "INFINITY"
    return "-INFINITY" if score <= -INFINITY else str(score)
