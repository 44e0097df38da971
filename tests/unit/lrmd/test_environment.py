"""What agents are given: names, values, and what they must not inherit."""

from __future__ import annotations

from lrmd.agents.environment import agent_environment, metadata_environment
from lrmd.operations.values import Agent, OperationRequest, Standard
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.ids import NodeName, ResourceId

NODE = NodeName("alpha")
WEB = Agent(Standard.OCF, "raftmaker", "web")


def environment(agent: Agent = WEB, **inherited: str) -> dict[str, str]:
    request = OperationRequest(
        resource=ResourceId("web:0"),
        agent=agent,
        operation="monitor",
        interval_ms=10_000,
        timeout_ms=20_000,
        expected_code=OcfCode.PROMOTED,
        parameters={"ip": "10.0.0.1", "OCF_CHECK_LEVEL": "20"},
        meta={"clone-max": "3", "promoted-node-max": "1", "notify_type": "post", "timeout": "9"},
    )
    return agent_environment(request, inherited=inherited, node=NODE)


def test_identity() -> None:
    """Features 5.17, 5.19, 5.26."""
    found = environment()
    assert found["OCF_ROOT"] == "/usr/lib/ocf"
    assert (found["OCF_RA_VERSION_MAJOR"], found["OCF_RA_VERSION_MINOR"]) == ("1", "1")
    assert found["OCF_RESOURCE_INSTANCE"] == "web:0"
    assert (found["OCF_RESOURCE_PROVIDER"], found["OCF_RESOURCE_TYPE"]) == ("raftmaker", "web")
    assert found["OCF_RESKEY_crm_feature_set"] == "3.20.5"
    assert found["OCF_EXIT_REASON_PREFIX"] == "ocf-exit-reason:"


def test_parameters_and_check_level() -> None:
    """Features 5.18, 5.25: the check level has no prefix."""
    found = environment()
    assert found["OCF_RESKEY_ip"] == "10.0.0.1"
    assert found["OCF_CHECK_LEVEL"] == "20"
    assert "OCF_RESKEY_OCF_CHECK_LEVEL" not in found


def test_meta_attributes_with_underscores_and_old_names() -> None:
    """Features 5.20-5.24, 29.17, 35.15."""
    found = environment()
    meta = {
        name.removeprefix("OCF_RESKEY_CRM_meta_"): value
        for name, value in found.items()
        if name.startswith("OCF_RESKEY_CRM_meta_")
    }
    assert meta == {
        "timeout": "20000",
        "interval": "10000",
        "name": "monitor",
        "on_node": "alpha",
        "on_node_uuid": "alpha",
        "op_target_rc": "8",
        "clone_max": "3",
        "promoted_node_max": "1",
        "master_node_max": "1",
        "notify_type": "post",
    }


def test_what_is_inherited_and_what_is_not() -> None:
    """Features 5.29."""
    found = environment(
        NOTIFY_SOCKET="/run/x", LISTEN_FDS="1", OCF_RESKEY_old="1", LANG="C", PATH="/bin"
    )
    assert (found["LANG"], found["PATH"]) == ("C", "/bin")
    assert not {"NOTIFY_SOCKET", "LISTEN_FDS", "OCF_RESKEY_old"} & found.keys()


def test_every_process_names_its_node() -> None:
    assert environment()["RAFTMAKER_NODE"] == "alpha"
    assert environment(Agent(Standard.LSB, "", "cron"))["RAFTMAKER_NODE"] == "alpha"


def test_log_variables_under_new_and_old_names() -> None:
    """Features 5.28, 26.2, 26.4."""
    found = environment(PCMK_logfile="/var/log/ha.log", PCMK_logfacility="local3")
    assert found["PCMK_LOGFILE"] == found["HA_LOGFILE"] == "/var/log/ha.log"
    assert found["PCMK_LOGFACILITY"] == found["HA_LOGFACILITY"] == "local3"
    assert found["HA_DEBUGLOG"] == "/var/log/ha.log"
    assert "HA_LOGFILE" not in environment(PCMK_logfile="none")
    assert "HA_LOGFACILITY" not in environment(PCMK_logfacility="none")


def test_scripts_get_no_ocf_variables() -> None:
    """Features 5.3."""
    found = environment(Agent(Standard.LSB, "", "cron"))
    assert [name for name in found if name.startswith("OCF_")] == []


def test_metadata_is_asked_for_without_a_resource() -> None:
    found = metadata_environment({}, WEB, NODE)
    assert found["OCF_ROOT"] == "/usr/lib/ocf"
    assert "OCF_RESOURCE_INSTANCE" not in found
