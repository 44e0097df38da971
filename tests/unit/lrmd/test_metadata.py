"""Agents' metadata as values (features 5.13-5.16)."""

from __future__ import annotations

import pytest

from lrmd.metadata import ActionMetadata, ParameterMetadata, read_metadata
from raftmaker.runtime.errors import HaError
from raftmaker.vocabulary.roles import Role

METADATA = """<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="thing" version="2.0"><version>1.1</version>
<longdesc lang="de">Ein Ding</longdesc><longdesc lang="en">A thing</longdesc>
<shortdesc>Short</shortdesc>
<parameters>
<parameter name="ip" unique="1" required="yes"><content type="string"/></parameter>
<parameter name="level" unique-group="address" reloadable="1" private="true">
<longdesc>How much</longdesc><content type="integer" default="3"/></parameter>
</parameters>
<actions>
<action name="monitor" role="Master" timeout="20s" interval="11" depth="10"/>
<action name="monitor" role="Unpromoted" timeout="20s" interval="10" start-delay="2s"/>
<action name="reload-agent" timeout="5"/>
</actions></resource-agent>
"""


def test_everything_is_read() -> None:
    """features 5.13-5.16, 35.15: a role under its old name is that role"""
    found = read_metadata(METADATA)
    assert (found.name, found.version, found.ocf_version) == ("thing", "2.0", "1.1")
    assert (found.longdesc, found.shortdesc) == ("A thing", "Short")
    assert found.parameters == (
        ParameterMetadata(name="ip", required=True, unique=True),
        ParameterMetadata(
            name="level",
            type="integer",
            default="3",
            unique_group="address",
            reloadable=True,
            private=True,
            longdesc="How much",
        ),
    )
    assert found.actions[0] == ActionMetadata(
        name="monitor", timeout="20s", interval="11", depth="10", role=Role.PROMOTED
    )
    assert (found.actions[1].role, found.actions[1].start_delay) == (Role.UNPROMOTED, "2s")
    assert found.has_action("reload-agent")
    assert not found.has_action("promote")


@pytest.mark.parametrize("text", ["", "no xml", "<other/>", "<resource-agent>"])
def test_what_is_no_metadata_is_refused(text: str) -> None:
    with pytest.raises(HaError, match="metadata"):
        read_metadata(text)


def test_entities_of_a_hostile_agent_are_not_expanded() -> None:
    text = (
        '<!DOCTYPE resource-agent [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        '<resource-agent name="x"><longdesc>&e;</longdesc></resource-agent>'
    )
    assert read_metadata(text).longdesc == ""
