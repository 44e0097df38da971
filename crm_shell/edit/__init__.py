"""Editing a configuration: statements applied to it, and the difference as operations. Pure."""

from crm_shell.edit.apply import Edited as Edited
from crm_shell.edit.apply import Mode as Mode
from crm_shell.edit.apply import apply as apply
from crm_shell.edit.changes import operations as operations
