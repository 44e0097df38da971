"""Give up root for good: who is reached by strangers reads its keys, and then is nobody."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

from msgspec import Struct

from raftmaker.runtime.errors import HaError

USER = "hacluster"
GROUP = "haclient"


class ServiceUser(Struct, frozen=True):
    """The numbers of the service user and its group."""

    user: int
    group: int


def service_user() -> ServiceUser | None:
    """Return as whom to run what needs no rights; None where we are not root, so as ourselves.

    Raises `HaError` where there is no such user.
    """
    if os.geteuid() != 0:
        return None
    try:
        return ServiceUser(pwd.getpwnam(USER).pw_uid, grp.getgrnam(GROUP).gr_gid)
    except KeyError:
        raise HaError(f"there is no user {USER} or group {GROUP}: the package makes them") from None


def become_service_user(*owned: Path) -> None:
    """Become Pacemaker's service user, who gets the `owned` paths first; nothing where we are not
    root. Raises `HaError` where there is no such user.
    """
    who = service_user()
    if who is None:
        return
    for path in owned:
        os.chown(path, who.user, who.group)
    os.setgroups([])
    os.setresgid(who.group, who.group, who.group)
    os.setresuid(who.user, who.user, who.user)
