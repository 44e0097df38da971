"""An agent's own check of parameters: its validate-all, run on this node (features 5.10, 30.11)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from crm_shell.agents.catalogue import agent_named
from lrmd.operations.values import OperationRequest, Standard
from raftmaker.client import Cluster
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.code_text import code_text, status_text
from raftmaker.vocabulary.codes import ExitCode, OcfCode, OpStatus
from raftmaker.vocabulary.ids import ResourceId, Token

_TIMEOUT_MS = 20_000


class Verdict(Struct, frozen=True, kw_only=True):
    """What an agent said of parameters."""

    agent: str
    code: int
    """The agent's exit code; 1 where it could not be run."""
    how: str
    output: str

    @property
    def is_good(self) -> bool:
        """Whether the agent would run with these parameters."""
        return self.code == OcfCode.OK

    def lines(self) -> list[str]:
        """Say it for people."""
        said = f"validate-all of {self.agent}: {self.how}"
        return [said, self.output] if self.output else [said]


class CannotValidate(HaError):
    """The agent takes no parameters, so it cannot check any."""

    exit_code = ExitCode.UNIMPLEMENT_FEATURE


async def validated(
    cluster: Cluster, name: str, parameters: Mapping[str, str], *, resource: str = "test"
) -> Verdict:
    """Have the agent `name` (``class:[provider:]type``) check parameters. Raises `HaError`.

    `resource`: whose secrets are used.
    """
    agent = agent_named(name)
    if agent.standard is Standard.STONITH:
        probed = await cluster.fencer.validate(
            agent.type, parameters, device=ResourceId(resource) if resource != "test" else None
        )
        return _verdict(name, probed.status, probed.code, "", probed.output)
    if agent.standard is not Standard.OCF:
        what = "units and scripts take no parameters, so they have no validate-all"
        raise CannotValidate(f"{name}: {what}")
    ended = await cluster.executor.run_by_hand(
        OperationRequest(
            token=Token(),
            resource=ResourceId(resource),
            agent=agent,
            operation="validate-all",
            timeout_ms=_TIMEOUT_MS,
            parameters=parameters,
        )
    )
    return _verdict(name, ended.status, int(ended.code), ended.exit_reason, ended.output)


def _verdict(name: str, status: OpStatus, code: int, reason: str, output: str) -> Verdict:
    why = f": {reason}" if reason else ""
    if status is OpStatus.DONE:
        return Verdict(agent=name, code=code, how=f"{code_text(code)}{why} ({code})", output=output)
    return Verdict(agent=name, code=int(ExitCode.ERROR), how=f"{status_text(status)}{why}",
                   output=output)  # fmt: skip
