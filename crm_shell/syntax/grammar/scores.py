"""Scores as people write them: ``inf:``, ``-100:``, ``mandatory:``, or a node attribute's name."""

from __future__ import annotations

import re

from crm_shell.syntax.cursor import Cursor

_NUMBER = re.compile(r"[+-]?\d+")
_INFINITY = re.compile(r"([+-]?)inf(inity)?", re.IGNORECASE)
_WORDS = {"advisory": "0", "mandatory": "INFINITY"}
_ATTRIBUTE = re.compile(r"[A-Za-z_#][\w.#-]*")
KINDS = ("Mandatory", "Optional", "Serialize")


def plain_score(text: str) -> str:
    """Return the score that `text` means, as the CIB writes it; empty when it is none."""
    if found := _INFINITY.fullmatch(text):
        return f"{found[1]}INFINITY"
    if _NUMBER.fullmatch(text):
        return text
    return _WORDS.get(text.lower(), "")


def score_attributes(cursor: Cursor, text: str) -> dict[str, str]:
    """Return ``score``, or ``score-attribute`` for a name. Raises `Mistake` for anything else."""
    if score := plain_score(text):
        return {"score": score}
    if not _ATTRIBUTE.fullmatch(text):
        cursor.fail(
            f"{text!r} is no score",
            allowed="a whole number, inf, -inf, mandatory, advisory or a node attribute's name",
            token=cursor.previous,
        )
    return {"score-attribute": text}


def score_only(cursor: Cursor, text: str) -> dict[str, str]:
    """Return ``score``. Raises `Mistake` for anything that is none."""
    score = plain_score(text)
    if not score:
        cursor.fail(
            f"{text!r} is no score",
            allowed="a whole number, inf, -inf, mandatory or advisory",
            token=cursor.previous,
        )
    return {"score": score}


def order_kind(cursor: Cursor, text: str) -> dict[str, str]:
    """Return ``kind`` of an order: its name, or a score of old (0 is Optional) (features 13.6)."""
    for kind in KINDS:
        if kind.lower() == text.lower():
            return {"kind": kind}
    score = plain_score(text)
    if not score:
        cursor.fail(
            f"{text!r} is no kind of order", allowed=", ".join(KINDS), token=cursor.previous
        )
    return {"kind": "Optional" if score in ("0", "+0", "-0") else "Mandatory"}
