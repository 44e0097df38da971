"""Ask a person at the terminal."""

from __future__ import annotations


def asked(question: str) -> bool:
    """Return whether the answer is yes; no answer is no."""
    try:
        return input(f"{question} (y/n) ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
