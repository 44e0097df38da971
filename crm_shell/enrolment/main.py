"""raftmaker-enrol: takes join tokens on this node while one is valid, and then ends.

It runs apart from the store. Started as root it reads its keys, gives up root for good, and only
then serves: what a stranger could take over is a user without rights, in a sandbox.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from typing import BinaryIO

from crm_shell.enrolment import records
from crm_shell.enrolment.admission import Admission, Keys
from crm_shell.enrolment.channel import server_context
from crm_shell.enrolment.places import ENROLMENT_PORT, enrolment_directory, hosts_of
from crm_shell.enrolment.records import Record, Verdict, judge
from crm_shell.enrolment.roster import roster_of
from crm_shell.enrolment.server import Enrolment, listen, serve
from raftmaker.client import Cluster, connect
from raftmaker.runtime.certificates import KeyPair
from raftmaker.runtime.errors import HaError
from raftmaker.runtime.exchange import key_of
from raftmaker.runtime.identity import SOFTWARE_VERSION, tool_identity
from raftmaker.runtime.logs import Log, start_logging
from raftmaker.runtime.notifying import notify
from raftmaker.runtime.privileges import become_service_user
from raftmaker.runtime.settings import DEFAULT_FILE
from raftmaker.vocabulary.codes import ExitCode

PROGRAM = "raftmaker-enrol"
_LOOK_S = 2.0


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    options = argparse.ArgumentParser(
        prog=PROGRAM,
        description="take join tokens while one is valid; started by 'crm cluster token'",
    )
    default = Path(os.environ.get("RAFTMAKER_CONFIG", DEFAULT_FILE))
    options.add_argument("--config", type=Path, default=default, metavar="FILE", help="%(default)s")
    options.add_argument("--version", action="version", version=SOFTWARE_VERSION)
    return options


def main() -> int:
    """Run until no token is valid; return the exit code."""
    options = parser().parse_args()
    start_logging()
    try:
        return asyncio.run(_run(options.config))
    except HaError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)  # noqa: T201
        return int(error.exit_code)
    except (OSError, ValueError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)  # noqa: T201
        return int(ExitCode.OSFILE)


async def _run(config: Path) -> int:
    async with connect(config, program=PROGRAM) as cluster:
        tls = cluster.settings.tls_dir
        if tls is None:
            raise HaError(
                "raftmaker.toml names no TLS directory: make the cluster with 'crm cluster init'"
            )
        # Before the keys are read, so that an exchange of them right after is noticed.
        with (tls / "authority.pem").open("rb") as authorities:
            await _serve(cluster, tls, authorities)
    return 0


async def _serve(cluster: Cluster, tls: Path, authorities: BinaryIO) -> None:
    log = Log(PROGRAM)
    settings = cluster.settings
    directory = enrolment_directory(settings)
    keys = _keys(tls)
    admission = Admission(
        identity=tool_identity(settings.cluster, PROGRAM),
        cluster_name=settings.cluster_name,
        keys=keys,
        roster=roster_of(cluster),
        directory=directory,
    )
    enrolment = Enrolment(
        authority=keys.authority.certificate,
        judge=lambda identity, secret: _judged(directory, identity, secret),
        enrol=admission.enrol,
        log=log,
    )
    context = server_context(tls / "node.pem", tls / "node.key")
    # What is in it first: without capabilities root does not look into what is not its own.
    become_service_user(*directory.iterdir(), directory)
    listeners = [listen((host, ENROLMENT_PORT)) for host in hosts_of(settings)]
    log.info("takes join tokens", addresses=",".join(hosts_of(settings)), port=ENROLMENT_PORT)
    notify("READY=1")
    serving = [asyncio.create_task(serve(each, context, enrolment)) for each in listeners]
    watching = asyncio.create_task(_until_none_is_open(directory, authorities))
    done, _ = await asyncio.wait([*serving, watching], return_when=asyncio.FIRST_COMPLETED)
    for task in (*serving, watching):
        task.cancel()
    await asyncio.gather(*serving, watching, return_exceptions=True)
    for task in done:
        task.result()
    log.info("no token is valid any more")


async def _until_none_is_open(directory: Path, authorities: BinaryIO) -> None:
    """Return when no token is good any more; each names the authority that was there.

    The service user may not look into the keys' directory. An open file tells without that: one
    that was replaced has no name left.
    """
    while any(each.is_open(int(time.time())) for each in records.read(directory)):
        await asyncio.sleep(_LOOK_S)
        if os.fstat(authorities.fileno()).st_nlink == 0:
            return


def _judged(directory: Path, identity: bytes, secret: bytes) -> tuple[Verdict, Record | None]:
    known = records.read(directory)
    return judge(known, identity, secret, int(time.time())), records.find(known, identity)


def _keys(directory: Path) -> Keys:
    trusted = (directory / "authority.pem").read_bytes()
    key = key_of(directory, "authority", trusted)
    if key is None:
        raise HaError(f"{directory} does not hold the authority's key: make the token on a voter")
    return Keys(
        # The first one is the one that issues (see certificates).
        authority=KeyPair(certificate=trusted, key=key),
        trusted=trusted,
        cluster=(directory / "cluster.key").read_bytes(),
    )


if __name__ == "__main__":
    sys.exit(main())
