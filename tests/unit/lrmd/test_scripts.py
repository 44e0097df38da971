"""Agents as files: where they are found, and what their exit codes and words mean."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from lrmd.agents.scripts import Scripts, exit_reason_of, lsb_outcome, ocf_outcome
from lrmd.operations.values import Agent, OperationRequest, Outcome, Standard
from raftmaker.runtime.process import Ended
from raftmaker.runtime.secrets import MARK, Secrets, signature
from raftmaker.vocabulary.codes import OcfCode, OpStatus
from raftmaker.vocabulary.ids import NodeName, ResourceId


@pytest.mark.parametrize("code", list(OcfCode))
def test_ocf_codes_keep_their_meaning(code: OcfCode) -> None:
    """Features 5.30-5.39."""
    outcome = ocf_outcome(Ended(code=code))
    assert (outcome.code, outcome.status) == (code, OpStatus.DONE)


@pytest.mark.parametrize("code", [10, 42, 126, 127, 255])
def test_other_ocf_codes_count_as_one(code: int) -> None:
    """Features 5.40."""
    assert ocf_outcome(Ended(code=code)).code is OcfCode.ERROR


@pytest.mark.parametrize(
    ("operation", "code", "meaning"),
    [
        ("monitor", 0, OcfCode.OK),
        ("monitor", 1, OcfCode.NOT_RUNNING),
        ("monitor", 2, OcfCode.NOT_RUNNING),
        ("monitor", 3, OcfCode.NOT_RUNNING),
        ("monitor", 4, OcfCode.ERROR),
        ("monitor", 150, OcfCode.NOT_INSTALLED),
        ("start", 0, OcfCode.OK),
        ("start", 3, OcfCode.UNIMPLEMENTED),
        ("start", 5, OcfCode.NOT_INSTALLED),
        ("stop", 8, OcfCode.ERROR),
    ],
)
def test_lsb_codes(operation: str, code: int, meaning: OcfCode) -> None:
    """Features 5.3."""
    assert lsb_outcome(operation)(Ended(code=code)).code is meaning


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        ("", ""),
        ("something else\n", ""),
        ("a\nocf-exit-reason:no such file\nb\n", "no such file"),
        ("ocf-exit-reason:first\nocf-exit-reason: second \n", "second"),
        ("ocf-exit-reason:unended", "unended"),
    ],
)
def test_exit_reason(stderr: str, reason: str) -> None:
    """Features 5.26, 5.45: the last one counts."""
    assert exit_reason_of(stderr) == reason


@pytest.mark.parametrize("parameters", [{"a=b": "1"}, {"a": "\0"}, {"a": "x" * 3_000_000}])
def test_what_no_environment_can_hold_is_an_error(
    tmp_path: Path, parameters: dict[str, str]
) -> None:
    scripts = Scripts(
        ocf_roots=(),
        children=tmp_path / "runs",
        inherited={},
        node=NodeName("alpha"),
        secrets=Secrets(tmp_path / "secrets"),
    )
    request = OperationRequest(
        resource=ResourceId("r"),
        agent=Agent(Standard.OCF, "raftmaker", "Dummy"),
        operation="monitor",
        parameters=parameters,
    )
    outcome = asyncio.run(scripts.begin(1, request).outcome())
    assert (outcome.code, outcome.status) == (OcfCode.ERROR, OpStatus.ERROR)
    assert "cannot be run" in outcome.exit_reason


def install(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def test_roots_are_searched_in_order(tmp_path: Path) -> None:
    """Features 5.1."""
    first, second = tmp_path / "first", tmp_path / "second"
    install(first / "resource.d" / "acme" / "one")
    install(second / "resource.d" / "acme" / "one")
    install(second / "resource.d" / "acme" / "two")
    install(tmp_path / "init.d" / "cron")
    (tmp_path / "init.d" / "README").write_text("not a script")
    scripts = Scripts(
        ocf_roots=(first, second),
        children=tmp_path / "runs",
        inherited={},
        node=NodeName("alpha"),
        secrets=Secrets(tmp_path / "secrets"),
        init_dir=tmp_path / "init.d",
    )
    one, two = (Agent(Standard.OCF, "acme", name) for name in ("one", "two"))
    assert scripts.path_of(one) == first / "resource.d" / "acme" / "one"
    assert scripts.path_of(two) == second / "resource.d" / "acme" / "two"
    assert scripts.path_of(Agent(Standard.OCF, "acme", "three")) is None
    assert scripts.path_of(Agent(Standard.OCF, "raftmaker", "web")) is not None
    found = scripts.installed()
    assert found.count(one) == 1
    assert [agent for agent in found if agent.standard is Standard.LSB] == [
        Agent(Standard.LSB, "", "cron")
    ]


def _with_secret(tmp_path: Path, operation: str, agent_text: str) -> Outcome:
    path = tmp_path / "ocf" / "resource.d" / "acme" / "db"
    install(path)
    path.write_text(f"#!/bin/sh\n{agent_text}\n")
    scripts = Scripts(
        ocf_roots=(tmp_path / "ocf",),
        children=tmp_path / "runs",
        inherited={"PATH": os.environ["PATH"]},
        node=NodeName("alpha"),
        secrets=Secrets(tmp_path / "secrets"),
    )
    request = OperationRequest(
        resource=ResourceId("db:0"),
        agent=Agent(Standard.OCF, "acme", "db"),
        operation=operation,
        timeout_ms=60_000,
        parameters={"passwd": MARK, "user": "admin"},
    )

    async def ended() -> Outcome:
        return await scripts.begin(1, request).outcome()

    return asyncio.run(ended())


def test_an_agent_is_given_the_nodes_secret(tmp_path: Path) -> None:
    """Features 4.29."""
    kept = tmp_path / "secrets" / "db"
    kept.mkdir(parents=True)
    (kept / "passwd").write_text("hunter2\n")
    (kept / "passwd.sign").write_text(signature("hunter2") + "\n")
    told = 'echo "$OCF_RESKEY_user $OCF_RESKEY_passwd"'
    assert _with_secret(tmp_path, "start", told).output == "admin hunter2"
    (kept / "passwd").write_text("hunter3\n")
    outcome = _with_secret(tmp_path, "start", told)
    assert (outcome.code, outcome.status) == (OcfCode.NOT_CONFIGURED, OpStatus.NO_SECRETS)
    assert "not what was stored" in outcome.exit_reason
    assert "hunter" not in outcome.exit_reason


def test_without_its_secret_a_resource_is_not_configured_and_can_be_stopped(tmp_path: Path) -> None:
    """Features 4.29."""
    outcome = _with_secret(tmp_path, "monitor", "exit 0")
    assert (outcome.code, outcome.status) == (OcfCode.NOT_CONFIGURED, OpStatus.NO_SECRETS)
    assert "cibsecret set db passwd" in outcome.exit_reason
    assert _with_secret(tmp_path, "stop", "exit 0").code is OcfCode.OK
