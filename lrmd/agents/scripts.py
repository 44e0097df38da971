"""Agents that are executable files: OCF agents and LSB scripts (features 5.1, 5.3)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from lrmd.agents.environment import (
    EXIT_REASON_PREFIX,
    OCF_ROOT,
    agent_environment,
    metadata_environment,
)
from lrmd.agents.execution import (
    Decided,
    Execution,
    ProcessRun,
    failed,
    not_installed,
    output_of,
)
from lrmd.codec import ocf_code
from lrmd.operations.values import Agent, OperationRequest, Outcome, Standard
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.process import Ended, Kept, run
from raftmaker.runtime.secrets import NoSecret, Secrets
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import NodeName

OWN_ROOT = Path(__file__).resolve().parents[1] / "ocf"
"""The agents that Raftmaker ships: provider `raftmaker`."""
INIT_DIR = Path("/etc/init.d")
METADATA_TIMEOUT_MS = 30_000
EXIT_REASON_CHARACTERS_MAX = 1024


def ocf_outcome(ended: Ended) -> Outcome:
    """Tell the outcome of an OCF agent that exited (features 5.30-5.40)."""
    return Outcome(
        code=ocf_code(ended.code or 0),
        exit_reason=exit_reason_of(ended.stderr),
        output=output_of(ended),
    )


def exit_reason_of(stderr: str) -> str:
    """Return the last exit reason that the agent gave on standard error (features 5.26)."""
    _, found, rest = stderr.rpartition(EXIT_REASON_PREFIX)
    reason = rest.partition("\n")[0].strip() if found else ""
    return reason[:EXIT_REASON_CHARACTERS_MAX]


def lsb_outcome(operation: str) -> Callable[[Ended], Outcome]:
    """Return how to read the exit code of an LSB script (LSB 3.1, init scripts; features 5.3)."""
    table = _LSB_STATUS if operation == "monitor" else _LSB_ACTION

    def outcome(ended: Ended) -> Outcome:
        code = table.get(ended.code or 0, OcfCode.ERROR)
        return Outcome(code=code, output=output_of(ended))

    return outcome


_LSB_STATUS: Mapping[int, OcfCode] = {
    0: OcfCode.OK,
    # Dead with a pid file, dead with a lock file, not running.
    1: OcfCode.NOT_RUNNING,
    2: OcfCode.NOT_RUNNING,
    3: OcfCode.NOT_RUNNING,
    150: OcfCode.NOT_INSTALLED,
    151: OcfCode.PERM,
}
_LSB_ACTION: Mapping[int, OcfCode] = {
    code.value: code for code in OcfCode if code <= OcfCode.NOT_RUNNING
}


class Scripts:
    """Finds and runs OCF agents and LSB scripts."""

    def __init__(
        self,
        *,
        ocf_roots: Sequence[Path],
        children: Path,
        inherited: Mapping[str, str],
        node: NodeName,
        secrets: Secrets,
        init_dir: Path = INIT_DIR,
    ) -> None:
        """`children` is where runs keep their files; `inherited` our own environment."""
        self._secrets = secrets
        self._roots = (*ocf_roots, OWN_ROOT, Path(OCF_ROOT))
        self._children = children
        self._inherited = inherited
        self._node = node
        self._init_dir = init_dir

    def path_of(self, agent: Agent) -> Path | None:
        """Return the agent's file, if it is installed."""
        if agent.standard is Standard.OCF:
            names = [root / "resource.d" / agent.provider / agent.type for root in self._roots]
        else:
            names = [self._init_dir / agent.type]
        return next((name for name in names if name.is_file()), None)

    def begin(self, call_id: int, request: OperationRequest) -> Execution:
        """Start a run; a missing agent is an outcome (features 5.34)."""
        path = self.path_of(request.agent)
        if path is None:
            return Decided(not_installed(f"Agent {request.agent} is not installed"))
        if not os.access(path, os.X_OK):
            return Decided(failed(f"{path} is not executable", OcfCode.PERM))
        try:
            request = self._with_secrets(request)
        except NoSecret as error:
            return Decided(
                Outcome(
                    code=OcfCode.NOT_CONFIGURED, status=OpStatus.NO_SECRETS, exit_reason=str(error)
                )
            )
        environment = agent_environment(request, inherited=self._inherited, node=self._node)
        child = self._child(call_id)
        child.forget()
        try:
            child.start([str(path), self._argument(request)], environment)
        except (OSError, ValueError) as error:
            # ValueError: a parameter that no environment can hold.
            return Decided(failed(f"{path} cannot be run: {error}"))
        return ProcessRun(child, self._judge(request))

    def _with_secrets(self, request: OperationRequest) -> OperationRequest:
        """Fill in what the CIB does not hold. Raises `NoSecret`; a stop is tried without them."""
        try:
            filled = self._secrets.filled(request.resource, request.parameters.items())
        except NoSecret:
            if request.operation != "stop":
                raise
            return request
        return replace(request, parameters=dict(filled))

    def adopt(self, call_id: int, request: OperationRequest) -> Execution | None:
        """Find the run's process again; None: it was ordered but never forked."""
        child = self._child(call_id)
        return ProcessRun(child, self._judge(request)) if child.was_begun else None

    def clear(self, call_id: int) -> None:
        """Remove the files of a run that is over."""
        self._child(call_id).forget()

    def clear_strangers(self, known: frozenset[int]) -> tuple[int, ...]:
        """End and remove the runs that nobody knows of any more; return their call ids."""
        strangers = sorted(
            int(entry.name)
            for entry in (self._children.iterdir() if self._children.is_dir() else ())
            if entry.name.isdigit() and int(entry.name) not in known
        )
        for call_id in strangers:
            self._child(call_id).kill()
            self._child(call_id).forget()
        return tuple(strangers)

    async def metadata(self, agent: Agent) -> str:
        """Return the XML that an OCF agent prints. Raises `HaError` when there is none."""
        path = self.path_of(agent)
        if path is None:
            raise HaError(f"{agent} is not installed; `crm ra list` shows what is")
        if agent.standard is not Standard.OCF:
            return _script_metadata(agent)
        ended = await run(
            [str(path), "meta-data"],
            env=metadata_environment(self._inherited, agent, self._node),
            timeout_ms=METADATA_TIMEOUT_MS,
        )
        if ended.timed_out:
            raise HaError(f"{path} meta-data did not end within {METADATA_TIMEOUT_MS // 1000}s")
        if ended.code != 0 or not ended.stdout.strip():
            raise HaError(f"{path} meta-data ended with {ended.code}: {output_of(ended)}")
        return ended.stdout

    def installed(self) -> tuple[Agent, ...]:
        """List the OCF agents and LSB scripts that are installed."""
        found: set[Agent] = set()
        for root in self._roots:
            for path in (root / "resource.d").glob("*/*"):
                if _is_agent(path):
                    found.add(Agent(Standard.OCF, path.parent.name, path.name))
        if self._init_dir.is_dir():
            found |= {
                Agent(Standard.LSB, "", path.name)
                for path in self._init_dir.iterdir()
                if _is_agent(path)
            }
        return tuple(sorted(found, key=str))

    def _child(self, call_id: int) -> Kept:
        return Kept(self._children / str(call_id))

    def _argument(self, request: OperationRequest) -> str:
        # Class service is a script here too (features 5.4).
        if request.agent.standard is not Standard.OCF and request.operation == "monitor":
            return "status"
        return request.operation

    def _judge(self, request: OperationRequest) -> Callable[[Ended], Outcome]:
        if request.agent.standard is Standard.OCF:
            return ocf_outcome
        return lsb_outcome(request.operation)


def _is_agent(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and os.access(path, os.X_OK)


def _script_metadata(agent: Agent) -> str:
    """Return metadata for a script, which has none of its own: the actions every script has."""
    actions = "".join(
        f'<action name="{name}" timeout="{timeout}"{more}/>'
        for name, timeout, more in (
            ("start", "15", ""),
            ("stop", "15", ""),
            ("status", "15", ""),
            ("restart", "15", ""),
            ("force-reload", "15", ""),
            ("monitor", "15", ' interval="15"'),
            ("meta-data", "5", ""),
        )
    )
    return (
        f'<?xml version="1.0"?>\n<resource-agent name="{agent.type}" version="1.0">'
        f'<version>1.0</version><longdesc lang="en">{agent}</longdesc>'
        f'<shortdesc lang="en">{agent.type}</shortdesc><parameters/>'
        f"<actions>{actions}</actions></resource-agent>\n"
    )
