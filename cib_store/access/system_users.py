"""Users as the system knows them: by number or name, with their groups."""

from __future__ import annotations

import grp
import os
import pwd

from cib_store.access.caller import EXEMPT, PRIVILEGED, Caller


def named(name: str) -> Caller:
    """Return the user of that name, who need not exist here: a remote client, say."""
    try:
        return with_number(pwd.getpwnam(name).pw_uid)
    except KeyError:
        return Caller(user=name, is_exempt=name in PRIVILEGED)


def with_number(uid: int, gid: int | None = None) -> Caller:
    """Return the user of a process of this machine, with its groups."""
    if uid == 0:
        return EXEMPT
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:  # in a container, say: it has a number and no name
        return Caller(user=str(uid), is_exempt=uid == os.geteuid())
    names: list[str] = []
    for group in os.getgrouplist(entry.pw_name, entry.pw_gid if gid is None else gid):
        try:
            names.append(grp.getgrgid(group).gr_name)
        except KeyError:
            names.append(str(group))
    is_exempt = entry.pw_name in PRIVILEGED or uid == os.geteuid()
    return Caller(user=entry.pw_name, groups=frozenset(names), is_exempt=is_exempt)
