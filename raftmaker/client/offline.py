"""A CIB in a file in place of a cluster: ``CIB_file``, ``CIB_shadow`` (features 4.30, 4.31).

What needs a daemon fails and says why; reading and changing the CIB works as ever.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cib_store.client import AttributeValue, StoreClient
from cib_store.document.version import version_of
from cib_store.offline import CibFile
from raftmaker.client.cluster import ANSWER_MS, Cluster
from raftmaker.client.values import Cib, Reading
from raftmaker.runtime.errors import Rejected, Unreachable
from raftmaker.runtime.settings import DEFAULT_FILE, Settings, decode_file
from raftmaker.vocabulary.commands import AttributeChange, CibOperation
from raftmaker.vocabulary.ids import ClusterId, NodeName
from raftmaker.vocabulary.membership import Facts
from raftmaker.vocabulary.outcomes import CibVersion, Outcome

_STATE_DIR = Path("/var/lib/raftmaker")


def offline_file(environment: Mapping[str, str], config: Path | None) -> Path | None:
    """Return the file that stands for the cluster; None: the cluster itself is meant.

    A shadow goes before a file.
    """
    name = environment.get("CIB_shadow")
    if name:
        path = config or Path(environment.get("RAFTMAKER_CONFIG") or DEFAULT_FILE)
        return shadow_file(name, environment, path)
    return Path(environment["CIB_file"]) if environment.get("CIB_file") else None


def shadow_file(name: str, environment: Mapping[str, str], config: Path) -> Path:
    """Return where the shadow CIB `name` is kept."""
    return shadow_directory(environment, config) / f"shadow.{name}"


def shadow_directory(environment: Mapping[str, str], config: Path) -> Path:
    """Return the folder of shadow CIBs: the one named, root's beside the store, or one's own."""
    named = environment.get("CIB_shadow_dir")
    if named:
        return Path(named)
    if os.geteuid() == 0:
        try:
            return decode_file(config).state_dir / "shadow"
        except Rejected:
            return _STATE_DIR / "shadow"
    return Path.home() / ".cib"


class OfflineCluster(Cluster):
    """Reads and changes a file; knows no daemon."""

    is_file = True

    def __init__(self, path: Path, config: Path, *, program: str) -> None:
        """`config`: the node's file, where there is one."""
        super().__init__(_settings(config), program=program)
        self.file = CibFile(path)

    def _socket(self, daemon: str) -> Path:
        raise Unreachable(
            f"{self.file.path} stands for the cluster (CIB_file or CIB_shadow is set):"
            f" there is no raftmaker-{daemon} to ask"
        )

    @property
    def store(self) -> StoreClient:
        """There is none. Raises `Unreachable`."""
        raise Unreachable(str(self._socket("cib")))

    async def query(
        self,
        *,
        scope: str = "",
        xpath: str = "",
        no_children: bool = False,
        local: bool = False,
        user: str = "",
        timeout_ms: int = ANSWER_MS,
    ) -> Reading:
        """Read the file, a section of it or what an XPath matches."""
        elements = self.file.query(scope=scope, xpath=xpath, no_children=no_children)
        return Reading(elements=elements, version=version_of(self.file.read()), index=0)

    async def cib(self, *, local: bool = False) -> Cib:
        """Read the whole file; there are no facts."""
        document = self.file.read()
        return Cib(document=document, version=version_of(document), index=0, facts=Facts())

    async def change(
        self,
        operations: Sequence[CibOperation],
        *,
        message: str = "",
        base: CibVersion | None = None,
        rehearse: bool = False,
        user: str = "",
    ) -> Outcome:
        """Change the file, all operations or none. Raises `Rejected` with all that is wrong."""
        outcome = self.file.change(
            operations, origin=self.origin(message), base=base, rehearse=rehearse
        )
        if not outcome.succeeded:
            raise Rejected(outcome.code, outcome.reports)
        return outcome

    async def attributes(
        self, *, name: str = "", node: str = "", local: bool = False
    ) -> tuple[AttributeValue, ...]:
        """Read transient attributes in the file."""
        return self.file.attributes(name=name, node=node)

    async def update_attributes(self, changes: Sequence[AttributeChange]) -> Outcome:
        """Change transient attributes in the file, all or none. Raises `Rejected`."""
        outcome = self.file.update_attributes(changes)
        if not outcome.succeeded:
            raise Rejected(outcome.code, outcome.reports)
        return outcome

    async def settle(self, index: int, *, everywhere: bool = False) -> tuple[str, ...]:
        """Wait for nothing: there is one file."""
        return ()


def _settings(config: Path) -> Settings:
    try:
        return decode_file(config)
    except Rejected:  # a file can be worked on where no cluster is
        name = NodeName(os.uname().nodename)
        return Settings(cluster=ClusterId(""), cluster_name="", node=name, peers=())
