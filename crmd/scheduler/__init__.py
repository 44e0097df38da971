"""The pure scheduler: CIB in; transition graph, scores and reasons out. See README.md."""

from __future__ import annotations

from crmd.scheduler.pipeline import schedule
from crmd.scheduler.schedule import Schedule

__all__ = ["Schedule", "schedule"]
