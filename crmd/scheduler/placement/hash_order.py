"""The order in which Pacemaker shows what it keeps in a table of GLib: by hash, not by name.

``crm_simulate -U`` lists the attributes of a node's capacity so. A small table has 8 places and
finds the first one for a key modulo 7; past 7 keys it doubles, and what is shown here keeps the
order of the configuration.
"""

from __future__ import annotations

from collections.abc import Sequence

_PLACES = 8
_MODULUS = 7
_SPREAD = 11


def hash_order(keys: Sequence[str]) -> list[str]:
    """Return different keys, put in one after the other, in the order of their places."""
    if len(keys) >= _PLACES:
        return list(keys)
    places: dict[int, str] = {}
    for key in keys:
        at, step = _hash(key) * _SPREAD % 2**32 % _MODULUS, 0
        while at in places:
            step += 1
            at = (at + step) % _PLACES
        places[at] = key
    return [places[at] for at in sorted(places)]


def _hash(text: str) -> int:
    """Return the hash of a string: 31 times that of all but the last byte, plus that."""
    value = 0
    for byte in text.encode():
        value = (value * 31 + (byte - 256 if byte > 127 else byte)) % 2**32
    return value
