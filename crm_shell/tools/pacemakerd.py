"""``pacemakerd``: what this version can, and stopping this node (features 27.34).

systemd starts the daemons here, so the options by which Pacemaker's is started say how that is
done.
"""

from __future__ import annotations

from crm_shell.tools.frame import ToolParser, complain, run_tool, write
from raftmaker.client import Cluster
from raftmaker.runtime.identity import SOFTWARE_VERSION
from raftmaker.vocabulary.codes import ExitCode
from raftmaker.vocabulary.feature_set import FEATURE_SET

FEATURES = ("acls", "cibsecrets", "grpc", "raft", "remote-by-ssh", "systemd", "tls", "two-node")
SPOKEN = f"Pacemaker 3.0.2 (as Raftmaker {SOFTWARE_VERSION}, feature set {FEATURE_SET})"
"""Agents' shell library takes the second word for the version, and by it knows crm_node -n."""
_START = "the daemons are started by systemd: systemctl start raftmaker.target"


def main() -> int:
    """Run the tool and return its exit code."""
    summary = "what this version can, and stopping this node"
    parser = ToolParser("pacemakerd", summary, version=SPOKEN)
    parser.flag("-F", "--features", dest="features", text="version, feature set, features")
    parser.flag("-S", "--shutdown", dest="shutdown", text="stop this node in good order")
    parser.flag("-f", "--foreground", dest="foreground", text="accepted; systemd starts daemons")
    parser.value("-p", "--pid-file", dest="pid_file", text="accepted; systemd knows the pids")
    parser.flag("-s", "--standby", dest="standby", text="says how a node starts in standby")
    options = parser.parse_args()
    if options.features:
        write(SPOKEN)
        write(f" Supports: {' '.join(FEATURES)}")
        return int(ExitCode.OK)
    if options.shutdown:
        return run_tool("pacemakerd", options.config, _shutdown)
    if options.standby:
        what = "a node starts in standby where PCMK_node_start_state=standby is in its environment"
        complain("pacemakerd", f"{what}; {_START}")
        return int(ExitCode.UNIMPLEMENT_FEATURE)
    complain("pacemakerd", _START)
    return int(ExitCode.UNIMPLEMENT_FEATURE)


async def _shutdown(cluster: Cluster) -> int:
    from crm_shell.commands.session import Failed, Session
    from crm_shell.console import Console
    from crm_shell.host.running import stop

    session = Session(console=Console(colour=False), program="pacemakerd")
    try:
        return await stop(session)
    except Failed as error:
        complain("pacemakerd", str(error))
        return int(error.code)
    finally:
        await session.close()
