"""A connection's life: answers, silence, another boot, another controller (features 22.2, 22.7)."""

from __future__ import annotations

import pytest

from crmd.remote.connection import (
    LOST_MS,
    Link,
    Phase,
    address_of,
    answered,
    handed_over,
    monitored,
    refused,
    silent,
    started,
)
from lrmd.operations.values import REMOTE_CONNECTION, OperationRequest, Outcome, Result
from raftmaker.vocabulary.codes import OcfCode
from raftmaker.vocabulary.ids import ResourceId, Token

LINK = Link(boot_id="one", token=Token(1, 1), answered_ms=1_000)


def request(operation: str = "start", **parameters: str) -> OperationRequest:
    return OperationRequest(
        resource=ResourceId("far"),
        agent=REMOTE_CONNECTION,
        operation=operation,
        parameters=parameters,
    )


@pytest.mark.parametrize(
    ("parameters", "address"),
    [
        ({}, "far:3121"),
        ({"server": "10.0.0.9"}, "10.0.0.9:3121"),
        ({"addr": "10.0.0.20", "port": "4000"}, "10.0.0.20:4000"),
        ({"server": "fd00::9", "port": "4000"}, "[fd00::9]:4000"),
        ({"port": "none"}, None),
    ],
)
def test_the_address_comes_from_the_parameters_or_the_name(
    parameters: dict[str, str], address: str | None
) -> None:
    assert address_of(request(**parameters)) == address


def test_silence_is_a_loss_after_a_while_and_stays_one() -> None:
    still = silent(LINK, "no answer", 1_000 + LOST_MS - 1)
    assert still.phase is Phase.LINKED
    lost = silent(LINK, "no answer", 1_000 + LOST_MS)
    assert lost.phase is Phase.LOST
    assert answered(lost, "one", 9_000).phase is Phase.LOST
    outcome = monitored(lost, is_probe=False)
    assert (outcome.code, outcome.exit_reason) == (
        OcfCode.ERROR, "the connection is lost: no answer",
    )  # fmt: skip


def test_another_boot_is_a_loss_at_once() -> None:
    """What was started there is gone with the boot, whoever started the machine anew."""
    assert answered(LINK, "one", 2_000).phase is Phase.LINKED
    assert answered(LINK, "two", 2_000).phase is Phase.LOST


def test_another_controller_is_a_loss_unless_the_connection_was_handed_over() -> None:
    assert refused(LINK, "n2 attends").phase is Phase.LOST
    moved = refused(handed_over(LINK), "n2 attends")
    assert moved.phase is Phase.HANDED_OVER
    assert monitored(moved, is_probe=False).code is OcfCode.OK


def test_without_a_connection_a_probe_finds_none_and_a_monitor_has_lost_one() -> None:
    """A monitor that found it stopped would have its resources start elsewhere, unfenced."""
    assert monitored(None, is_probe=True).code is OcfCode.NOT_RUNNING
    assert monitored(None, is_probe=False).code is OcfCode.ERROR


@pytest.mark.parametrize(
    ("operations", "active"),
    [
        ((("start", OcfCode.OK),), True),
        ((("start", OcfCode.OK), ("migrate_to", OcfCode.OK)), True),
        ((("start", OcfCode.OK), ("stop", OcfCode.OK)), False),
        ((("start", OcfCode.ERROR),), False),
        ((("stop", OcfCode.OK), ("migrate_from", OcfCode.OK)), True),
    ],
)
def test_a_controller_that_was_restarted_takes_up_what_is_active(
    operations: tuple[tuple[str, OcfCode], ...], active: bool
) -> None:
    history = [
        Result(
            serial=number,
            call_id=number,
            request=request(name),
            outcome=Outcome(code=code),
            last_change_us=0,
            queue_ms=0,
            exec_ms=0,
        )
        for number, (name, code) in enumerate(operations, 1)
    ]
    assert bool(started(history)) is active
