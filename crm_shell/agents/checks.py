"""Does a configuration fit what its agents say of themselves? (features 30.46, 5.14, 5.15)"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from cib_store.model.values import parse_duration_ms, readable_ms
from crm_shell.agents.uses import Use, UsedOperation
from crm_shell.syntax.faults import nearest
from lrmd.client import AgentMetadata, ParameterMetadata

TRACING = frozenset(("trace_ra", "trace_file", "trace_dir"))
"""What every agent takes, for its shell library traces it (features 5.27)."""
_FENCER_S_OWN = frozenset((
    "pcmk_host_argument", "pcmk_host_map", "pcmk_host_list", "pcmk_host_check", "pcmk_delay_max",
    "pcmk_delay_base", "pcmk_action_limit",
    *(f"pcmk_{action}_{what}"
      for action in ("reboot", "off", "on", "list", "monitor", "status", "metadata", "validate-all")
      for what in ("action", "timeout", "retries")),
))  # fmt: skip
"""What the fencer takes for every agent (features 17.3-17.13)."""
_GIVEN_BY_FENCER = frozenset(("action", "option", "port", "plug"))
"""What the fencer fills in, though agents say that it is required (features 17.3)."""
_SILENT = frozenset(("start", "stop"))
"""What is run also where nobody has configured it, with the default timeout."""
_DEFAULT_TIMEOUT = "20s"


class Finding(Struct, frozen=True, kw_only=True):
    """Something that does not fit: an error where it cannot be meant, or else a warning."""

    resource: str
    what: str
    is_error: bool

    def __str__(self) -> str:
        return f"{self.resource}: {self.what}"


def findings(use: Use, metadata: AgentMetadata) -> tuple[Finding, ...]:
    """Return everything in one primitive that does not fit its agent."""
    found = (
        *_unknown_parameters(use, metadata),
        *_missing_parameters(use, metadata),
    )
    advice = (
        *_deprecated(use, metadata),
        *_unmonitored(use, metadata),
        *_unknown_operations(use, metadata),
        *_short_timeouts(use, metadata),
    )
    return (
        *(Finding(resource=use.resource, what=what, is_error=True) for what in found),
        *(Finding(resource=use.resource, what=what, is_error=False) for what in advice),
    )


def _is_fencing(use: Use) -> bool:
    return use.agent.startswith("stonith:")


def _has_parameters(use: Use) -> bool:
    """Whether the agent takes parameters: units and scripts take none, and ignore what is given."""
    return use.agent.startswith(("ocf:", "stonith:"))


def _unknown_parameters(use: Use, metadata: AgentMetadata) -> Iterator[str]:
    if not _has_parameters(use):
        return
    own = {each.name for each in metadata.parameters}
    own |= {each.obsoletes for each in metadata.parameters if each.obsoletes}
    if _is_fencing(use):
        own |= _FENCER_S_OWN
    for name in sorted(use.parameters - own - TRACING):
        if _is_fencing(use) and name in _GIVEN_BY_FENCER:
            continue
        like = nearest(name, own)
        hint = f"did you mean {like!r}?" if like else f"`crm ra info {use.agent}` shows what it has"
        yield f"{use.agent} has no parameter {name!r}; {hint}"


def _missing_parameters(use: Use, metadata: AgentMetadata) -> Iterator[str]:
    given = use.parameters | use.inherited
    for each in metadata.parameters:
        if not each.required or each.deprecated or _is_given(each, metadata, given):
            continue
        if _is_fencing(use) and each.name in _GIVEN_BY_FENCER:
            continue
        about = f" ({each.shortdesc})" if each.shortdesc else ""
        yield f"the parameter {each.name!r} that {use.agent} requires is not given{about}"


def _is_given(parameter: ParameterMetadata, metadata: AgentMetadata, given: frozenset[str]) -> bool:
    """Whether a parameter has a value: under its name, an older one, or one that replaces it."""
    names = {parameter.name, parameter.obsoletes}
    names |= {each.name for each in metadata.parameters if each.obsoletes == parameter.name}
    return not names.isdisjoint(given)


def _deprecated(use: Use, metadata: AgentMetadata) -> Iterator[str]:
    if metadata.deprecated:
        instead = " or ".join(metadata.replaced_with)
        yield f"{use.agent} is deprecated" + (f"; use {instead}" if instead else "")


def _unmonitored(use: Use, metadata: AgentMetadata) -> Iterator[str]:
    """Nothing is monitored by default (features 8.15), which surprises whoever expects it."""
    advised = [each for each in metadata.actions if each.name == "monitor"]
    if advised and not any(op.name == "monitor" and op.interval_ms for op in use.operations):
        interval = advised[0].interval or "10s"
        often = ":".join(part for part in (interval, advised[0].timeout) if part)
        yield (
            "nothing monitors it, so nobody notices when it fails;"
            f" `crm configure monitor {use.resource} {often}` adds that"
        )


def _unknown_operations(use: Use, metadata: AgentMetadata) -> Iterator[str]:
    offered = {each.name for each in metadata.actions}
    if not offered:
        return
    for name in dict.fromkeys(op.name for op in use.operations):
        # The fencer turns a device's start and stop into monitors and registrations.
        if name not in offered and not (_is_fencing(use) and name in ("start", "stop")):
            yield f"{use.agent} has no action {name!r}; it has: {', '.join(sorted(offered))}"


def _short_timeouts(use: Use, metadata: AgentMetadata) -> Iterator[str]:
    configured = {op.name for op in use.operations}
    silent = () if _is_fencing(use) else tuple(sorted(_SILENT - configured))
    for op in (*use.operations, *(UsedOperation(name=name) for name in silent)):
        advised = _advised_ms(op, metadata)
        written = op.timeout or use.default_timeout or _DEFAULT_TIMEOUT
        timeout = parse_duration_ms(written)
        if advised and timeout is not None and 0 < timeout < advised:
            kind = "timeout" if op.timeout else "default timeout"
            yield (
                f"the {kind} of {op.name}, {readable_ms(timeout)}, is less than the"
                f" {readable_ms(advised)} that {use.agent} advises"
            )


def _advised_ms(op: UsedOperation, metadata: AgentMetadata) -> int:
    """Return the least timeout that the agent advises for such an operation; 0: none."""
    same = [each for each in metadata.actions if each.name == op.name]
    of_role = [each for each in same if each.role is not None and each.role.value == op.role]
    advised = [parse_duration_ms(each.timeout) or 0 for each in of_role or same if each.timeout]
    return min(advised, default=0)
