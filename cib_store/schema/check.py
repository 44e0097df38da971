"""The whole check: everything that a change makes wrong, and what somebody should look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cib_store.document.element import Element
from cib_store.document.ids import duplicate_ids
from cib_store.document.pairing import Unpaired, differing
from cib_store.schema.operations import operation_warnings
from cib_store.schema.options import OPTIONS
from cib_store.schema.references import node_warnings, reference_faults
from cib_store.schema.structure import faults_below, new_faults, structure_faults
from cib_store.schema.vocabulary import SHAPES
from raftmaker.vocabulary.reports import Report

_KEPT = 4


class Checks:
    """The faults of the newest configurations, so that each is looked through once."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._found: dict[bytes, tuple[Report, ...]] = {}

    def of(self, cib: Element) -> tuple[Report, ...]:
        """Return every fault of the configuration."""
        configuration = cib.child("configuration")
        if configuration is None:
            return ()
        found = self._found.get(configuration.digest)
        if found is None:
            found = tuple(_faults(cib))
            self._found = dict([*self._found.items(), (configuration.digest, found)][-_KEPT:])
        return found

    def new(self, cib: Element, before: Element) -> tuple[Report, ...]:
        """Return every fault that `before` does not have already.

        So a configuration that came with faults can be mended one by one (features 4.20).
        """
        try:
            return _new_in_objects(before, cib)
        except Unpaired:
            known = set(self.of(before))
            return tuple(fault for fault in self.of(cib) if fault not in known)


def faults(cib: Element, *, before: Element | None = None) -> tuple[Report, ...]:
    """Return every fault of the configuration, or those that `before` does not have already."""
    checks = Checks()
    return checks.of(cib) if before is None else checks.new(cib, before)


def warnings(cib: Element, *, before: Element | None = None) -> tuple[Report, ...]:
    """Return what is allowed and looks like a mistake, and is new since `before`."""
    if before is None:
        return (*_warnings(cib), *operation_warnings(_resources(cib).children))
    told = [] if _looks_the_same(before, cib) else _without(_warnings(before), _warnings(cib))
    gone, come = _exchanged(_resources(before), _resources(cib))
    found = tuple(operation_warnings(come))
    if not found:
        return tuple(told)
    return (*told, *_without(operation_warnings(gone), found))


def _exchanged(old: Element, new: Element) -> tuple[list[Element], list[Element]]:
    """Return the children of each that the other has not."""
    if len(old.children) == len(new.children):
        pairs = list(new.exchanged(old))
        return [gone for gone, _ in pairs], [come for _, come in pairs]
    held, holds = ({id(one) for one in section.children} for section in (old, new))
    gone = [one for one in old.children if id(one) not in holds]
    return gone, [one for one in new.children if id(one) not in held]


def _without(known: Iterable[Report], found: Iterable[Report]) -> list[Report]:
    before = set(known)
    return [report for report in found if report not in before]


def _resources(cib: Element) -> Element:
    configuration = cib.child("configuration")
    section = configuration.child("resources") if configuration is not None else None
    return Element("resources") if section is None else section


def _faults(cib: Element) -> Iterator[Report]:
    configuration = cib.child("configuration")
    if configuration is None:
        return
    yield from structure_faults(configuration)
    yield from duplicate_ids(configuration)
    yield from reference_faults(configuration)


def _new_in_objects(before: Element, cib: Element) -> tuple[Report, ...]:
    """Return the new faults, looking at the changed objects alone.

    Raises `Unpaired` where others may be at fault too, or the change is no list of objects.
    """
    old, new = before.child("configuration"), cib.child("configuration")
    if old is None or new is None or old.attributes != new.attributes or new.names.is_repeated:
        raise Unpaired
    faults: list[Report] = []
    for section in differing(old, new, "/cib/configuration"):
        if section.old is None or section.new is None:
            raise Unpaired
        if section.old.attributes != section.new.attributes:
            raise Unpaired
        for pair in differing(section.old, section.new, section.path):
            gone = pair.old.names.defined if pair.old else frozenset()
            here = pair.new.names.defined if pair.new else frozenset()
            if (gone - here) & new.names.referred:
                raise Unpaired
            if pair.new is not None:
                if pair.new.tag not in SHAPES[section.new.tag].children:
                    raise Unpaired
                faults += _new_in_object((old, new), pair.old, pair.new, pair.path)
    return tuple(faults)


def _new_in_object(
    configurations: tuple[Element, Element], old: Element | None, new: Element, path: str
) -> Iterator[Report]:
    """Yield the new faults of one object; the configurations are the old and the new one."""
    if new.tag in SHAPES:
        yield from faults_below(new, path) if old is None else new_faults(old, new, path)
    known = set(_references_in(configurations[0], old)) if old is not None else set()
    yield from (each for each in _references_in(configurations[1], new) if each not in known)


def _references_in(configuration: Element, one: Element) -> Iterator[Report]:
    if one.names.referred or one.tag.startswith("rsc_"):
        yield from reference_faults(configuration, one)


def _looks_the_same(before: Element, cib: Element) -> bool:
    """Tell whether nothing differs that a warning could be about."""
    old, new = before.child("configuration"), cib.child("configuration")
    if old is None or new is None:
        return False
    return all(old.child(tag) is new.child(tag) for tag in ("constraints", "nodes", "crm_config"))


def _warnings(cib: Element) -> Iterator[Report]:
    configuration = cib.child("configuration")
    if configuration is None:
        return
    yield from node_warnings(configuration)
    options = configuration.child("crm_config")
    for one in options.each("cluster_property_set") if options is not None else ():
        for pair in one.each("nvpair"):
            name = pair.get("name")
            if name and name not in OPTIONS:
                yield Report(
                    code="unknown-option",
                    where=f"//nvpair[@id='{pair.id}']",
                    what=f"no cluster option is called {name!r}; it is kept",
                    mend="check the name, if no agent stores it",
                    is_error=False,
                )
