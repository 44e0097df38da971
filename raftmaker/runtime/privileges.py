"""Give up root for good: who is reached by strangers reads its keys, and then is nobody."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

from raftmaker.runtime.errors import HaError

USER = "hacluster"
GROUP = "haclient"


def become_service_user(*owned: Path) -> None:
    """Become Pacemaker's service user, who gets the `owned` paths first; nothing where we are not
    root. Raises `HaError` where there is no such user.
    """
    if os.geteuid() != 0:
        return
    try:
        user, group = pwd.getpwnam(USER), grp.getgrnam(GROUP)
    except KeyError:
        raise HaError(f"there is no user {USER} or group {GROUP}: the package makes them") from None
    for path in owned:
        os.chown(path, user.pw_uid, group.gr_gid)
    os.setgroups([])
    os.setresgid(group.gr_gid, group.gr_gid, group.gr_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
