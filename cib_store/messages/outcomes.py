"""Outcomes, reports, versions and origins on the wire."""

from __future__ import annotations

from collections.abc import Iterable

from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.commands import Origin
from raftmaker.vocabulary.ids import NodeName, Token
from raftmaker.vocabulary.outcomes import CibVersion, Outcome
from raftmaker.vocabulary.reports import Report
from raftmaker.wire import store_pb2 as pb
from raftmaker.wire import types_pb2


def version_message(version: CibVersion) -> pb.CibVersion:
    """Write a version."""
    return pb.CibVersion(
        admin_epoch=version.admin_epoch, epoch=version.epoch, num_updates=version.num_updates
    )


def version_of(message: pb.CibVersion) -> CibVersion:
    """Read a version."""
    return CibVersion(message.admin_epoch, message.epoch, message.num_updates)


def report_message(report: Report) -> types_pb2.Report:
    """Write a report."""
    severity = types_pb2.SEVERITY_ERROR if report.is_error else types_pb2.SEVERITY_WARNING
    return types_pb2.Report(
        code=report.code,
        severity=severity,
        where=report.where,
        what=report.what,
        mend=report.mend,
    )


def reports_of(messages: Iterable[types_pb2.Report]) -> tuple[Report, ...]:
    """Read reports; what is not marked as a warning is an error."""
    return tuple(
        Report(
            code=message.code,
            where=message.where,
            what=message.what,
            mend=message.mend,
            is_error=message.severity != types_pb2.SEVERITY_WARNING,
        )
        for message in messages
    )


def outcome_message(outcome: Outcome) -> pb.Outcome:
    """Write an outcome."""
    return pb.Outcome(
        code=int(outcome.code),
        reports=[report_message(report) for report in outcome.reports],
        version=version_message(outcome.version),
        index=outcome.index,
    )


def outcome_of(message: pb.Outcome) -> Outcome:
    """Read an outcome; a code that this version does not know counts as ERROR."""
    known = message.code in {int(code) for code in ExitCode}
    return Outcome(
        code=ExitCode(message.code) if known else ExitCode.ERROR,
        reports=reports_of(message.reports),
        version=version_of(message.version),
        index=message.index,
    )


def origin_message(origin: Origin) -> types_pb2.Origin:
    """Write an origin."""
    return types_pb2.Origin(
        node=origin.node,
        client=origin.client,
        user=origin.user,
        message=origin.message,
        at_us=origin.at_us,
    )


def origin_of(message: types_pb2.Origin) -> Origin:
    """Read an origin."""
    return Origin(
        node=NodeName(message.node),
        client=message.client,
        user=message.user,
        message=message.message,
        at_us=message.at_us,
    )


def token_message(token: Token) -> types_pb2.Token:
    """Write a token."""
    return types_pb2.Token(generation=token.generation, counter=token.counter)


def token_of(message: types_pb2.Token) -> Token:
    """Read a token."""
    return Token(message.generation, message.counter)
