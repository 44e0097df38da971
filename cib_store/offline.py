"""A CIB in a file, read and changed by the same rules as the store's (features 4.30, 4.31)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from cib_store.apply.attributes import Attributes, updated, values
from cib_store.document.codec import BadXml, parse, render
from cib_store.document.element import Element
from cib_store.document.held import AttributeValue
from cib_store.document.refusal import Refusal
from cib_store.document.version import version_of
from cib_store.document.xpath import XPathTree
from cib_store.model.upgrade import upgraded
from cib_store.proposing.resolve import resolve
from cib_store.queries import found
from cib_store.schema import Checks
from raftmaker.runtime.errors import Rejected
from raftmaker.runtime.saved_files import bytes_of
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import AttributeChange, CibOperation, Origin
from raftmaker.vocabulary.outcomes import CibVersion, Outcome
from raftmaker.vocabulary.reports import Report


class CibFile:
    """One file; each change reads it, is checked, and replaces it as a whole."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is read yet."""
        self.path = path

    def read(self) -> Element:
        """Return the CIB in the newest schema. Raises `Rejected` where the file holds none."""
        return upgraded(self.as_it_is()).cib

    def as_it_is(self) -> Element:
        """Return the CIB in the schema that it is in. Raises `Rejected`."""
        try:
            cib = parse(bytes_of(self.path))
        except OSError as error:
            raise self._rejected(ExitCode.NOINPUT, error.strerror or str(error)) from None
        except BadXml as error:
            raise self._rejected(ExitCode.DATAERR, str(error)) from None
        if cib.tag != "cib":
            raise self._rejected(ExitCode.DATAERR, f"holds a <{cib.tag}> and no <cib>")
        if cib.child("status") is None:
            cib = cib.with_children((*cib.children, Element("status")))
        return cib

    def _rejected(self, code: ExitCode, what: str) -> Rejected:
        report = Report(
            code="bad-cib-file", where=str(self.path), what=what,
            mend="name a file with a CIB, such as 'cibadmin --query' prints",
        )  # fmt: skip
        return Rejected(code, (report,))

    def query(
        self, *, scope: str = "", xpath: str = "", no_children: bool = False
    ) -> tuple[Element, ...]:
        """Return what is asked for, in the schema that the file is in. Raises `Rejected`."""
        tree = XPathTree(self.as_it_is())
        return found(tree, scope=scope, xpath=xpath, no_children=no_children)

    def change(
        self,
        operations: Iterable[CibOperation],
        *,
        origin: Origin,
        base: CibVersion | None = None,
        rehearse: bool = False,
    ) -> Outcome:
        """Change the file; a refusal comes as an outcome. Raises `Rejected` for a bad file."""
        cib = self.read()
        if base is not None and replace(base, num_updates=0) != replace(
            version_of(cib), num_updates=0
        ):
            what = f"the file's version is {version_of(cib)}, and no longer {base}"
            raise self._rejected(ExitCode.OLD, what)
        resolved = resolve(XPathTree(cib), operations, origin, Checks())
        if isinstance(resolved, Refusal):
            return Outcome(code=resolved.code, reports=resolved.reports, version=version_of(cib))
        if not rehearse:
            self.write(resolved.cib)
        return Outcome(
            code=ExitCode.OK, reports=resolved.warnings, version=version_of(resolved.cib)
        )

    def attributes(self, *, name: str = "", node: str = "") -> tuple[AttributeValue, ...]:
        """Return transient attributes by name and node. Raises `Rejected`."""
        return tuple(
            value
            for value in values(Attributes(self.read(), {}))
            if name in ("", value.name) and node in ("", value.node)
        )

    def update_attributes(self, changes: Iterable[AttributeChange]) -> Outcome:
        """Change transient attributes at once, all or none; a file holds back nothing.

        A refusal comes as an outcome. Raises `Rejected` for a bad file and for private ones, which
        are in no CIB.
        """
        cib, asked = self.read(), tuple(changes)
        if any(change.private or not change.node for change in asked):
            raise self._rejected(
                ExitCode.UNIMPLEMENT_FEATURE, "private attributes and delays are in no CIB"
            )
        at_once = tuple(replace(one, delay_ms=None, new_delay=False) for one in asked)
        new = updated(Attributes(cib, {}), at_once, 0)
        if isinstance(new, Refusal):
            return Outcome(code=new.code, reports=new.reports, version=version_of(cib))
        if new.cib is not cib:
            self.write(new.cib)
        return Outcome(code=ExitCode.OK, version=version_of(new.cib))

    def write(self, cib: Element) -> None:
        """Replace the file's content at once. Raises `Rejected` where that is not possible."""
        new = self.path.with_name(self.path.name + ".new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(render(cib))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            raise self._rejected(ExitCode.CANTCREAT, error.strerror or str(error)) from None
