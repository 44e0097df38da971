"""``crm cluster init``, ``token``, ``join``: fresh hosts become a cluster (features 30.4, 30.5)."""

from __future__ import annotations

from crm_shell.commands.session import Command, Session

INIT = (
    "init [-n|--name NAME] [--node NODE] [-i|--interface IF] [--address ADDRESS]"
    " [--no-start] [-y|--yes] [-F|--force]"
)
JOIN = (
    "join TOKEN [--node NODE] [-i|--interface IF] [--address ADDRESS] [--no-start] [-y|--yes]"
    " [-F|--force]"
)
ROTATE = "rotate-certificates [-y|--yes] [--without REMOTE_NODE]…"
TOKEN = "token [--expires 1h] [--witness|--follower|--remote]"


async def _init(session: Session, args: list[str]) -> int:
    # Here and not above, as in all of these: loading cryptography would slow every command.
    from crm_shell.host.setup import init

    return await init(session, args, INIT)


async def _token(session: Session, args: list[str]) -> int:
    from crm_shell.host.setup import token

    return await token(session, args, TOKEN)


async def _rotate(session: Session, args: list[str]) -> int:
    from crm_shell.host.rotation import rotate

    return await rotate(session, args, ROTATE)


async def _join(session: Session, args: list[str]) -> int:
    from crm_shell.host.setup import join

    return await join(session, args, JOIN)


FOUNDING = (
    Command(name="init", usage=INIT, run=_init,
            summary="Make a new cluster; this host becomes its first node",
            details="Makes the cluster's authority, this host's certificate and settings, starts"
            " the units and waits until the node is up. Interrupted, it goes on where it was when"
            " it is given again. A host that is a node already is left as it is, unless --force is"
            " given: then the old files are kept under another name. -y is accepted for scripts;"
            " nothing is asked. --node: this host's name in the cluster (its host name)."),
    Command(name="token", usage=TOKEN, run=_token,
            summary="Print a token with which one other host may join, once",
            details="The token holds a secret: give it to that host alone. It is kept here as a"
            " digest, expires (30s to 7d), and is good for one host. While one is valid this node"
           " listens on TCP port 5409. --witness: a third vote that runs no resource;"
            " --follower: a node that runs resources and does not vote. --remote: a remote node,"
            " which runs resources and is no member (ocf:pacemaker:remote)."),
    Command(name="join", usage=JOIN, run=_join,
            summary="Make this host a node of the cluster that the token is for",
            details="Makes a key that never leaves this host, checks that whoever answers has the"
            " authority that the token names, gets a certificate, the settings and the cluster's"
            " key, starts the units and waits until the node takes part."),
    Command(name="rotate-certificates", usage=ROTATE, run=_rotate,
            summary="Give the cluster a new authority and every node a new key and certificate",
            details="On a voter, with every member and remote node up; nothing stops meanwhile."
            " --without leaves out a remote node, which has to join again. First every node"
            " trusts both authorities, then each gets a certificate of the new one, then the old"
            " one is trusted no more. Interrupted, it changes nothing that works: give it again,"
            " there or on another voter. Join tokens made before are worth nothing afterwards."),
)  # fmt: skip
