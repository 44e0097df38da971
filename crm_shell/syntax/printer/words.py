"""How single values are written so that the lexer reads the same back."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[\w.-]+")
_BACKSLASH = re.compile(r'\\(?=["\\]|$)')


def quoted(value: str) -> str:
    """Return `value`, in double quotes unless it is a plain word."""
    if _PLAIN.fullmatch(value):
        return value
    return '"' + _BACKSLASH.sub(r"\\\\", value).replace('"', '\\"') + '"'


def pair(name: str, value: str) -> str:
    """Return ``name=value``."""
    return f"{name}={quoted(value)}"


def score(text: str) -> str:
    """Return a score as people write it: ``inf`` for ``INFINITY``."""
    return text.replace("INFINITY", "inf")
