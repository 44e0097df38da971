"""A document on its way to another process: a value, or where it is large its text.

A value of ours is pickled in one step, in which its process does nothing else, a tenth of a second
for each MB. Text is written piece by piece, so on a thread, and its pieces are kept with elements.
"""

from __future__ import annotations

from cib_store.document.codec import OWN_BYTES_MAX, parse
from cib_store.document.element import Element

Parcel = Element | str


def unpacked(parcel: Parcel) -> Element:
    """Return the document."""
    return parse(parcel, bytes_max=OWN_BYTES_MAX) if isinstance(parcel, str) else parcel
