"""``as_user.py UID GID PROGRAM WORD…``: run a module's `main`, or code, as another user.

The interpreter may lie where that user cannot read (in root's home), so files are still read as
root; what the kernel tells the other end of a connection is the user alone.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib import import_module


def main() -> int:
    user, group, program, *words = sys.argv[1:]
    os.setgroups([int(group)])
    os.setegid(int(group))
    os.seteuid(int(user))
    ctypes.CDLL(None, use_errno=True).setfsuid(0)
    sys.argv = [program, *words]
    if not program.startswith(("cib_store", "crm_shell")):
        exec(compile(program, "code", "exec"), {})
        return 0
    return int(import_module(program).main())


if __name__ == "__main__":
    sys.exit(main())
