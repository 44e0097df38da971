"""Making a parcel of a document (`crmd.parcels`), without keeping others waiting.

Apart from what the other process needs of parcels: loading asyncio would be a fifth of its start.
"""

from __future__ import annotations

import asyncio

from cib_store.document.codec import render
from cib_store.document.element import Element
from cib_store.document.extent import is_large
from crmd.parcels import Parcel


async def packed(document: Element) -> Parcel:
    """Return what to pickle of a document; others are served meanwhile."""
    if not is_large(document):
        return document
    return await asyncio.to_thread(render, document, indent=0)
