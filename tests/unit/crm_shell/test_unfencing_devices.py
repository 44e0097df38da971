"""Devices whose agents unfence are said to do so in the configuration (features 7.15, 17.15)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from cib_store.document.element import Element
from crm_shell.agents.unfencing import providing, unfencing_devices
from crm_shell.edit import Mode, apply
from crm_shell.syntax import parse
from lrmd.client import AgentMetadata
from lrmd.metadata import read_metadata
from lrmd.operations.values import Agent
from raftmaker.runtime.errors import HaError

AGENTS = {
    "fence_scsi": read_metadata(
        '<resource-agent name="fence_scsi"><actions><action name="on" on_target="1" automatic="1"/>'
        "</actions></resource-agent>"
    ),
    "fence_ipmilan": read_metadata(
        '<resource-agent name="fence_ipmilan"><actions><action name="on" automatic="0"/>'
        "</actions></resource-agent>"
    ),
}


@dataclass(frozen=True)
class Node:
    """What a node's executor answers about the agents that are installed there."""

    async def agent_metadata(self, agent: Agent) -> AgentMetadata:
        if agent.type not in AGENTS:
            raise HaError("is not installed")
        return AGENTS[agent.type]


def configuration(text: str) -> Element:
    edited = apply(Element("configuration"), parse(text), Mode.UPDATE)
    assert not edited.faults
    return edited.configuration


def found(text: str, before: str = "") -> tuple[str, ...]:
    asked = unfencing_devices(
        Node(),  # type: ignore[arg-type]  # it asks for nothing else
        configuration(text),
        before=configuration(before) if before else Element("configuration"),
    )
    return asyncio.run(asked)


def test_the_metadata_tells_which_devices_unfence() -> None:
    assert found(
        "primitive a stonith:fence_scsi\nprimitive b stonith:fence_ipmilan\n"
        "primitive c stonith:fence_absent\nprimitive d ocf:pacemaker:Dummy"
    ) == ("a",)


@pytest.mark.parametrize("said", ["unfencing", "nothing"])
def test_who_says_what_a_device_provides_is_believed(said: str) -> None:
    assert not found(f"primitive a stonith:fence_scsi meta provides={said}")


def test_what_was_there_before_is_left_alone() -> None:
    assert not found("primitive a stonith:fence_scsi", "primitive a stonith:fence_scsi")


def test_one_in_a_group_is_found_and_changed() -> None:
    made = configuration(
        "primitive a stonith:fence_scsi params devices=/dev/a meta priority=1\n"
        "primitive b stonith:fence_scsi\ngroup g a b"
    )
    changed = providing(made, ("a", "b"))
    pairs = {
        pair.id: (pair.get("name"), pair.get("value"))
        for pair in changed.walk()
        if pair.tag == "nvpair" and pair.get("name") in ("provides", "priority")
    }
    assert pairs == {
        "a-meta_attributes-priority": ("priority", "1"),
        "a-meta_attributes-provides": ("provides", "unfencing"),
        "b-meta_attributes-provides": ("provides", "unfencing"),
    }
    assert providing(made, ()) is made
