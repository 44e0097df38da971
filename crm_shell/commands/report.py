"""``crm report``: what support needs to see, in one archive (features 30.3)."""

from __future__ import annotations

from crm_shell.commands.options import OptionParser
from crm_shell.commands.session import Command, Failed, Session

_USAGE = "report [-f TIME] [-t TIME] [-l FILE]… [-M] [-p GLOB]… [-d] [DEST]"


async def _report(session: Session, args: list[str]) -> int:
    from crm_shell.tools.crm_report import add_options, report
    from crm_shell.tools.frame import ToolFailed

    options = OptionParser(_USAGE)
    add_options(options)
    given = options.parse_args(args)
    try:
        target = await report(session.cluster, given)
    except ToolFailed as error:
        raise Failed(str(error), code=error.code) from None
    session.console.answer(str(target), {"file": str(target)})
    return 0


COMMAND = Command(
    name="report", usage=_USAGE, run=_report, completes=("file",),
    summary="Gather what support needs to see, in one archive",
    details="Configuration, status, changes, members, the scheduler's inputs of this node, versions"
    " and this node's logs of the last 12 hours, or from -f to -t. Secrets are hidden. Logs are"
    " those of the node where it runs: give it on each node that matters.",
)  # fmt: skip
