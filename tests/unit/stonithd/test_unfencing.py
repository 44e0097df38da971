"""Turning a node on by the devices that unfence it (features 17.15, 17.19, 17.40)."""

from __future__ import annotations

import pytest

from raftmaker.vocabulary.ids import NodeName, ResourceId
from stonithd.fencing.effects import Delegate, GatherOffers
from stonithd.fencing.events import Offer, OffersGathered
from stonithd.fencing.setup import Abilities, Device, FenceAction, HostCheck
from stonithd.metadata import abilities_of
from tests.fakes.fencer import NODES, Fencer, device, level

ME = NodeName("a")
METADATA = """<resource-agent name="fence_scsi">
<parameters><parameter name="plug"/></parameters>
<actions><action name="on" on_target="1" automatic="1"/><action name="off"/></actions>
</resource-agent>"""
STORAGE = abilities_of(METADATA)
SWITCH = Abilities(
    actions=frozenset({FenceAction.ON, FenceAction.OFF}), automatic_on=True, target_parameter="plug"
)


def storage(name: str, **fields: object) -> Device:
    return device(name, abilities=STORAGE, **fields)


def delegates(fencer: Fencer) -> list[tuple[str, str]]:
    found = (one for one in fencer.effects if isinstance(one, Delegate))
    return [(one.device, one.executor) for one in found]


def test_what_metadata_says_of_turning_on() -> None:
    """features 17.15, 17.19"""
    assert STORAGE.automatic_on
    assert STORAGE.on_target == {FenceAction.ON}
    plain = abilities_of(METADATA.replace('on_target="1" automatic="1"', 'automatic="0"'))
    assert not plain.automatic_on
    assert not plain.on_target


def test_every_device_that_unfences_is_turned_on_and_no_other() -> None:
    """features 17.40"""
    fencer = Fencer(
        storage("disk1"), storage("disk2"), device("power"), storage("other", host_list=("c",))
    )
    fencer.fence(FenceAction.ON, target=ME)
    fencer.ends()
    assert not fencer.replies(), "half unfenced is not unfenced"
    fencer.ends()
    assert fencer.done() == [("disk1", "on"), ("disk2", "on")]
    assert fencer.replies()[1].confirmed


def test_topology_does_not_keep_a_device_from_unfencing() -> None:
    """features 17.40"""
    fencer = Fencer(storage("disk"), device("power"), topology=(level(1, "power", target="a"),))
    fencer.fence(FenceAction.ON, target=ME)
    assert fencer.done() == [("disk", "on")]


def test_one_that_fails_fails_the_whole() -> None:
    fencer = Fencer(storage("disk1", tries={FenceAction.ON: 1}), storage("disk2"))
    fencer.fence(FenceAction.ON, target=ME)
    fencer.ends(code=1)
    assert not fencer.replies()[1].confirmed
    assert fencer.done() == [("disk1", "on")]


def test_without_such_a_device_any_device_turns_on() -> None:
    """features 27.16: unfencing by hand."""
    fencer = Fencer(device("power"))
    fencer.fence(FenceAction.ON)
    assert fencer.done() == [("power", "on")]
    fencer.ends()
    assert fencer.replies()[1].confirmed


def test_what_runs_on_the_target_is_asked_of_its_own_fencer() -> None:
    """features 17.19"""
    fencer = Fencer(storage("disk"), monitored=((ResourceId("disk"), ME),))
    fencer.fence(FenceAction.ON)
    assert delegates(fencer) == [("disk", "b")]
    assert not fencer.forked()


def test_a_switch_is_turned_on_by_another_node() -> None:
    fencer = Fencer(device("switch", abilities=SWITCH))
    fencer.fence(FenceAction.ON, target=ME)
    assert delegates(fencer) == [("switch", "b")]


def test_off_is_run_by_another_node_as_ever() -> None:
    """features 17.27"""
    fencer = Fencer(storage("disk"))
    fencer.fence(FenceAction.OFF)
    assert fencer.done() == [("disk", "off")]


def test_a_peer_refuses_what_only_the_target_can_do() -> None:
    """A node without the agent cannot know where it has to run; who has it says so."""
    fencer = Fencer(storage("disk"))
    fencer.fence(FenceAction.ON, device=ResourceId("disk"))
    assert fencer.replies()[1].refused
    assert not fencer.forked()


def test_a_device_that_cannot_be_run_at_all_unfences_nothing() -> None:
    fencer = Fencer(storage("disk1"), device("disk2", abilities=None, provides_unfencing=True),
                    members=(ME,))  # fmt: skip
    fencer.fence(FenceAction.ON, target=ME)
    assert not fencer.replies()[1].confirmed
    assert not fencer.forked()


@pytest.mark.parametrize("topology", [(), (level(1, "power", target="a"),)])
def test_a_device_that_must_be_asked_is_asked(topology: object) -> None:
    """features 17.6"""
    asking = storage("disk", host_list=(), host_check=HostCheck.STATUS)
    fencer = Fencer(asking, device("power"), topology=topology)
    effects = fencer.fence(FenceAction.ON, target=ME)
    asked = next(effect for effect in effects if isinstance(effect, GatherOffers))
    assert (asked.devices, asked.action) == (("disk",), FenceAction.ON)
    offers = (Offer(ResourceId("disk"), ME), Offer(ResourceId("disk"), NodeName("b")))
    fencer.send(OffersGathered(fencer.now_ms, asked.operation, offers))
    assert fencer.done() == [("disk", "on")]


def test_one_that_is_asked_and_does_not_know_the_node_is_left_out() -> None:
    asking = storage("disk", host_list=(), host_check=HostCheck.STATUS)
    fencer = Fencer(asking, device("power"))
    fencer.fence(FenceAction.ON)
    fencer.send(OffersGathered(fencer.now_ms, 1, ()))
    assert fencer.done() == [("power", "on")]


def test_a_device_can_be_said_to_unfence() -> None:
    """features 7.15, 17.15"""
    fencer = Fencer(device("d1"), device("d2", provides_unfencing=True), members=NODES)
    fencer.fence(FenceAction.ON)
    assert fencer.done() == [("d2", "on")]
