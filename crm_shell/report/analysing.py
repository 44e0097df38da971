"""The lines of the gathered logs that one looks for first, in one file (features 27.33)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crm_shell.report.gathering import Part

LINES_MAX = 2_000
"""Of each log; the newest count."""


def analysis(parts: Iterable[Part], pattern: re.Pattern[str]) -> list[Part]:
    """Return ``analysis.txt`` with the lines that match, by log; nothing where none does."""
    told: list[str] = []
    for name, text in parts:
        if "logs/" not in name:
            continue
        lines = [line for line in text.splitlines() if pattern.search(line)]
        if lines:
            told += [f"{name}: {len(lines)} lines", *lines[-LINES_MAX:], ""]
    return [("analysis.txt", "\n".join(told))] if told else []
