"""The version of a CIB, read from and written to the attributes of its root (features 3.3)."""

from __future__ import annotations

from functools import lru_cache

from cib_store.document.element import Element
from raftmaker.vocabulary.outcomes import CibVersion

NAMES = ("admin_epoch", "epoch", "num_updates")


def _number(text: str) -> int:
    # Bounded, so that no text makes the numbers grow without limit.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def version_of(element: Element) -> CibVersion:
    """Read the version from the root (or a patchset's source or target); what is no number is 0."""
    return _version(*map(element.attributes.get, NAMES))


@lru_cache(maxsize=256)
def _version(*texts: str | None) -> CibVersion:
    """Read three numbers; a change asks several times for the same few versions."""
    return CibVersion(*(_number(text or "") for text in texts))


def version_attributes(version: CibVersion) -> dict[str, str]:
    """Return the version as attributes of the root."""
    values = (version.admin_epoch, version.epoch, version.num_updates)
    return {name: str(value) for name, value in zip(NAMES, values, strict=True)}


def with_version(cib: Element, version: CibVersion) -> Element:
    """Return the CIB with this version."""
    return cib.with_attributes(version_attributes(version))
