"""What the controller tells and does while access control is on (features 20.11, 20.14).

Access control is the store's. The controller's socket for everybody does not say who is at its
other end, so with ``enable-acl`` on it names no part of the CIB there, cleans nothing up, fences
nobody and has no node leave: a user's own process explains, from what the store shows the user.
Root and the daemons have a socket of their own, and the other nodes' controllers their
certificates.
"""

from __future__ import annotations

from msgspec.structs import replace

from cib_store.document.element import Element
from crmd.fsa.effects import ReportProgress
from crmd.fsa.options import flag
from raftmaker.runtime.errors import NotPermitted


def is_guarded(cib: Element | None) -> bool:
    """Tell whether rules bind users; so also while the CIB is not known."""
    return cib is None or flag(cib, "enable-acl")


def refusal(what: str) -> NotPermitted:
    """Return the refusal to do something for whoever is not known."""
    return NotPermitted(
        f"access control is on (enable-acl), or this node has not read the CIB yet: its controller"
        f" {what} for root alone. What you may read and change, the store lets you: 'crm explain'"
        " and 'crm configure' go there"
    )


def without_names(progress: ReportProgress) -> ReportProgress:
    """Return progress without what runs."""
    return replace(progress, running=())
