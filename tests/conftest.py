"""Settings for every test: hypothesis profiles, and no skips in CI."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, settings

IN_CI = os.environ.get("CI", "").lower() in ("true", "1")

# No deadline: a busy machine is no fault of the code. In CI the same examples in every run, so that
# a red run is about the change; elsewhere new ones each time.
settings.register_profile("anywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("anywhere"), derandomize=True, print_blob=True)
settings.load_profile("ci" if IN_CI else "anywhere")

_skips: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden tests write what they see, for review; and tests on hosts take their time."""
    parser.addoption("--rewrite", action="store_true", help="write golden files anew")
    parser.addoption("--long", action="store_true", help="tests/hosts: more rounds, longer faults")


def _note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        _skips.append(f"{report.nodeid}: {reason}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember every skip."""
    _note_skip(report)


def pytest_runtest_logfinish() -> None:
    """Go by the machine's time zone again, whatever a test has set; monkeypatch is undone."""
    time.tzset()


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Remember every module that was skipped as a whole."""
    _note_skip(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skip is a failure: there everything is installed, and everything must run."""
    if IN_CI and _skips and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the skips that fail the run."""
    if IN_CI and _skips:
        terminalreporter.section("skipped, which CI does not allow", red=True)
        for skip in _skips:
            terminalreporter.line(skip)
