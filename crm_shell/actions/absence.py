"""What an action raises that is about something which is not there."""

from __future__ import annotations


class NotThere(LookupError):
    """There is no such thing; the message says what is like it."""
