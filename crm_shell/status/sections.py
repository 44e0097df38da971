"""Which parts of a status are shown, by crm_mon and ``crm status`` (27.2, 27.4, 30.1)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

FENCING = ("fencing-failed", "fencing-pending", "fencing-succeeded")
SUMMARY = ("stack", "dc", "times", "counts", "maint-mode")
GROUPS = {"summary": SUMMARY, "fencing": FENCING}
"""Names that stand for several sections."""
SECTIONS = (*SUMMARY, "options", "nodes", "resources", "attributes", "failcounts", "operations",
            "bans", "failures", *FENCING, "tickets")  # fmt: skip
NAMES = tuple(sorted((*SECTIONS, *GROUPS, "all", "default", "none")))
DEFAULT = frozenset((*SUMMARY, "nodes", "resources", "failures", *FENCING[:2]))
EVERYTHING = frozenset(SECTIONS)
"""What XML and HTML show unless they are told otherwise."""
FENCE_HISTORY = {"0": (), "1": FENCING[:2], "2": FENCING, "3": FENCING}
"""What each level of --fence-history shows."""


class UnknownSection(ValueError):
    """A name that is no section."""


class Choice(Struct, frozen=True):
    """The sections that are shown, and the prefix that the ids of shown bans have."""

    sections: frozenset[str]
    bans_prefix: str = ""


def chosen(
    default: frozenset[str], steps: Iterable[tuple[str, bool]], start: frozenset[str] | None = None
) -> Choice:
    """Return what `steps` make of a selection, from left to right.

    Each step is a list with commas and whether it adds. `default` is what the name "default" means,
    `start` where it begins if that is something else. Raises `UnknownSection`.
    """
    choice = Choice(default if start is None else start)
    for names, adding in steps:
        for name in filter(None, names.split(",")):
            choice = _step(choice, name.strip(), default, adding=adding)
    return choice


def _step(choice: Choice, name: str, default: frozenset[str], *, adding: bool) -> Choice:
    base, _, prefix = name.partition(":")
    whole = {"all": EVERYTHING, "none": frozenset[str](), "default": default}
    if base in whole:
        opposite = {"all": "none", "none": "all", "default": "none"}
        return Choice(whole[base if adding else opposite[base]], choice.bans_prefix)
    named = frozenset(GROUPS.get(base, (base,)))
    if not named <= EVERYTHING or (prefix and base != "bans"):
        raise UnknownSection(f"unknown section {name!r}; there are: {', '.join(NAMES)}")
    sections = choice.sections | named if adding else choice.sections - named
    return Choice(sections, prefix or choice.bans_prefix)
