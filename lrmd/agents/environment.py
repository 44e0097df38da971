"""The environment that an agent is given (features 5.17-5.29), as a pure function."""

from __future__ import annotations

from collections.abc import Mapping

from lrmd.operations.values import Agent, OperationRequest, Standard
from raftmaker.vocabulary.ids import NodeName

OCF_ROOT = "/usr/lib/ocf"
FEATURE_SET = "3.20.5"
EXIT_REASON_PREFIX = "ocf-exit-reason:"
NODE_VARIABLE = "RAFTMAKER_NODE"
"""Set for every agent and so for every service it starts: what runs on behalf of a node."""

# What an agent must not inherit: it would speak to systemd, or open sockets, in our name.
_WITHHELD = frozenset(
    {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID"}
)
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Old names beside the new ones: agents read them (features 5.23, 29.17).
_OLD_META = {
    "promoted_max": "master_max",
    "promoted_node_max": "master_node_max",
}


def agent_environment(
    request: OperationRequest, *, inherited: Mapping[str, str], node: NodeName
) -> dict[str, str]:
    """Return the whole environment for one run of an agent; only ocf agents get OCF variables."""
    environment = base_environment(inherited, node)
    if request.agent.standard is Standard.OCF:
        environment |= _ocf(request, node)
    return environment


def base_environment(inherited: Mapping[str, str], node: NodeName) -> dict[str, str]:
    """Return what every child of the executor gets."""
    kept = {
        name: value
        for name, value in inherited.items()
        if name not in _WITHHELD and not name.startswith(("OCF_", "RAFTMAKER_CHILD"))
    }
    kept.setdefault("PATH", DEFAULT_PATH)
    return {**kept, **_logging(inherited), NODE_VARIABLE: node}


def metadata_environment(
    inherited: Mapping[str, str], agent: Agent, node: NodeName
) -> dict[str, str]:
    """Return the environment for an ocf agent's ``meta-data``."""
    return {**base_environment(inherited, node), **_ocf_identity(agent)}


def _logging(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the log variables; ours come from the daemon's own, as Pacemaker's (5.28)."""
    facility = inherited.get("PCMK_logfacility", "daemon")
    logfile = inherited.get("PCMK_logfile", "")
    debug = inherited.get("PCMK_debug", "").lower() not in ("", "0", "no", "off", "false")
    found = {"PCMK_service": "raftmaker-lrmd", "HA_LOGD": "no"}
    if facility.lower() != "none":
        found |= {"PCMK_LOGFACILITY": facility, "HA_LOGFACILITY": facility}
    if logfile and logfile.lower() != "none":
        found |= {
            "PCMK_LOGFILE": logfile,
            "HA_LOGFILE": logfile,
            "PCMK_DEBUGLOG": logfile,
            "HA_DEBUGLOG": logfile,
        }
    if debug:
        found["HA_debug"] = "1"
    return found


def _ocf_identity(agent: Agent) -> dict[str, str]:
    return {
        "OCF_ROOT": OCF_ROOT,
        "OCF_RA_VERSION_MAJOR": "1",
        "OCF_RA_VERSION_MINOR": "1",
        "OCF_RESOURCE_PROVIDER": agent.provider,
        "OCF_RESOURCE_TYPE": agent.type,
        "OCF_EXIT_REASON_PREFIX": EXIT_REASON_PREFIX,
    }


def _ocf(request: OperationRequest, node: NodeName) -> dict[str, str]:
    parameters = dict(request.parameters)
    check_level = parameters.pop("OCF_CHECK_LEVEL", None)
    found = {
        **_ocf_identity(request.agent),
        "OCF_RESOURCE_INSTANCE": request.resource,
        "OCF_RESKEY_crm_feature_set": FEATURE_SET,
        **{f"OCF_RESKEY_{name}": value for name, value in parameters.items()},
        **{f"OCF_RESKEY_CRM_meta_{name}": value for name, value in _meta(request, node).items()},
    }
    if check_level is not None:
        found["OCF_CHECK_LEVEL"] = check_level
    return found


def _meta(request: OperationRequest, node: NodeName) -> dict[str, str]:
    """Return the meta-attributes under the names agents know; what the caller says goes first."""
    given = {name.replace("-", "_"): value for name, value in request.meta.items()}
    facts = {
        "name": request.operation,
        "on_node": node,
        "on_node_uuid": node,
        "op_target_rc": str(int(request.expected_code)),
    }
    # Always of this very run, in milliseconds (5.21).
    times = {"timeout": str(request.timeout_ms)}
    if request.interval_ms:
        times["interval"] = str(request.interval_ms)
    meta = {**facts, **given, **times}
    for new, old in _OLD_META.items():
        if new in meta:
            meta.setdefault(old, meta[new])
    return meta
