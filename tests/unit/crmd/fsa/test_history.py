"""The operation history: ids, attributes and digests as Pacemaker's (features 3.14-3.20)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from cib_store.schema.values import ID
from crmd.fsa.cib import attributes_with
from crmd.fsa.executor import AgentTraits
from crmd.fsa.failures import concerns, failure_attributes
from crmd.fsa.history import is_failure, lrm_of, with_pending, with_result, without_operation
from lrmd.operations.values import Result
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from tests.unit.crmd.fsa.world import A, request, result_of

EMPTY_DIGEST = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
"""MD5 of Pacemaker's form of no parameters; to be seen in any CIB with a Dummy."""


def ids(*results: Result) -> dict[str, str]:
    history = None
    for result in results:
        history = with_result(history, result, A, AgentTraits())
    assert history is not None
    return {op.id: op.get("rc-code") for op in history.children}


def test_a_result_has_pacemakers_attributes() -> None:
    """features 3.15-3.18, 3.20, 35.2: times of execution and in the queue are milliseconds"""
    result = result_of(request(key="3:7:0:uuid"), call_id=12, reason="")
    history = with_result(None, result, A, AgentTraits())
    assert dict(history.attributes) == {
        "id": "web", "class": "ocf", "provider": "heartbeat", "type": "Dummy",
    }  # fmt: skip
    assert dict(history.children[0].attributes) == {
        "id": "web_last_0",
        "operation_key": "web_start_0",
        "operation": "start",
        "crm-debug-origin": "raftmaker-crmd",
        "crm_feature_set": "3.20.5",
        "transition-key": "3:7:0:uuid",
        "transition-magic": "0:0;3:7:0:uuid",
        "exit-reason": "",
        "on_node": "a",
        "call-id": "12",
        "rc-code": "0",
        "op-status": "0",
        "interval": "0",
        "last-rc-change": "1700000000",
        "exec-time": "12",
        "queue-time": "3",
        "op-digest": EMPTY_DIGEST,
    }


def test_ids() -> None:
    """features 3.15"""
    monitor = request("monitor", interval_ms=10_000)
    assert ids(result_of(request()), result_of(monitor)) == {
        "web_last_0": "0",
        "web_monitor_10000": "0",
    }
    assert ids(result_of(request("stop"), code=1)) == {
        "web_last_failure_0": "1",
        "web_last_0": "1",
    }
    assert ids(result_of(monitor), result_of(monitor, code=7)) == {
        "web_monitor_10000": "0",
        "web_last_failure_0": "7",
    }


def test_a_pending_monitor_that_fails_is_pending_no_more() -> None:
    """features 8.11"""
    monitor = request("monitor", interval_ms=10_000)
    history = with_pending(None, monitor, A)
    assert history.children[0].get("call-id") == "-1"
    failed = with_result(history, result_of(monitor, code=7), A, AgentTraits())
    assert [op.id for op in failed.children] == ["web_last_failure_0"]


def test_a_monitor_that_runs_again_is_not_shown_as_pending() -> None:
    monitor = request("monitor", interval_ms=10_000)
    history = with_result(None, result_of(monitor), A, AgentTraits())
    assert with_pending(history, monitor, A) == history


def test_one_operation_can_be_taken_out() -> None:
    monitor = request("monitor", interval_ms=10_000)
    history = with_result(None, result_of(request()), A, AgentTraits())
    history = with_result(history, result_of(monitor, code=7), A, AgentTraits())
    left = without_operation(history, "monitor", 10_000)
    assert [op.id for op in left.children] == ["web_last_0"]


def test_what_a_machine_or_container_starts_is_kept_with_it() -> None:
    """features 3.14: enough to stop it when it is deleted."""
    inside = replace(request(), meta={"container": "vm"})
    (histories,) = lrm_of(A, [result_of(inside)], []).children
    (history,) = histories.children
    named = {"id": "web", "class": "ocf", "provider": "heartbeat", "type": "Dummy"}
    assert dict(history.attributes) == {**named, "container": "vm"}


def test_recurring_operations_are_digested_with_their_timeout() -> None:
    """features 3.19"""
    short = result_of(request("monitor", interval_ms=10_000))
    long = replace(short, request=replace(short.request, meta={"timeout": "30000"}))
    digests = {
        with_result(None, one, A, AgentTraits()).children[0].get("op-digest")
        for one in (short, long)
    }
    assert len(digests | {EMPTY_DIGEST}) == 3


@pytest.mark.parametrize(
    ("status", "code", "expected", "failed"),
    [
        (OpStatus.DONE, 0, 0, False),
        (OpStatus.DONE, 7, 7, False),
        (OpStatus.DONE, 0, 7, True),
        (OpStatus.DONE, 190, 0, False),
        (OpStatus.DONE, 191, 8, False),
        (OpStatus.DONE, 190, 8, True),
        (OpStatus.TIMEOUT, 0, 0, True),
        (OpStatus.NOT_INSTALLED, 5, 5, True),
        (OpStatus.CANCELLED, 193, 0, False),
        (OpStatus.PENDING, 193, 0, False),
    ],
)
def test_what_a_failure_is(status: OpStatus, code: int, expected: int, failed: bool) -> None:
    """features 3.18, 5.39, 8.27"""
    assert is_failure(status, code, expected) is failed


@pytest.mark.parametrize(
    ("task", "interval_ms", "fatal", "count"),
    [
        ("start", 0, True, "INFINITY"),
        ("start", 0, False, "value++"),
        ("stop", 0, False, "INFINITY"),
        ("promote", 0, True, "value++"),
        ("demote", 0, True, "value++"),
        ("monitor", 10_000, True, "value++"),
        ("look", 10_000, True, "value++"),
        ("monitor", 0, True, None),
        ("migrate_to", 0, True, None),
        ("notify", 0, True, None),
    ],
)
def test_how_failures_count(task: str, interval_ms: int, fatal: bool, count: str | None) -> None:
    """features 8.16, 8.20"""
    failed = result_of(request(task, interval_ms=interval_ms), code=1)
    found = failure_attributes(failed, start_is_fatal=fatal)
    assert found.get(f"fail-count-web#{task}_{interval_ms}") == count
    assert len(found) == (2 if count else 0)


def test_success_counts_nothing() -> None:
    assert not failure_attributes(result_of(request()), start_is_fatal=True)
    degraded = result_of(request("monitor", interval_ms=5_000), code=int(OcfCode.DEGRADED))
    assert not failure_attributes(degraded, start_is_fatal=True)


def test_a_failure_s_attribute_keeps_its_name_and_has_an_id_that_xml_allows() -> None:
    """features 35.16"""
    name = "fail-count-web:0#monitor_10000"
    (held,) = attributes_with(A, {name: "1"}).children
    (pair,) = held.children
    assert pair.get("name") == name
    assert ID.accepts(pair.id)


def test_which_attributes_concern_an_operation() -> None:
    name = "fail-count-web#monitor_10000"
    assert concerns(name, "web")
    assert concerns(name, "web", "monitor", 10_000)
    assert not concerns(name, "web", "monitor", 0)
    assert not concerns(name, "we")
    assert not concerns("web", "web")
