"""``crm report``: what support needs to see, in one archive (features 30.3)."""

from __future__ import annotations

from crm_shell.commands.options import OptionParser
from crm_shell.commands.session import Command, Failed, Session

_USAGE = (
    "report [-f TIME] [-t TIME] [-n NODES]… [-S] [-u USER] [-e COMMAND] [-l FILE]… [-M]"
    " [-L REGEX]… [-p GLOB]… [-d] [DEST]"
)


async def _report(session: Session, args: list[str]) -> int:
    from crm_shell.tools.crm_report import add_options, report
    from crm_shell.tools.frame import ToolFailed

    options = OptionParser(_USAGE)
    add_options(options)
    given = options.parse_args(args)
    try:
        written = await report(session.cluster, given)
    except ToolFailed as error:
        raise Failed(str(error), code=error.code) from None
    for problem in written.unreached:
        session.console.error(problem)
    session.console.answer(str(written.path), {"file": str(written.path)})
    return 0


COMMAND = Command(
    name="report", usage=_USAGE, run=_report, completes=("file",),
    summary="Gather what support needs to see, in one archive",
    details="Configuration, status, changes, members, and of each node the scheduler's inputs,"
    " versions and logs of the last 12 hours, or from -f to -t. Secrets are hidden. Other nodes are"
    " asked by ssh, with this user's keys; one that cannot be reached is named. -S is this node"
    " alone, -e another command than ssh.",
)  # fmt: skip
