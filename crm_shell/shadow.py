"""Shadow CIBs: private copies to edit, test and commit (features 4.31).

One is a file; with ``CIB_shadow`` set to its name the tools work on it instead of the cluster.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from cib_store.document.element import Element
from cib_store.document.patchset import difference
from cib_store.document.version import version_of, with_version
from cib_store.offline import CibFile
from crm_shell.xml_text import xml_lines
from raftmaker.client.offline import shadow_directory
from raftmaker.runtime.errors import Rejected, Report
from raftmaker.runtime.settings import DEFAULT_FILE
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import CibOperation, OperationKind

IN_USE = "CIB_shadow"
"""The environment's variable that names the shadow in use, in Pacemaker's spelling."""
_NAME = re.compile(r"[\w][\w.-]*")


class Shadows(Struct, frozen=True):
    """All shadow CIBs of one user."""

    directory: Path

    @classmethod
    def of(cls, environment: Mapping[str, str], config: Path | None) -> Shadows:
        """Return those that this environment means."""
        path = config or Path(environment.get("RAFTMAKER_CONFIG") or DEFAULT_FILE)
        return cls(shadow_directory(environment, path))

    def file(self, name: str) -> CibFile:
        """Return the file of a shadow. Raises `Rejected` for a name that cannot be one."""
        if not _NAME.fullmatch(name):
            raise _fault(ExitCode.USAGE, name, "is no name", "letters, digits, . _ -")
        return CibFile(self.directory / f"shadow.{name}")

    def names(self) -> tuple[str, ...]:
        """Return the names of those that exist, sorted."""
        found = self.directory.glob("shadow.*") if self.directory.exists() else ()
        names = (path.name.removeprefix("shadow.") for path in found)
        return tuple(sorted(name for name in names if not name.endswith(".new")))

    def create(self, name: str, cib: Element, *, force: bool) -> None:
        """Write a new shadow. Raises `Rejected` where it exists and `force` is not given."""
        file = self.file(name)
        if file.path.exists() and not force:
            raise _fault(ExitCode.CANTCREAT, name, "exists already", "use --force to replace it")
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _fault(
                ExitCode.CANTCREAT, str(self.directory), error.strerror or "", "set CIB_shadow_dir"
            ) from None
        file.write(cib)

    def existing(self, name: str) -> CibFile:
        """Return the file of a shadow that is there. Raises `Rejected`."""
        file = self.file(name)
        if not file.path.exists():
            known = ", ".join(self.names()) or "there is none"
            raise _fault(ExitCode.NOSUCH, name, "is no shadow CIB", f"known: {known}")
        return file

    def delete(self, name: str) -> None:
        """Remove a shadow. Raises `Rejected` where there is none."""
        try:
            self.existing(name).path.unlink()
        except OSError as error:
            raise _fault(ExitCode.IOERR, name, error.strerror or "", "check its owner") from None


def _fault(code: ExitCode, where: str, what: str, mend: str) -> Rejected:
    return Rejected(code, (Report(code="bad-shadow", where=where, what=what, mend=mend),))


def committed(shadow: Element) -> CibOperation:
    """Return the operation that makes the cluster's configuration the shadow's."""
    configuration = shadow.child("configuration") or Element("configuration")
    xml = "\n".join(xml_lines(configuration))
    return CibOperation(kind=OperationKind.REPLACE, scope="configuration", xml=xml)


def changes(live: Element, shadow: Element) -> Element | None:
    """Return the patchset from the cluster's configuration to the shadow's; None: they are equal.

    The status is the cluster's own and is not compared.
    """
    old, new = (
        each.with_children(tuple(child for child in each.children if child.tag != "status"))
        for each in (live, shadow)
    )
    if old.children == new.children:
        return None
    stamped = Element(new.tag, old.attributes, new.children)
    return difference(old, with_version(stamped, version_of(new)))


def current() -> str:
    """Return the name of the shadow that this environment is in; empty: none."""
    return os.environ.get(IN_USE, "")
